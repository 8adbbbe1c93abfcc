import { expect, test } from 'vitest';
import { scenarioOf } from './scenario';
import { runScenario } from './simulation';
import { storeStates } from './store-states';

const [from, seeds] = [200_001, 30];

test(`nodes agree in every table of real states: ${seeds} more seeds`, () => {
  for (let seed = from; seed < from + seeds; seed += 1) {
    const { violation } = runScenario(scenarioOf(seed), undefined, storeStates);
    expect(violation?.message, `npm run test:simulation -- --apply --seed ${seed}`).toBeUndefined();
  }
});
