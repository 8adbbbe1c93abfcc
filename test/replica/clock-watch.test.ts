import { expect, test } from 'vitest';
import { ClockWatch } from '../../src/replica/clock-watch';
import { VirtualTime } from '../../src/testing/virtual-time';

/** The clocks of some nodes, which differ from the time by these milliseconds. Undefined: the node does not answer. */
function clocksOf(...ahead: readonly (number | undefined)[]) {
  const time = new VirtualTime();
  const skews = [...ahead];
  const answerMs = { there: 0, back: 0 };
  const clockOf = (node: number) => ({ now: () => 1_000_000 + time.elapsedMs() + (skews[node] ?? 0) });
  const later = (ms: number) => new Promise<void>((resolve) => void time.schedule(ms, resolve));
  const watches = ahead.map((_, node) => {
    const warnings: string[] = [];
    const watch = new ClockWatch({
      clock: clockOf(node),
      others: () => [...ahead.keys()].filter((each) => each !== node),
      ask: async (member) => {
        if (answerMs.there > 0) await later(answerMs.there);
        if (skews[member] === undefined) throw new Error('no answer');
        const now = clockOf(member).now();
        if (answerMs.back > 0) await later(answerMs.back);
        return now;
      },
      elapsedMs: () => time.elapsedMs(),
      schedule: time.schedule,
      logger: { warn: (message) => warnings.push(message) },
      maxSkewMs: 10_000,
    });
    return { watch, warnings };
  });
  return { time, skews, answerMs, watches };
}

type Clocks = ReturnType<typeof clocksOf>;

async function started(clocks: Clocks) {
  for (const { watch } of clocks.watches) void watch.start();
  await clocks.time.advance(2_000);
  return clocks.watches.map(({ watch, warnings }) => [watch.skewMs, watch.refusal?.code, warnings.length]);
}

test('finds the one wrong clock of three, and refuses writes only there', async () => {
  const clocks = clocksOf(0, 60_000, 5);
  expect(await started(clocks)).toEqual([
    [-5, undefined, 0],
    [59_995, 'CLOCK_SKEWED', 1],
    [0, undefined, 0],
  ]);
  expect(clocks.watches[1]?.watch.refusal).toMatchObject({ retryable: true });
  expect(clocks.watches[1]?.warnings[0]).toMatch(/59995 ms ahead of .* takes no writes/);
});

test('warns from a second on, once, and takes writes again when the clock is right again', async () => {
  const clocks = clocksOf(-2_000, 0, 0);
  expect((await started(clocks))[0]).toEqual([-2_000, undefined, 1]);
  const [{ watch, warnings }] = clocks.watches as [Clocks['watches'][0]];
  expect(warnings[0]).toMatch(/2000 ms behind/);
  await clocks.time.advance(60_000);
  expect(warnings).toHaveLength(1);
  clocks.skews[0] = -10_001;
  await clocks.time.advance(31_000);
  expect([watch.refusal?.code, warnings.length]).toEqual(['CLOCK_SKEWED', 2]);
  clocks.skews[0] = 0;
  await clocks.time.advance(31_000);
  expect([watch.skewMs, watch.refusal, warnings.length]).toEqual([0, undefined, 2]);
});

test('counts nothing that the time of the answer explains', async () => {
  const clocks = clocksOf(0, 300, 300);
  clocks.answerMs.back = 800;
  expect((await started(clocks))[0]?.[0]).toBe(0);
  const far = clocksOf(0, 30_000, 30_000);
  far.answerMs.back = 400;
  expect((await started(far))[0]).toEqual([-29_600, 'CLOCK_SKEWED', 1]);
});

test('does not know which of two clocks is wrong, and takes half of the difference on both', async () => {
  const clocks = clocksOf(0, 30_000);
  expect(await started(clocks)).toEqual([
    [-15_000, 'CLOCK_SKEWED', 1],
    [15_000, 'CLOCK_SKEWED', 1],
  ]);
});

test('leaves out members that do not answer, keeps what it knew, and starts after a second without an answer', async () => {
  const clocks = clocksOf(0, undefined, undefined);
  expect((await started(clocks))[0]).toEqual([undefined, undefined, 0]);
  clocks.skews[1] = 40_000;
  clocks.skews[2] = 40_000;
  await clocks.time.advance(31_000);
  expect(clocks.watches[0]?.watch.skewMs).toBe(-40_000);
  clocks.skews[1] = undefined;
  clocks.skews[2] = undefined;
  await clocks.time.advance(31_000);
  expect(clocks.watches[0]?.watch.refusal?.code).toBe('CLOCK_SKEWED');

  const slow = clocksOf(0, 0);
  slow.answerMs.there = 5_000;
  let isStarted = false;
  const start = slow.watches[0]?.watch.start().then(() => {
    isStarted = true;
  });
  await slow.time.advance(900);
  expect(isStarted).toBe(false);
  await slow.time.advance(200);
  await start;
  for (const { watch } of slow.watches) watch.close();
  await slow.time.advance(100_000);
});
