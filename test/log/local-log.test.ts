import fc from 'fast-check';
import { replicatedLogConformance } from 'multi-agent-memory/testing';
import { describe, expect, test } from 'vitest';
import type { Command, Outcome } from '../../src/domain/command';
import { root } from '../../src/domain/principal';
import { nextTurn } from '../../src/environment/turn';
import { LocalLog } from '../../src/log/local-log';

const longestFrame = 32;

function command(id: string): Command {
  return { type: 'forget', ids: [id], stamp: { at: 0, by: root, within: {}, seed: new Uint8Array(16) } };
}

function idOf(given: Command): string {
  return given.type === 'forget' ? String(given.ids[0]) : '';
}

/** A log over a list, with everything that it was told to apply. */
function listLog({ maxPending = 10_000, betweenFrames = () => undefined as Promise<void> | undefined } = {}) {
  const frames: string[][] = [];
  const log = new LocalLog({
    apply: (frame): readonly Outcome[] => {
      frames.push(frame.map(idOf));
      return frame.map((each) => ({ ok: true, type: 'forget', forgotten: [idOf(each)] }));
    },
    nextTurn,
    betweenFrames,
    maxPending,
  });
  return { log, frames };
}

describe('the local log is a replicated log: it', () => {
  const cases = replicatedLogConformance(async ({ apply, maxPending }) => {
    return new LocalLog({ apply, nextTurn, betweenFrames: () => undefined, maxPending });
  });
  for (const { name, run } of cases) test(name, run);
});

describe('the local log', () => {
  test('holds no more commands in a transaction than one turn of the event loop can bear', async () => {
    const { log, frames } = listLog();
    await Promise.all(Array.from({ length: 100 }, (_, i) => log.propose(command(String(i)))));
    expect(frames.map(({ length }) => length)).toEqual([longestFrame, longestFrame, longestFrame, 4]);
  });

  test('gives input and output their turn between two frames', async () => {
    const { log, frames } = listLog();
    let framesWhenTimerRan = 0;
    setImmediate(() => {
      framesWhenTimerRan = frames.length;
    });
    await Promise.all(Array.from({ length: longestFrame * 20 }, (_, i) => log.propose(command(String(i)))));
    expect(framesWhenTimerRan).toBeLessThan(20);
  });

  test('waits between frames while a checkpoint holds it back', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { log, frames } = listLog({ betweenFrames: () => held });
    const answered = log.propose(command('a'));
    await nextTurn();
    await nextTurn();
    expect(frames).toEqual([]);
    release();
    await answered;
    expect(frames).toEqual([['a']]);
  });

  test('answers its callers even when what happens between frames fails', async () => {
    let failures = 1;
    const { log } = listLog({
      betweenFrames: () => (failures-- > 0 ? Promise.reject(new Error('No thread for the checkpoint.')) : undefined),
    });
    await Promise.allSettled([log.propose(command('a'))]);
    await expect(log.propose(command('b'))).resolves.toMatchObject({ ok: true });
    await log.close();
  }, 2_000);

  test('is one sequence: whoever proposes whenever, each caller sees its own commands in order, each once', async () => {
    const callers = fc.array(
      fc.array(fc.constantFrom('at once', 'after the answer', 'a turn later'), { minLength: 1, maxLength: 12 }),
      { minLength: 1, maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(callers, async (plans) => {
        const { log, frames } = listLog();
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
        const order = frames.flat();
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
