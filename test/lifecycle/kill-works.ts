import type { OpenOptions, Summarizer } from 'multi-agent-memory';

/** What a process is killed in. */
export type LifecycleWork =
  | { readonly type: 'consolidate' | 'purge' }
  | { readonly type: 'erase'; readonly userId: string }
  | { readonly type: 'forget'; readonly id: string; readonly userId: string }
  | { readonly type: 'release'; readonly hold: string; readonly userId: string };

/** A line of the process. */
export type LifecycleLine =
  | { readonly say: 'open' | 'failed' }
  | { readonly say: 'begins' | 'done'; readonly number: number }
  | { readonly say: 'asked'; readonly words: readonly string[] };

export const namespace = ['parcels'];
export const tokensOfCall = { inputTokens: 100, outputTokens: 10 };
export const callsPerDay = 40;
const cyclesPerDay = 5;
const dayMs = 24 * 60 * 60 * 1000;
const start = Date.UTC(2030, 0, 1);

/** The first word of a text is its own, and its facts keep it. */
export const textOf = (word: string) => `${word} was delivered this morning, as was agreed.`;

/** Makes one fact of all sources. It keeps the first word of each. */
export const quote: Summarizer = {
  name: 'quote 1',
  maxInputTokens: 100_000,
  summarize: async ({ sources }) => ({
    facts: [{ text: sources.map(({ text }) => text.split(' ')[0]).join(' '), from: sources.map(({ n }) => n) }],
    usage: tokensOfCall,
  }),
};

export const dayOf = (cycle: number) => Math.floor(cycle / cyclesPerDay);

/** The options of each process of a cycle. Nothing runs by itself, and the days do not depend on the clock of the machine. */
export function lifecycleOptions(cycle: number, summarizer: Summarizer = quote): OpenOptions {
  const began = performance.now();
  const dayBegan = start + dayOf(cycle) * dayMs + (cycle % cyclesPerDay) * 60 * 60 * 1000;
  return {
    clock: { now: () => Math.floor(dayBegan + performance.now() - began) },
    consolidation: {
      ...{ at: [], summarizer, ratio: 1, olderThanDays: 0, minSources: 2, maxSources: 4 },
      ...{ everyWrites: Number.MAX_SAFE_INTEGER, budget: { callsPerDay } },
    },
  };
}
