import assert from 'node:assert/strict';
import type { Command } from '../../src/domain/command';
import { MemoryError } from '../../src/domain/errors';
import type { BarrierLevel, ReplicatedLog } from '../../src/log/replicated-log';
import type { ConformanceCase } from '../../src/testing/conformance';
import { answerOf, command, numberOf, numbers, RecordedState, refusedCommand } from './recorded-state';

/** What the suite gives to a log. */
export interface LogFixture {
  /** What the log applies commands to. */
  readonly state: RecordedState;
  /** The largest number of waiting commands. Any further command rejects with OVERLOADED. */
  readonly maxPending: number;
}

/** Makes a log over the fixture. Called for each case. */
export type LogMaker = (fixture: LogFixture) => Promise<ReplicatedLog>;

/** Makes a case from its name, its check and the bound of waiting commands. */
type Check = (
  name: string,
  run: (log: ReplicatedLog, state: RecordedState) => Promise<void>,
  maxPending?: number,
) => ConformanceCase;

/** The promises of the log of a store without peers. */
export function aloneLogConformance(create: LogMaker): ConformanceCase[] {
  return [...replicatedLogConformance(create), ...aloneCases(checkWith(create))];
}

/** The promises of every log, with or without peers. */
export function replicatedLogConformance(create: LogMaker): ConformanceCase[] {
  const check = checkWith(create);
  return [
    ...orderCases(check),
    ...refusalCases(check),
    ...barrierCases(check),
    ...positionCases(check),
    ...closeCases(check),
  ];
}

function checkWith(create: LogMaker): Check {
  return (name, run, maxPending = 1_000) => ({
    name,
    run: async () => {
      const state = new RecordedState();
      const log = await create({ state, maxPending });
      await run(log, state);
      await log.close();
    },
  });
}

/** Order, outcomes and batches. */
function orderCases(check: Check): ConformanceCase[] {
  return [
    check('applies every command once, in the order in which they were proposed', async (log, state) => {
      await Promise.all(numbers(100).map((n) => log.propose(command(n))));
      assert.deepEqual(state.numbers, numbers(100));
    }),
    check('returns to each caller the outcome of its own command', async (log) => {
      const outcomes = await Promise.all(numbers(50).map((n) => log.propose(command(n))));
      assert.deepEqual(outcomes.map(answerOf), numbers(50));
    }),
    check('puts commands of concurrent callers into shared batches', async (log, state) => {
      await Promise.all(numbers(100).map((n) => log.propose(command(n))));
      const { length } = state.batches;
      assert.ok(length <= 50, `100 commands that arrived together took ${length} batches.`);
    }),
    check('answers after a command was applied, not before', async (log, state) => {
      let answered = 0;
      state.onBatch = (batch) => assert.ok(!batch.some((each) => numberOf(each) < answered));
      await Promise.all(
        numbers(100).map(async (n) => {
          await log.propose(command(n));
          answered++;
          assert.ok(state.numbers.includes(n));
        }),
      );
      assert.equal(answered, 100);
    }),
    check('keeps the order of each caller while several propose one command after another', async (log, state) => {
      const caller = async (first: number) => {
        for (let n = first; n < first + 20; n++) await log.propose(command(n));
      };
      await Promise.all([caller(0), caller(100), caller(200)]);
      assert.equal(new Set(state.numbers).size, 60);
      for (const first of [0, 100, 200]) {
        const own = state.numbers.filter((n) => n >= first && n < first + 20);
        assert.deepEqual(own, numbers(20, first));
      }
    }),
  ];
}

/** Refused commands and overload. */
function refusalCases(check: Check): ConformanceCase[] {
  return [
    check('returns a refusal only to the caller of the refused command', async (log) => {
      const proposed = (n: number) => log.propose(n === 3 ? refusedCommand(n) : command(n));
      const outcomes = await Promise.all(numbers(6).map(proposed));
      assert.deepEqual(outcomes.map(answerOf), [0, 1, 2, 'FORBIDDEN', 4, 5]);
    }),
    check('counts the waiting commands', async (log) => {
      assert.equal(log.pending, 0);
      const all = Promise.all(numbers(5).map((n) => log.propose(command(n))));
      assert.equal(log.pending, 5);
      await all;
      assert.equal(log.pending, 0);
    }),
    check(
      'rejects commands above its limit with OVERLOADED, applies the accepted ones, then accepts more',
      async (log, state) => {
        const settled = await Promise.allSettled(numbers(9).map((n) => log.propose(command(n))));
        const refused = settled.filter((each) => each.status === 'rejected');
        assert.equal(refused.length, 5);
        for (const { reason } of refused) assertError(reason, 'OVERLOADED');
        assert.deepEqual(state.numbers, numbers(4));
        assert.equal(answerOf(await log.propose(command(9))), 9);
      },
      4,
    ),
  ];
}

