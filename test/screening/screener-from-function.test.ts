import { allow, MemoryStore, type ScreeningFunction, screenerFromFunction } from 'multi-agent-memory';
import { screenerConformance } from 'multi-agent-memory/testing';
import { describe, expect, it } from 'vitest';

const linkScore = (text: string) => (text.includes('https://') ? 0.9 : 0.1);

describe('screenerFromFunction', () => {
  for (const { name, run } of screenerConformance(async () => screenerFromFunction('links-1', linkScore)))
    it(name, run);

  it('takes a number as a verdict without reasons, and a verdict as it is', async () => {
    const reasons = ['link'];
    const screener = screenerFromFunction('links-1', async (text) =>
      text === 'number' ? 0.25 : { score: 1, reasons },
    );
    expect(await screener.screen(['number', 'verdict'], {})).toEqual([
      { score: 0.25, reasons: [] },
      { score: 1, reasons },
    ]);
  });

  it('returns the verdicts in the order of the texts, whichever is ready first', async () => {
    let release = () => {};
    const second = new Promise<void>((resolve) => {
      release = resolve;
    });
    const screener = screenerFromFunction('late-1', async (text) => {
      if (text === 'first') await second;
      else release();
      return text === 'first' ? 0.1 : 0.2;
    });
    const verdicts = await screener.screen(['first', 'second'], {});
    expect(verdicts.map(({ score }) => score)).toEqual([0.1, 0.2]);
  });

  it('passes the signal to the function', async () => {
    const { signal } = new AbortController();
    const seen: unknown[] = [];
    const screener = screenerFromFunction('signal-1', (_, options) => {
      seen.push(options.signal);
      return 0;
    });
    await screener.screen(['A text.'], { signal });
    expect(seen).toEqual([signal]);
  });

  it('refuses a missing name and a missing function with both issues', () => {
    expect(() => screenerFromFunction('', 'no function' as never)).toThrow(
      expect.objectContaining({
        code: 'INVALID_INPUT',
        issues: [expect.objectContaining({ path: ['name'] }), expect.objectContaining({ path: ['screen'] })],
      }),
    );
  });

  it.each([
    ['a score above 1', 1.5],
    ['a score below 0', -0.1],
    ['NaN', Number.NaN],
    ['nothing', undefined],
    ['a string', 'secret text'],
    ['a verdict without reasons', { score: 0.5 }],
    ['an empty reason', { score: 0.5, reasons: [''] }],
  ])('rejects if the function returns %s, without naming the text', async (_, returned) => {
    const screener = screenerFromFunction('broken-1', (() => returned) as ScreeningFunction);
    const failure = await screener.screen(['secret text'], {}).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'INVALID_INPUT', message: expect.stringContaining('verdict') });
    expect((failure as Error).message).not.toContain('secret text');
  });

  it.each([
    ['throws', () => Promise.reject(new Error('The classifier is down.'))],
    ['returns no score', () => Number.NaN],
  ] as const)('leads to quarantine if the function %s', async (_, judge) => {
    expect(await heldBy(judge, 'The weather was fine.')).toBe(true);
  });

  it('is named by the verdict that a store explains', async () => {
    await using store = await MemoryStore.inMemory({
      screening: { screener: screenerFromFunction('own-1', () => 0.25) },
    });
    const { id } = await store.admin
      .within({ namespace: ['web'] })
      .remember('A text.', { source: { channel: 'tool' } });
    expect((await store.trust.explain(id)).verdict).toEqual({ screener: 'own-1', score: 0.25, reasons: [] });
  });

  it('decides with its score what a store puts into quarantine', async () => {
    expect(await heldBy(linkScore, 'See https://example.com.')).toBe(true);
    expect(await heldBy(linkScore, 'The weather was fine.')).toBe(false);
  });
});

/** Tells whether a store with this function puts a text from a tool into quarantine. */
async function heldBy(judge: ScreeningFunction, text: string): Promise<boolean> {
  await using store = await MemoryStore.inMemory({
    access: [allow({ agentId: 'reader' }, 'writer', ['web'])],
    screening: { screener: screenerFromFunction('own-1', judge) },
  });
  const agent = store.as({ agentId: 'reader' }, { namespace: ['web'] });
  const { id } = await agent.remember(text, { source: { channel: 'tool' } });
  return (await store.trust.quarantined()).items.some((each) => each.id === id);
}
