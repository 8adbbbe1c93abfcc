import { allow, deny } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { Reference, type Who } from '../access/reference';
import { openInMemory, take } from '../store/stores';
import { type Cast, casts, hiders, type Place, writer } from './cast';
import { compareLarge } from './large';
import { library } from './library';
import { comparePairs } from './worlds';

const access = [
  allow({ agentId: 'reader' }, 'curator', ['open']),
  deny({ agentId: 'reader' }, ['read'], ['open', 'vip']),
  allow({ agentId: 'writer' }, 'curator', []),
];

describe('hidden memories', () => {
  test('change nothing that a reader sees: no id, order, score, part of a score, count, cursor, key, error or change', async () => {
    await comparePairs(library, { pairs: 40, seed: 1 });
  });

  test('change no score and remove no hit above the limit of exact search', async () => {
    const { recall, shared } = await compareLarge(library, 1);
    expect(Math.min(...recall)).toBeGreaterThanOrEqual(0.99);
    expect(shared).toBeGreaterThan(1_000);
  });

  test('do not change keyword scores, however many there are', async () => {
    const scores = async (hidden: number) => {
      const store = await openInMemory({ access, clock: { now: () => 0 } });
      const handle = store.as({ agentId: 'writer' });
      for (const each of ['apple pie', 'banana split', 'apple banana'])
        await handle.remember(each, { namespace: ['open'] });
      await handle.rememberMany(
        Array.from({ length: hidden }, (_, i) => ({ text: `apple apple apple ${i}`, namespace: ['closed'] })),
      );
      const hits = await store.as({ agentId: 'reader' }).recall('apple', { explain: true });
      return hits.map(({ text: content, score, parts }) => [content, score, parts]);
    };
    expect(await scores(500)).toEqual(await scores(0));
  });

  test('do not change the result of a write with the same key', async () => {
    const store = await openInMemory({ access });
    await store.as({ agentId: 'writer' }).remember('private', { namespace: ['open'], key: 'k', visibility: 'private' });
    await store.admin.remember('tagged', { namespace: ['open'], key: 'k', accessTags: ['secret'] });
    const reader = store.as({ agentId: 'reader' }, { namespace: ['open'] });
    expect((await reader.remember('own', { key: 'k' })).outcome).toBe('stored');
    expect((await reader.get({ namespace: ['open'], key: 'k' }))?.text).toBe('own');
    expect((await take(reader.watch({ since: 'start' }), 1))[0]?.memory?.text).toBe('own');
  });
});

describe('the worlds of the test', () => {
  const mayRead = ({ access: declarations, reader }: Cast, place: Place, author: Who) =>
    new Reference(declarations).mayRead(reader, { accessTags: [], visibility: 'shared', ...place, author });

  test.each(casts)('$name reads all open memories and no closed ones', (cast) => {
    expect(cast.open.filter((place) => !mayRead(cast, place, writer))).toEqual([]);
    for (const author of [...hiders, 'root'] as const) {
      expect(cast.closed.filter((place) => mayRead(cast, place, author))).toEqual([]);
    }
  });
});
