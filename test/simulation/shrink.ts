import type { StoreStates } from './machine';
import type { Scenario } from './scenario';
import { runScenario } from './simulation';

/** A scenario that fails as well, with as few faults and as short as could be found by `attempts` runs. */
export function shrunk(scenario: Scenario, stores?: StoreStates, attempts = 400): Scenario {
  let smallest = scenario;
  let left = attempts;
  const kind = runScenario(scenario, undefined, stores).violation?.name;
  const tried = (candidate: Scenario): boolean => {
    if (left <= 0) return false;
    left -= 1;
    const { violation } = runScenario(candidate, undefined, stores);
    if (violation === undefined || violation.name !== kind) return false;
    smallest = candidate;
    return true;
  };
  for (const calm of calmer(smallest)) tried({ ...smallest, ...calm });
  for (let size = smallest.faults.length; size >= 1; size = size === 1 && tried(smallest) ? 0 : size >> 1) {
    for (let at = 0; at < smallest.faults.length; ) {
      const { faults } = smallest;
      if (!tried({ ...smallest, faults: [...faults.slice(0, at), ...faults.slice(at + size)] })) at += size;
    }
  }
  for (const calm of calmer(smallest)) tried({ ...smallest, ...calm });
  for (const share of [0.2, 0.4, 0.6, 0.8]) tried({ ...smallest, durationMs: smallest.durationMs * share });
  return smallest;
}

function calmer({ commandEveryMs, readEveryMs }: Scenario): readonly Partial<Scenario>[] {
  return [
    { duplicates: 0 },
    { late: 0 },
    { disorder: 0 },
    { loss: 0 },
    { readEveryMs: readEveryMs * 1_000 },
    { commandEveryMs: commandEveryMs * 4 },
  ];
}
