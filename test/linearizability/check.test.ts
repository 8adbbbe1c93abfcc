import { describe, expect, test } from 'vitest';
import { Random } from '../faults/random';
import { isLinearizableByBruteForce } from './brute-force';
import { assertLinearizable, check, timedSteps } from './check';
import { HistoryRecorder, type KeyedCall, type Operation, type Outcome } from './history';
import { memoryModel } from './memory-model';
import {
  type FaultPlanter,
  plantDoubleApply,
  plantLostUpdate,
  plantStaleRead,
  plantUnwrittenRead,
} from './planted-faults';
import { isLinearizable } from './search';
import { simulatedHistory } from './simulated-history';

const remember = (text: string): KeyedCall => ({ type: 'remember', text });
const get: KeyedCall = { type: 'get' };
const unknown: Outcome = { type: 'unknown' };
const absent: Outcome = { type: 'got', version: undefined };
const stored = (id: string): Outcome => ({ type: 'remembered', id, revision: 1, isNew: true });
const revised = (id: string, revision: number): Outcome => ({ type: 'remembered', id, revision, isNew: false });
const got = (id: string, revision: number, text: string): Outcome => ({ type: 'got', version: { id, revision, text } });

/** A history of calls one after another, each by another client. */
function sequence(...calls: readonly (readonly [KeyedCall, Outcome])[]): readonly Operation[] {
  const recorder = new HistoryRecorder();
  for (const [index, [call, outcome]] of calls.entries()) recorder.invoke(`c${index + 1}`, 'k', call)(outcome);
  return recorder.history;
}

const isAccepted = (history: readonly Operation[]) => check(history).linearizable;

