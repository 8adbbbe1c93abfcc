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

/** Makes a case from its name, its check and the bound of waiting commands. */
type Check = (
  name: string,
  run: (log: ReplicatedLog, applied: Applied) => Promise<void>,
  maxPending?: number,
) => ConformanceCase;

/** The promises of a log in a store with one process. `create` is called for each case. */
export function replicatedLogConformance(create: (fixture: LogFixture) => Promise<ReplicatedLog>): ConformanceCase[] {
  const check: Check = (name, run, maxPending = 1_000) => ({
    name,
    run: async () => {
      const applied = new Applied();
      await run(await create({ apply: (batch) => applied.apply(batch), maxPending }), applied);
    },
  });
  return [...orderCases(check), ...failureCases(check), ...closeCases(check)];
}

/** Order, outcomes and batches. */
function orderCases(check: Check): ConformanceCase[] {
  return [
    check('applies every command once, in the order in which they were proposed', async (log, applied) => {
      await Promise.all(numbers(100).map((n) => log.propose(command(n))));
      assert.deepEqual(applied.numbers, numbers(100));
    }),
    check('returns to each caller the outcome of its own command', async (log) => {
      const outcomes = await Promise.all(numbers(50).map((n) => log.propose(command(n))));
      assert.deepEqual(outcomes, numbers(50).map(outcome));
    }),
    check('puts commands of concurrent callers into shared batches', async (log, applied) => {
      await Promise.all(numbers(100).map((n) => log.propose(command(n))));
      assert.ok(
        applied.batches.length <= 50,
        `100 commands that arrived together took ${applied.batches.length} batches.`,
      );
    }),
    check('answers after a command was applied, not before', async (log, applied) => {
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
    check('keeps the order of each caller while several propose one command after another', async (log, applied) => {
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
  ];
}

/** Refused commands, failed batches and overload. */
function failureCases(check: Check): ConformanceCase[] {
  return [
    check('returns a refusal only to the caller of the refused command', async (log, applied) => {
      applied.refused.add(3);
      const outcomes = await Promise.all(numbers(6).map((n) => log.propose(command(n))));
      assert.deepEqual(
        outcomes.map(({ ok }) => ok),
        [true, true, true, false, true, true],
      );
    }),
    check('rejects all commands of a batch that failed, and applies the next batch', async (log, applied) => {
      applied.onBatch = () => {
        throw new Error('The disk is full.');
      };
      const lost = await Promise.allSettled(numbers(3).map((n) => log.propose(command(n))));
      assert.deepEqual(
        lost.map(({ status }) => status),
        ['rejected', 'rejected', 'rejected'],
      );
      applied.onBatch = undefined;
      assert.deepEqual(await log.propose(command(7)), outcome(7));
      assert.deepEqual(applied.numbers, [7]);
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
  ];
}

/** The end of a log. */
function closeCases(check: Check): ConformanceCase[] {
  return [
    check('applies all accepted commands before it closes', async (log, applied) => {
      const all = Promise.all(numbers(100).map((n) => log.propose(command(n))));
      await log.close();
      assert.deepEqual(applied.numbers, numbers(100));
      assert.deepEqual(await all, numbers(100).map(outcome));
    }),
    check(
      'rejects with STORE_CLOSED after `close` was called; a second `close` has no effect',
      async (log, applied) => {
        const closing = log.close();
        await assert.rejects(log.propose(command(1)), (error) => assertError(error, 'STORE_CLOSED'));
        await closing;
        await log.close();
        await assert.rejects(log.propose(command(2)), (error) => assertError(error, 'STORE_CLOSED'));
        assert.deepEqual(applied.numbers, []);
      },
    ),
  ];
}

/** Records the applied batches, and refuses the commands with a number in `refused`. */
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
