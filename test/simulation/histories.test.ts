import { expect, test } from 'vitest';
import { isLinearizable, type TimedStep } from '../linearizability/search';
import {
  checkPositions,
  checkSessions,
  partsOf,
  type SessionEvent,
  withReadBeforePosition,
  withStaleSessionRead,
} from '../linearizability/session';
import { type KeyStep, registerModel, withStaleRead } from './history';
import { scenarioOf } from './scenario';
import { type Course, runScenario } from './simulation';

// A course takes longer than all checks of it.
const courses = new Map<number, Course>();
function courseOf(seed: number): Course {
  const course = courses.get(seed) ?? runScenario(scenarioOf(seed));
  courses.set(seed, course);
  return course;
}

const linearizable = (steps: readonly TimedStep<KeyStep>[]) => isLinearizable(registerModel, steps);

test('what callers see is linearizable, and 100 of 100 planted stale reads are not', () => {
  let planted = 0;
  for (let seed = 1; seed <= 20 || planted < 100; seed += 1) {
    for (const steps of courseOf(seed).histories) {
      expect(linearizable(steps), `seed ${seed}`).toBe(true);
      const stale = planted < 100 ? withStaleRead(steps) : undefined;
      if (stale === undefined) continue;
      planted += 1;
      expect(linearizable(stale), `seed ${seed}, with a stale read`).toBe(false);
    }
  }
  expect(planted).toBe(100);
});

// Each read level with its checker, and a fault that the checker must see.
const levels = {
  'a session sees its own writes, and nothing goes back in it': ['sessionEvents', checkSessions, withStaleSessionRead],
  'a read after a position includes it': ['positionEvents', checkPositions, withReadBeforePosition],
} as const;

test.each(Object.entries(levels))('%s, and 100 of 100 planted stale reads do not', (_, [name, check, plant]) => {
  let planted = 0;
  for (let seed = 1; seed <= 20 || planted < 100; seed += 1) {
    const events: readonly SessionEvent[] = courseOf(seed)[name];
    expect(check(events), `seed ${seed}`).toBeUndefined();
    expect(events.filter(({ kind }) => kind === 'read').length, `seed ${seed}`).toBeGreaterThan(0);
    for (const part of partsOf(events)) {
      const stale = planted < 100 ? plant(part) : undefined;
      if (stale === undefined) continue;
      planted += 1;
      expect(check(stale), `seed ${seed}, with a stale read`).toBeDefined();
    }
  }
  expect(planted).toBe(100);
});
