import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Command, Outcome } from '../../src/domain/command';
import { MemoryError } from '../../src/domain/errors';
import { root } from '../../src/domain/principal';
import { nextTurn } from '../../src/environment/timers';
import { LocalLog } from '../../src/log/local-log';
import { aloneLogConformance } from './log-conformance';

const maxBatchLength = 32;

function command(id: string): Command {
  return { type: 'forget', ids: [id], stamp: { at: 0, by: root, scope: {}, seed: new Uint8Array(16) } };
}

function idOf(given: Command): string {
  return given.type === 'forget' ? String(given.ids[0]) : '';
}

/** A log over a list of the batches that it has applied. */
function listLog({
  maxPending = 10_000,
  betweenBatches = () => undefined as Promise<void> | undefined,
  synced = () => undefined as Promise<void> | undefined,
} = {}) {
  const batches: string[][] = [];
  const log = new LocalLog({
    apply: (batch): readonly Outcome[] => {
      batches.push(batch.map(idOf));
      return batch.map((each) => ({ ok: true, type: 'forget', forgotten: [idOf(each)] }));
    },
    position: () => batches.length,
    sync: { synced },
    nextTurn,
    checkpointer: { betweenBatches },
    maxPending,
  });
  return { log, batches };
}

class Deferred {
  resolve: () => void = () => undefined;
  readonly promise = new Promise<void>((resolve) => {
    this.resolve = resolve;
  });
}

describe.each([
  ['on a disk that is durable at once', undefined],
  ['on a disk that is synced in another thread', { synced: () => nextTurn() }],
])('LocalLog %s conforms to ReplicatedLog: it', (_, sync) => {
  const cases = aloneLogConformance(async ({ state, maxPending }) => {
    const apply = (batch: readonly Command[]) => state.apply(batch);
    return new LocalLog({ apply, position: () => state.lastChangeSeq, sync, nextTurn, maxPending });
  });
  for (const { name, run } of cases) test(name, run);
});

describe('LocalLog on a disk that is synced in another thread', () => {
  test('answers when the batch is durable, and applies the next batch meanwhile', async () => {
    const disk = new Deferred();
    const { log, batches } = listLog({ synced: () => disk.promise });
    const answered: string[] = [];
    const first = log.propose(command('first')).then(() => answered.push('first'));
    await nextTurn();
    const second = log.propose(command('second')).then(() => answered.push('second'));
    await nextTurn();
    expect(batches).toEqual([['first'], ['second']]);
    expect(answered).toEqual([]);
    expect(log.pending).toBe(2);
    disk.resolve();
    await Promise.all([first, second]);
    expect(log.pending).toBe(0);
  });

  test('rejects the commands that the disk could not confirm, with its error', async () => {
    const failure = new MemoryError('OUTCOME_UNKNOWN', 'The disk failed.');
    const { log } = listLog({ synced: () => Promise.reject(failure) });
    await expect(log.propose(command('a'))).rejects.toBe(failure);
    expect(log.pending).toBe(0);
  });

  test('counts commands that are not durable for the limit of waiting commands', async () => {
    const disk = new Deferred();
    const { log } = listLog({ maxPending: 1, synced: () => disk.promise });
    const first = log.propose(command('a'));
    await nextTurn();
    await expect(log.propose(command('b'))).rejects.toMatchObject({ code: 'OVERLOADED' });
    disk.resolve();
    await first;
  });

  test('moves its position and ends a barrier when all that was proposed before is durable', async () => {
    const disk = new Deferred();
    const { log } = listLog({ synced: () => disk.promise });
    const proposed = log.propose(command('a'));
    let hasEnded = false;
    const barrier = log.barrier('session').then(() => {
      hasEnded = true;
    });
    for (let turn = 0; turn < 3; turn++) await nextTurn();
    expect([log.position(), hasEnded]).toEqual([0, false]);
    disk.resolve();
    await Promise.all([proposed, barrier]);
    expect(log.position()).toBe(1);
  });

  test('waits in a barrier for an earlier batch that is not durable yet, although a later batch has failed', async () => {
    const disk = new Deferred();
    let batches = 0;
    const log = new LocalLog({
      apply: (batch) => {
        if (++batches === 2) throw new Error('The disk is full.');
        return batch.map((each) => ({ ok: true, type: 'forget', forgotten: [idOf(each)] }));
      },
      position: () => batches,
      sync: { synced: () => disk.promise },
      nextTurn,
      maxPending: 10,
    });
    const first = log.propose(command('first'));
    await nextTurn();
    const second = expect(log.propose(command('second'))).rejects.toThrow('full');
    let hasEnded = false;
    const barrier = log.barrier('session').then(() => {
      hasEnded = true;
    });
    await second;
    for (let turn = 0; turn < 3; turn++) await nextTurn();
    expect(hasEnded).toBe(false);
    disk.resolve();
    await Promise.all([first, barrier]);
  });

  test('keeps its position if the disk could not confirm a batch', async () => {
    const { log } = listLog({ synced: () => Promise.reject(new MemoryError('OUTCOME_UNKNOWN', 'The disk failed.')) });
    await expect(log.propose(command('a'))).rejects.toThrow('The disk failed.');
    await log.barrier('session');
    expect(log.position()).toBe(0);
  });

  test('closes when all is durable', async () => {
    const disk = new Deferred();
    const { log } = listLog({ synced: () => disk.promise });
    const proposed = log.propose(command('a'));
    let isClosed = false;
    const closing = log.close().then(() => {
      isClosed = true;
    });
    await nextTurn();
    await nextTurn();
    expect(isClosed).toBe(false);
    disk.resolve();
    await Promise.all([proposed, closing]);
  });
});

