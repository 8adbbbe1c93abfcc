import { expect, test } from 'vitest';
import { scenarioOf } from './scenario';
import { shrunk } from './shrink';
import { runScenario } from './simulation';

// `npm run test:simulation` plays as many as one likes, and shows what happened in one that fails.
const seeds = 45;

test(`a simulated cluster keeps its promises through faults, and heals afterwards: ${seeds} seeds`, () => {
  let [commands, acknowledged, terms, changes, revocations, leaseReads, halted] = [0, 0, 0, 0, 0, 0, 0];
  for (let seed = 1; seed <= seeds; seed += 1) {
    const course = runScenario(scenarioOf(seed));
    if (course.violation !== undefined)
      throw new Error(`npm run test:simulation -- --seed ${seed}: ${course.violation.message}`);
    commands += course.commands;
    acknowledged += course.acknowledged;
    terms += course.terms;
    changes += course.changes;
    revocations += course.revocations;
    leaseReads += course.leaseReads;
    halted += course.halted;
  }
  // A course in which nothing happens proves nothing.
  expect(commands / seeds).toBeGreaterThan(50);
  expect(acknowledged).toBeLessThan(commands);
  expect(terms / seeds).toBeGreaterThan(3);
  expect(changes / seeds).toBeGreaterThan(2);
  expect(revocations / seeds).toBeGreaterThan(10);
  expect(leaseReads / revocations).toBeGreaterThan(3);
  expect(halted).toBeGreaterThan(2);
});

test('the same seed takes the same course, whether it is traced or not', () => {
  const traceOf = (seed: number) => {
    const lines: string[] = [];
    runScenario(scenarioOf(seed), (line) => lines.push(line));
    return lines;
  };
  const { violation, ...figures } = runScenario(scenarioOf(7));
  expect(violation).toBeUndefined();
  expect(traceOf(7)).toEqual(traceOf(7));
  expect(runScenario(scenarioOf(7), () => {})).toEqual({ violation, ...figures });
});

test('a scenario that keeps all promises does not shrink', () => {
  expect(shrunk(scenarioOf(7), undefined, 20)).toEqual(scenarioOf(7));
});