describe('check', () => {
  test('accepts a read of either version while a write runs, and only of the new one afterwards', () => {
    const during = (version: Outcome, later: Outcome) => {
      const recorder = new HistoryRecorder();
      recorder.invoke('a', 'k', remember('one'))(stored('m1'));
      const respond = recorder.invoke('a', 'k', remember('two'));
      recorder.invoke('b', 'k', get)(version);
      respond(revised('m1', 2));
      recorder.invoke('b', 'k', get)(later);
      return isAccepted(recorder.history);
    };
    const [old, now] = [got('m1', 1, 'one'), got('m1', 2, 'two')];
    expect([during(old, now), during(now, now), during(old, old), during(now, old)]).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  test('lets a write of unknown outcome take effect late or never, but not twice and not back', () => {
    const write = [remember('late'), unknown] as const;
    const late = got('m7', 1, 'late');
    expect(isAccepted(sequence(write, [get, absent], [get, absent]))).toBe(true);
    expect(isAccepted(sequence(write, [get, absent], [get, late]))).toBe(true);
    expect(isAccepted(sequence(write, [get, late], [get, absent]))).toBe(false);
    expect(isAccepted(sequence(write, [get, late], [get, got('m7', 2, 'late')]))).toBe(false);
    expect(isAccepted(sequence(write, [get, late], [get, got('m8', 1, 'late')]))).toBe(false);
  });

  test('does not let a call that promised no effect take effect', () => {
    const write = [remember('refused'), { type: 'withoutEffect' }] as const;
    expect(isAccepted(sequence(write, [get, absent]))).toBe(true);
    expect(isAccepted(sequence(write, [get, got('m1', 1, 'refused')]))).toBe(false);
  });

  test('gives a key a new id after forget, and refuses changes of the earlier one', () => {
    const forget = [
      { type: 'forget', id: 'm1' },
      { type: 'forgotten', existed: true },
    ] as const;
    const before = [[remember('one'), stored('m1')], forget] as const;
    const update: KeyedCall = { type: 'update', id: 'm1', text: 'three' };
    const refused: Outcome = { type: 'refused', code: 'NOT_FOUND' };
    expect(isAccepted(sequence(...before, [remember('two'), stored('m2')], [update, refused]))).toBe(true);
    expect(isAccepted(sequence(...before, [remember('two'), stored('m1')]))).toBe(false);
    expect(isAccepted(sequence(...before, [remember('two'), revised('m1', 3)]))).toBe(false);
    expect(isAccepted(sequence(...before, forget))).toBe(false);
  });

  test('refuses a change only with another ifRevision than the current one', () => {
    const change = (ifRevision: number, outcome: Outcome) =>
      isAccepted(
        sequence([remember('one'), stored('m1')], [{ type: 'update', id: 'm1', text: 'two', ifRevision }, outcome]),
      );
    const conflict: Outcome = { type: 'refused', code: 'REVISION_CONFLICT' };
    const updated: Outcome = { type: 'updated', version: { id: 'm1', revision: 2, text: 'two' } };
    expect([change(1, updated), change(2, conflict)]).toEqual([true, true]);
    expect([change(1, conflict), change(2, updated)]).toEqual([false, false]);
  });

  test('returns the shortest prefix that no order explains, as a table', () => {
    const history = sequence(
      [remember('one'), stored('m1')],
      [remember('two'), revised('m1', 2)],
      [get, got('m1', 1, 'one')],
      [get, got('m1', 2, 'two')],
    );
    const other = new HistoryRecorder();
    other.invoke('z', 'other', get)(absent);
    const verdict = check([...history, ...other.history]);
    if (verdict.linearizable) throw new Error('accepted');
    expect(verdict.prefix).toEqual(history.slice(0, 3));
    expect(isAccepted(history.slice(0, 2))).toBe(true);
    expect(verdict.report).toMatchInlineSnapshot(`
      "Not linearizable: no order of the 3 operations with the key "k" explains the outcome marked with ">".
         client  from  to  call            outcome
         c1      1     2   remember "one"  stored m1, revision 1
         c2      3     4   remember "two"  revised m1, revision 2
      >  c3      5     6   get by key      m1, revision 1, "one""
    `);
    expect(() => assertLinearizable(history)).toThrow(verdict.report);
  });

  test('rejects two outcomes of one call', () => {
    const respond = new HistoryRecorder().invoke('a', 'k', get);
    respond(absent);
    expect(() => respond(absent)).toThrow('two outcomes');
  });

  test('does not accept what it could not decide', () => {
    const history = simulatedHistory(new Random(1), { clients: 5, keys: 1, operations: 40, unknownShare: 0.3 });
    expect(() => isLinearizable(memoryModel, timedSteps(history), 3)).toThrow('Undecided');
  });
});

describe('simulated histories', () => {
  const size = (random: Random) => ({
    clients: random.whole(2, 6),
    keys: random.whole(1, 3),
    operations: random.whole(5, 60),
    unknownShare: random.pick([0, 0.05, 0.2]),
  });

  test('of a correct store are linearizable', () => {
    for (let seed = 0; seed < 2_000; seed++) {
      const random = new Random(seed, 15);
      const verdict = check(simulatedHistory(random, size(random)));
      if (!verdict.linearizable) throw new Error(`seed ${seed}\n${verdict.report}`);
    }
  });

  const planters: readonly (readonly [string, FaultPlanter])[] = [
    ['stale reads', plantStaleRead],
    ['lost updates', plantLostUpdate],
    ['writes that take effect twice', plantDoubleApply],
    ['reads of a text that nobody wrote', plantUnwrittenRead],
  ];
  test.each(planters)('with planted %s are rejected, 100 of 100', (_, plant) => {
    let [planted, missed] = [0, 0];
    for (let seed = 0; planted < 100; seed++) {
      const random = new Random(seed, 16);
      const history = plant(simulatedHistory(random, size(random)), random);
      if (history === undefined) continue;
      planted++;
      if (isAccepted(history)) missed++;
    }
    expect({ planted, missed }).toEqual({ planted: 100, missed: 0 });
  });
});

describe('the search', () => {
  test('agrees with a brute-force search on small histories, with and without changed outcomes', () => {
    const verdicts = { accepted: 0, rejected: 0 };
    for (let seed = 0; seed < 3_000; seed++) {
      const random = new Random(seed, 17);
      const options = { clients: 3, keys: 1, operations: random.whole(2, 6), unknownShare: random.pick([0, 0.3]) };
      const steps = timedSteps(disturbed(simulatedHistory(random, options), random));
      const expected = isLinearizableByBruteForce(memoryModel, steps);
      if (isLinearizable(memoryModel, steps) !== expected) throw new Error(`seed ${seed}: expected ${expected}`);
      verdicts[expected ? 'accepted' : 'rejected']++;
    }
    expect(Math.min(verdicts.accepted, verdicts.rejected)).toBeGreaterThan(500);
  });

  test('finds a shortest prefix without which the history is linearizable', () => {
    let rejected = 0;
    for (let seed = 0; rejected < 300; seed++) {
      const random = new Random(seed, 18);
      const options = { clients: 4, keys: 2, operations: 20, unknownShare: 0.1 };
      const verdict = check(disturbed(simulatedHistory(random, options), random));
      if (verdict.linearizable) continue;
      rejected++;
      const { prefix } = verdict;
      expect(isAccepted(prefix)).toBe(false);
      const last = Math.max(...prefix.map(({ respondedAt = 0 }) => respondedAt));
      const shorter = prefix.map((operation) =>
        operation.respondedAt === last ? { ...operation, outcome: unknown } : operation,
      );
      expect(isAccepted(shorter)).toBe(true);
    }
  });
});

/** Gives up to two operations the outcome of another one with the same call, and swaps the times of some neighbouring events. */
function disturbed(history: readonly Operation[], random: Random): readonly Operation[] {
  let changed = history;
  for (let count = random.whole(0, 2); count > 0; count--) {
    const at = random.pick(changed);
    const { outcome } = random.pick(changed.filter(({ call, key }) => call.type === at.call.type && key === at.key));
    changed = changed.map((operation) => (operation === at ? { ...operation, outcome } : operation));
  }
  for (let count = random.whole(0, 4); count > 0; count--) {
    const time = random.whole(1, 2 * history.length);
    const swapped = (at: number) => (at === time ? time + 1 : at === time + 1 ? time : at);
    if (changed.some(({ invokedAt, respondedAt }) => invokedAt === time && respondedAt === time + 1)) continue;
    changed = changed.map((operation) => ({
      ...operation,
      invokedAt: swapped(operation.invokedAt),
      ...(operation.respondedAt === undefined ? {} : { respondedAt: swapped(operation.respondedAt) }),
    }));
  }
  return changed;
}