describe('LocalLog', () => {
  test('applies at most 32 commands in one batch', async () => {
    const { log, batches } = listLog();
    await Promise.all(Array.from({ length: 100 }, (_, i) => log.propose(command(String(i)))));
    expect(batches.map(({ length }) => length)).toEqual([maxBatchLength, maxBatchLength, maxBatchLength, 4]);
  });

  test('lets input and output use turns of the event loop between batches', async () => {
    const { log, batches } = listLog();
    let batchesWhenTimerRan = 0;
    setImmediate(() => {
      batchesWhenTimerRan = batches.length;
    });
    await Promise.all(Array.from({ length: maxBatchLength * 20 }, (_, i) => log.propose(command(String(i)))));
    expect(batchesWhenTimerRan).toBeLessThan(20);
  });

  test('waits between batches until the checkpointer lets it continue', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { log, batches } = listLog({ betweenBatches: () => held });
    const answered = log.propose(command('a'));
    await nextTurn();
    await nextTurn();
    expect(batches).toEqual([]);
    release();
    await answered;
    expect(batches).toEqual([['a']]);
  });

  test('answers its callers even if the checkpointer fails', async () => {
    let failures = 1;
    const { log } = listLog({
      betweenBatches: () => (failures-- > 0 ? Promise.reject(new Error('No thread for the checkpoint.')) : undefined),
    });
    await Promise.allSettled([log.propose(command('a'))]);
    await expect(log.propose(command('b'))).resolves.toMatchObject({ ok: true });
    await log.close();
  });

  test('applies the commands of each caller once and in order, even if several callers write at the same time', async () => {
    const callers = fc.array(
      fc.array(fc.constantFrom('at once', 'after the answer', 'a turn later'), { minLength: 1, maxLength: 12 }),
      { minLength: 1, maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(callers, async (plans) => {
        const { log, batches } = listLog();
        await Promise.all(
          plans.map(async (plan, caller) => {
            const answers: Promise<Outcome>[] = [];
            for (const [i, pace] of plan.entries()) {
              const answer = log.propose(command(`${caller}/${i}`));
              answers.push(answer);
              if (pace === 'after the answer') await answer;
              if (pace === 'a turn later') await nextTurn();
            }
            expect(await Promise.all(answers)).toEqual(
              plan.map((_, i) => ({ ok: true, type: 'forget', forgotten: [`${caller}/${i}`] })),
            );
          }),
        );
        const order = batches.flat();
        for (const [caller, plan] of plans.entries()) {
          const own = order.filter((id) => id.startsWith(`${caller}/`));
          expect(own).toEqual(plan.map((_, i) => `${caller}/${i}`));
        }
        expect(log.pending).toBe(0);
        await log.close();
      }),
      { numRuns: 60 },
    );
  });
});
