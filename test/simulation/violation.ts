/** A promise of the cluster is broken. */
export class SimulationViolation extends Error {
  override readonly name = 'SimulationViolation';
}

/** Throws a `SimulationViolation` unless `holds`. */
export function check(holds: boolean, problem: () => string): asserts holds {
  if (!holds) throw new SimulationViolation(problem());
}
