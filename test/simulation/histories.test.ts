import { expect, test } from 'vitest';
import { isLinearizable, type TimedStep } from '../linearizability/search';
import { type KeyStep, registerModel } from './history';
import { scenarioOf } from './scenario';
import { runScenario } from './simulation';

const linearizable = (steps: readonly TimedStep<KeyStep>[]) => isLinearizable(registerModel, steps);

/** The history with one read that shows the key as it was before a change that was acknowledged before the read began. */
function withStaleRead(steps: readonly TimedStep<KeyStep>[]): readonly TimedStep<KeyStep>[] | undefined {
  for (const [at, { step, invokedAt, ...end }] of steps.entries()) {
    const { answer } = step;
    if (step.kind !== 'read' || answer === undefined) continue;
    const changes = steps.filter((each) => each.step.answer?.isDone === true && (each.respondedAt ?? 0) > 0);
    const latest = changes.find((each) => each.step.answer?.register.revision === answer.register.revision);
    const before = changes.find((each) => each.step.answer?.register.revision === answer.register.revision - 1);
    if (latest === undefined || before === undefined || latest.respondedAt! >= invokedAt) continue;
    const stale = { ...step, answer: { isDone: false, register: before.step.answer!.register } };
    return steps.map((each, other) => (other === at ? { step: stale, invokedAt, ...end } : each));
  }
  return undefined;
}

test('what callers see is linearizable, and 100 of 100 planted stale reads are not', () => {
  let planted = 0;
  for (let seed = 1; seed <= 20 || planted < 100; seed += 1) {
    for (const steps of runScenario(scenarioOf(seed)).histories) {
      expect(linearizable(steps), `seed ${seed}`).toBe(true);
      const stale = planted < 100 ? withStaleRead(steps) : undefined;
      if (stale === undefined) continue;
      planted += 1;
      expect(linearizable(stale), `seed ${seed}, with a stale read`).toBe(false);
    }
  }
  expect(planted).toBe(100);
});