/** What a read waits for. */
function barrierCases(check: Check): ConformanceCase[] {
  const levels: readonly BarrierLevel[] = ['session', 'linearizable', { after: 0 }];
  return [
    check('ends a barrier of each level when everything proposed before is applied', async (log, state) => {
      for (const [i, level] of levels.entries()) {
        const all = Promise.all(numbers(40, i * 100).map((n) => log.propose(command(n))));
        await log.barrier(level);
        assert.equal(state.numbers.length, (i + 1) * 40);
        await all;
      }
    }),
    check('ends a barrier while other callers propose without a pause', async (log) => {
      let isOver = false;
      const caller = async (first: number) => {
        for (let n = first; !isOver; n++) await log.propose(command(n));
      };
      const callers = [caller(0), caller(100_000)];
      for (const level of levels) await log.barrier(level);
      isOver = true;
      await Promise.all(callers);
    }),
    check('ends a barrier that has nothing to wait for', async (log) => {
      for (const level of levels) await log.barrier(level);
    }),
    check('ends a barrier although commands before it were refused', async (log) => {
      const refused = log.propose(refusedCommand(0));
      await log.barrier('session');
      assert.equal(answerOf(await refused), 'FORBIDDEN');
    }),
  ];
}

/** Positions, for reads that must include them. */
function positionCases(check: Check): ConformanceCase[] {
  return [
    check('moves its position forward with each command that changes the state', async (log) => {
      for (const n of numbers(5)) {
        const before = log.position();
        await log.propose(command(n));
        assert.ok(log.position() > before, `The position stays at ${before} after a command was applied.`);
      }
    }),
    check('includes in its position every command that was answered, so a barrier after it ends', async (log) => {
      const answered = numbers(60).map(async (n) => {
        await log.propose(command(n));
        await log.barrier({ after: log.position() });
      });
      await Promise.all(answered);
    }),
    check('has a role in which it accepts commands', async (log) => {
      assert.notEqual(log.status().role, 'halted');
    }),
  ];
}

/** What only a store without peers promises: the log is written when a batch is applied, so a failed batch is in no log. */
function aloneCases(check: Check): ConformanceCase[] {
  return [
    check('rejects all commands of a batch that failed, and applies the next batch', async (log, state) => {
      state.onBatch = failDisk;
      const lost = await Promise.allSettled(numbers(3).map((n) => log.propose(command(n))));
      assert.deepEqual(
        lost.map(({ status }) => status),
        ['rejected', 'rejected', 'rejected'],
      );
      state.onBatch = undefined;
      assert.equal(answerOf(await log.propose(command(7))), 7);
      assert.deepEqual(state.numbers, [7]);
    }),
    check('ends a barrier although the batch before it failed, and keeps its position', async (log, state) => {
      const before = log.position();
      state.onBatch = failDisk;
      const lost = assert.rejects(log.propose(command(1)));
      await log.barrier('session');
      await lost;
      assert.equal(log.position(), before);
    }),
    check('rejects a barrier after a position that the store has not reached', async (log) => {
      await log.propose(command(1));
      const ahead = log.barrier({ after: log.position() + 1 });
      await assert.rejects(ahead, (error) => assertError(error, 'INVALID_INPUT'));
    }),
    check('says that it is alone', async (log) => {
      assert.deepEqual(log.status(), { role: 'alone' });
    }),
  ];
}

/** The end of a log. */
function closeCases(check: Check): ConformanceCase[] {
  return [
    check('applies all accepted commands before it closes', async (log, state) => {
      const all = Promise.all(numbers(100).map((n) => log.propose(command(n))));
      await log.close();
      assert.deepEqual(state.numbers, numbers(100));
      assert.deepEqual((await all).map(answerOf), numbers(100));
    }),
    check('rejects with STORE_CLOSED after `close` was called; a second `close` has no effect', async (log, state) => {
      const closing = log.close();
      await assert.rejects(log.propose(command(1)), (error) => assertError(error, 'STORE_CLOSED'));
      await closing;
      await log.close();
      await assert.rejects(log.propose(command(2)), (error) => assertError(error, 'STORE_CLOSED'));
      assert.deepEqual(state.numbers, []);
    }),
  ];
}

/** Fails a batch as a full disk does. */
export function failDisk(_batch: readonly Command[]): void {
  throw new Error('The disk is full.');
}

export function assertError(error: unknown, code: MemoryError['code']): true {
  assert.ok(MemoryError.is(error), `Not a MemoryError: ${String(error)}`);
  assert.equal(error.code, code);
  return true;
}
