import type { SourceGroup, Summarizer } from 'multi-agent-memory';

/** A summarizer whose facts are the first words of pairs of sources. */
export function pairs(words = 2): Summarizer {
  return {
    name: 'pairs 1',
    maxInputTokens: 100_000,
    summarize: async ({ sources }) => ({
      facts: sources
        .filter((_, i) => i % 2 === 0)
        .map(({ n, text }) => ({
          text: text.split(' ').slice(0, words).join(' '),
          from: n < sources.length ? [n, n + 1] : [n],
        })),
    }),
  };
}

/** A summarizer that makes one fact of all sources. */
export function oneFact(text = 'fact', from?: readonly number[]): Summarizer {
  return {
    name: 'one 1',
    maxInputTokens: 100_000,
    summarize: async ({ sources }) => ({ facts: [{ text, from: from ?? sources.map(({ n }) => n) }] }),
  };
}

/** A summarizer that waits in each call until it is let go, and tells what it was given. */
export function held(inner: Summarizer = oneFact()) {
  const groups: SourceGroup[] = [];
  let release = () => {};
  let arrive = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const summarizer: Summarizer = {
    ...inner,
    summarize: async (group, options) => {
      groups.push(group);
      arrive();
      await released;
      return inner.summarize(group, options);
    },
  };
  return { summarizer, groups, arrived, release: () => release() };
}
