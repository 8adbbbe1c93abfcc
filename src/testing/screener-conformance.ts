import assert from 'node:assert/strict';
import type { Screener } from '../screening/screener';
import type { ConformanceCase } from './conformance';

/** Texts that a screener must accept, whatever it says about them. */
const unusualTexts: readonly string[] = [
  '',
  ' ',
  '👩‍👩‍👧‍👦🎉',
  '\0\0\0',
  'before \udc00 after',
  '客户想要退款。',
  '&#x110000;%E0%A4%A<<<!--',
  'word '.repeat(2_000),
  'x'.repeat(10_000),
];

/**
 * Returns the requirements for every screener, as test cases. How good it is at finding instructions is not among them.
 *
 * @param create Returns the screener to test. It is called once for each case.
 * @example
 * ```ts
 * import { builtInScreener } from 'multi-agent-memory';
 * import { screenerConformance } from 'multi-agent-memory/testing';
 * for (const { run } of screenerConformance(async () => builtInScreener())) await run();
 * ```
 */
export function screenerConformance(create: () => Promise<Screener>): ConformanceCase[] {
  const check = (name: string, run: (screener: Screener) => Promise<void>): ConformanceCase => ({
    name,
    run: async () => run(await create()),
  });
  return [
    check('names itself', async ({ name }) => assert.ok(name.length > 0)),
    check('returns a score from 0 to 1 and reasons for each text, also for unusual ones', async (screener) => {
      const verdicts = await screener.screen(unusualTexts, {});
      assert.equal(verdicts.length, unusualTexts.length);
      for (const { score, reasons } of verdicts) {
        assert.ok(score >= 0 && score <= 1, `expected a score from 0 to 1, got ${score}`);
        assert.ok(reasons.every((reason) => typeof reason === 'string' && reason.length > 0));
      }
    }),
    check('returns nothing for no texts', async (screener) => {
      assert.deepEqual(await screener.screen([], {}), []);
    }),
    check('judges each text by itself', async (screener) => {
      const together = await screener.screen(unusualTexts, {});
      for (const [i, text] of unusualTexts.entries()) {
        assert.deepEqual(await screener.screen([text], {}), [together[i]]);
      }
    }),
    check('rejects if its signal is aborted', async (screener) => {
      await assert.rejects(screener.screen(['A text.'], { signal: AbortSignal.abort() }));
    }),
  ];
}
