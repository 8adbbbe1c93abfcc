import { expect, test } from 'vitest';
import { isLinearizable } from '../linearizability/search';
import { registerModel } from './history';
import { scenarioOf } from './scenario';
import { runScenario } from './simulation';

// Other seeds than those of every day.
const [from, seeds] = [100_001, 400];

test(`a simulated cluster keeps its promises through faults, and heals afterwards: ${seeds} more seeds`, () => {
  for (let seed = from; seed < from + seeds; seed += 1) {
    const { violation, histories } = runScenario(scenarioOf(seed));
    expect(violation?.message, `npm run test:simulation -- --seed ${seed}`).toBeUndefined();
    for (const steps of histories) expect(isLinearizable(registerModel, steps), `seed ${seed}`).toBe(true);
  }
});
