import assert from 'node:assert/strict';
import type { Command, Outcome } from '../../src/domain/command';
import { MemoryError } from '../../src/domain/errors';
import { root } from '../../src/domain/principal';
import type { ReplicatedLog } from '../../src/log/replicated-log';
import type { ConformanceCase } from '../../src/testing/conformance';

/** What the suite gives to a log. */
export interface LogFixture {
  /** Applies a batch durably and returns the outcome of each command in order, or throws and changes nothing. */
  apply(batch: readonly Command[]): readonly Outcome[];
  /** The largest number of waiting commands. Any further command rejects with OVERLOADED. */
  readonly maxPending: number;
}

/** The promises of a log in a store with one process. `create` is called for each case. */
export function replicatedLogConformance(create: (fixture: LogFixture) => Promise<ReplicatedLog>): ConformanceCase[] {
  const check = (
    name: string,
    run: (log: ReplicatedLog, applied: Applied) => Promise<void>,
    maxPending = 1_000,
  ): ConformanceCase => ({
    name,
    run: async () => {
      const applied = new Applied();
      await run(await create({ apply: (batch) => applied.apply(batch), maxPending }), applied);
    },
  });
  return [
    check('applies every command once, in the order in which they were proposed', async (log, applied) => {
      await Promise.all(numbers(100).map((n) => log.propose(command(n))));
      assert.deepEqual(applied.numbers, numbers(100));
    }),
    check('answers each command with its own outcome', async (log) => {
      const outcomes = await Promise.all(numbers(50).map((n) => log.propose(command(n))));
      assert.deepEqual(outcomes, numbers(50).map(outcome));
    }),
    check('lets callers that arrive together share batches', async (log, applied) => {
      await Promise.all(numbers(100).map((n) => log.propose(command(n))));
      assert.ok(
        applied.batches.length <= 50,
        `100 commands that arrived together took ${applied.batches.length} batches.`,
      );
    }),
    check('answers when a command has been applied, and not before', async (log, applied) => {
      let answered = 0;
      applied.onBatch = (batch) => assert.ok(!batch.some((each) => numberOf(each) < answered));
      await Promise.all(
        numbers(100).map(async (n) => {
          await log.propose(command(n));
          answered++;
          assert.ok(applied.numbers.includes(n));
        }),
      );
      assert.equal(answered, 100);
    }),
    check('keeps one order while callers go on proposing as they are answered', async (log, applied) => {
      const caller = async (first: number) => {
        for (let n = first; n < first + 20; n++) await log.propose(command(n));
      };
      await Promise.all([caller(0), caller(100), caller(200)]);
      assert.equal(new Set(applied.numbers).size, 60);
      for (const first of [0, 100, 200]) {
        const own = applied.numbers.filter((n) => n >= first && n < first + 20);
        assert.deepEqual(
          own,
          [...own].sort((a, b) => a - b),
        );
      }
    }),
    check('hands a refusal to its caller and to no other', async (log, applied) => {
      applied.refused.add(3);
      const outcomes = await Promise.all(numbers(6).map((n) => log.propose(command(n))));
      assert.deepEqual(
        outcomes.map(({ ok }) => ok),
        [true, true, true, false, true, true],
      );
    }),
    check(
      'rejects the commands of a batch that could not be applied, and goes on with the next',
      async (log, applied) => {
        applied.onBatch = () => {
          throw new Error('No room.');
        };
        const lost = await Promise.allSettled(numbers(3).map((n) => log.propose(command(n))));
        assert.deepEqual(
          lost.map(({ status }) => status),
          ['rejected', 'rejected', 'rejected'],
        );
        applied.onBatch = undefined;
        assert.deepEqual(await log.propose(command(7)), outcome(7));
        assert.deepEqual(applied.numbers, [7]);
      },
    ),
    check('counts the commands that wait', async (log) => {
      assert.equal(log.pending, 0);
      const all = Promise.all(numbers(5).map((n) => log.propose(command(n))));
      assert.equal(log.pending, 5);
      await all;
      assert.equal(log.pending, 0);
    }),
    check(
      'refuses what exceeds its bound with OVERLOADED, applies what it took, and then takes more',
      async (log, applied) => {
        const settled = await Promise.allSettled(numbers(9).map((n) => log.propose(command(n))));
        const refused = settled.filter((each) => each.status === 'rejected');
        assert.equal(refused.length, 5);
        for (const { reason } of refused) assertError(reason, 'OVERLOADED');
        assert.deepEqual(applied.numbers, numbers(4));
        assert.deepEqual(await log.propose(command(9)), outcome(9));
      },
      4,
    ),
    check('ends what it took before it is closed', async (log, applied) => {
      const all = Promise.all(numbers(100).map((n) => log.propose(command(n))));
      await log.close();
      assert.deepEqual(applied.numbers, numbers(100));
      assert.deepEqual(await all, numbers(100).map(outcome));
    }),
    check('refuses with STORE_CLOSED once closing has begun; closing twice is harmless', async (log, applied) => {
      const closing = log.close();
      await assert.rejects(log.propose(command(1)), (error) => assertError(error, 'STORE_CLOSED'));
      await closing;
      await log.close();
      await assert.rejects(log.propose(command(2)), (error) => assertError(error, 'STORE_CLOSED'));
      assert.deepEqual(applied.numbers, []);
    }),
  ];
}

/** Remembers what was applied, and refuses what it is told to. */
class Applied {
  readonly batches: (readonly Command[])[] = [];
  readonly refused = new Set<number>();
  onBatch: ((batch: readonly Command[]) => void) | undefined;

  get numbers(): number[] {
    return this.batches.flat().map(numberOf);
  }

  apply(batch: readonly Command[]): readonly Outcome[] {
    this.onBatch?.(batch);
    this.batches.push(batch);
    return batch.map(numberOf).map((n) => (this.refused.has(n) ? refusal : outcome(n)));
  }
}

const refusal: Outcome = { ok: false, error: new MemoryError('FORBIDDEN', 'Refused by the suite.') };

function command(n: number): Command {
  return { type: 'forget', ids: [String(n)], stamp: { at: n, by: root, scope: {}, seed: new Uint8Array(16) } };
}

function outcome(n: number): Outcome {
  return { ok: true, type: 'forget', forgotten: [String(n)] };
}

function numberOf(given: Command): number {
  return Number(given.type === 'forget' ? given.ids[0] : Number.NaN);
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n);
}

function assertError(error: unknown, code: MemoryError['code']): true {
  assert.ok(MemoryError.is(error), `Not a MemoryError: ${String(error)}`);
  assert.equal(error.code, code);
  return true;
}
