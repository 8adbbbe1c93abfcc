import { fileURLToPath } from 'node:url';
import { loadBrokenModule } from '../mistakes/broken-library';
import type { Mistake } from '../mistakes/mistake';
import type { scenarioOf } from './scenario';
import type { runScenario } from './simulation';

/** The simulator with a mistake in the core or in its own host. */
export interface BrokenSimulation {
  readonly scenarioOf: typeof scenarioOf;
  readonly runScenario: typeof runScenario;
}

/** The first seed that finds a mistake, and what it says. */
export interface Finding {
  readonly seed: number;
  readonly message: string;
}

/** Builds the simulator with a mistake in it. */
export function loadBroken({ edits }: Pick<Mistake, 'edits'>): Promise<BrokenSimulation> {
  return loadBrokenModule({
    contents: `export { scenarioOf } from './scenario'; export { runScenario } from './simulation';`,
    folder: fileURLToPath(new URL('.', import.meta.url)),
    edits,
  });
}

// A program that does not even run is noticed by anybody.
const noFindings = ['TypeError', 'ReferenceError', 'RangeError', 'SyntaxError'];

/** Plays seeds until one finds the mistake. Undefined if none does. */
export function firstFinding(broken: BrokenSimulation, seeds: { from: number; count: number }): Finding | undefined {
  for (let seed = seeds.from; seed < seeds.from + seeds.count; seed += 1) {
    const { violation } = broken.runScenario(broken.scenarioOf(seed));
    if (violation === undefined) continue;
    if (noFindings.includes(violation.name)) throw violation;
    return { seed, message: violation.message };
  }
  return undefined;
}
