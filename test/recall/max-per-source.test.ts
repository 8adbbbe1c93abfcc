import {
  allow,
  type Declaration,
  type Hit,
  type MemoryHandle,
  type MemoryStore,
  type Principal,
  type RecallOptions,
} from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { Random } from '../faults/random';
import { openInMemory } from '../store/stores';

const namespace = ['team'];
const names: Declaration[] = ['ann', 'bea', 'cal', 'dan', 'reader'].map((agentId) => allow({ agentId }, 'writer', []));
const everyone = allow('everyone', 'writer', []);

async function openTeam(access: Declaration[] = [everyone, ...names]): Promise<MemoryStore> {
  return openInMemory({ access });
}

/** Stores texts about the well, the first ones nearer to the question. */
async function bring(store: MemoryStore, by: Principal, count: number, ref?: string): Promise<void> {
  const handle = store.as(by).within({ namespace });
  for (let i = 0; i < count; i++)
    await handle.remember(`The depth of the well is ${i}${' metres'.repeat(i)}.`, {
      source: { channel: 'tool', ...(ref === undefined ? {} : { ref }) },
    });
}

async function note(store: MemoryStore, count: number): Promise<void> {
  const texts = Array.from({ length: count }, (_, i) => `Somebody talked about a well, and about lunch number ${i}.`);
  await store
    .as({ agentId: 'cal' })
    .within({ namespace })
    .rememberMany(texts.map((text) => ({ text })));
}

const ask = (handle: MemoryHandle, options: RecallOptions = {}) =>
  handle
    .within({ namespace })
    .recall('How deep is the well? What is the depth of the well?', { distinct: false, ...options });

const by = (hits: readonly Hit[], agentId: string) => hits.filter((hit) => hit.agentId === agentId).length;

describe('maxPerSource', () => {
  test('lets one principal have two of the reported hits, and others take the places', async () => {
    const store = await openTeam();
    await bring(store, { agentId: 'ann' }, 12);
    await bring(store, { agentId: 'bea' }, 1);
    await note(store, 9);
    const hits = await ask(store.as({ agentId: 'reader' }));
    expect([hits.length, by(hits, 'ann'), by(hits, 'bea'), by(hits, 'cal')]).toEqual([10, 2, 1, 7]);
    const all = await ask(store.as({ agentId: 'reader' }), { maxPerSource: 10 });
    expect(by(all, 'ann')).toBeGreaterThan(7);
    const scores = new Map(all.map(({ id, score }) => [id, score]));
    for (const { id, score } of hits) if (scores.has(id)) expect(score).toBeCloseTo(scores.get(id) ?? 0, 6);
    expect((await ask(store.admin)).map(({ id }) => id)).toEqual(hits.map(({ id }) => id));
  });

  test('counts principals that are known only as everyone together, and on behalf of users too', async () => {
    const store = await openTeam();
    for (let i = 0; i < 6; i++) await bring(store, { agentId: `crawler-${i}` }, 2);
    for (let i = 0; i < 6; i++) await bring(store, { agentId: 'ann', onBehalfOf: { userId: `user-${i}` } }, 2);
    await note(store, 9);
    const hits = await ask(store.as({ agentId: 'reader' }));
    expect([hits.length, by(hits, 'ann'), by(hits, 'cal')]).toEqual([10, 2, 6]);
  });

  test('counts one page once, whoever brings it', async () => {
    const store = await openTeam();
    for (const agentId of ['ann', 'bea', 'dan']) await bring(store, { agentId }, 2, 'https://wells.example');
    await bring(store, { agentId: 'dan' }, 1, 'https://other.example');
    await note(store, 9);
    const hits = await ask(store.as({ agentId: 'reader' }));
    expect(hits.filter(({ origin }) => origin.ref === 'https://wells.example')).toHaveLength(2);
    expect([hits.length, by(hits, 'cal')]).toEqual([10, 7]);
  });

  test('does not limit what is trusted, unless the caller says so', async () => {
    const store = await openTeam();
    await note(store, 12);
    await bring(store, { agentId: 'ann' }, 1);
    const reader = store.as({ agentId: 'reader' });
    expect(by(await ask(reader), 'cal')).toBe(9);
    expect(await ask(reader, { maxPerSource: 1 })).toHaveLength(2);
  });

  test('does not limit an answer of one source by default, and neither what the host imports', async () => {
    const store = await openTeam();
    await bring(store, { agentId: 'ann' }, 12);
    const reader = store.as({ agentId: 'reader' });
    expect(await ask(reader)).toHaveLength(10);
    expect(await ask(reader, { maxPerSource: 2 })).toHaveLength(2);
    const source = { channel: 'import' } as const;
    const items = Array.from({ length: 6 }, (_, i) => ({ text: `The depth of the well is ${i}.`, namespace, source }));
    await store.admin.rememberMany(items);
    const hits = await ask(reader);
    expect([hits.length, by(hits, 'ann')]).toEqual([8, 2]);
  });

  test('says with explain what was passed over', async () => {
    const store = await openTeam();
    await bring(store, { agentId: 'ann' }, 4);
    await note(store, 9);
    const reader = store.as({ agentId: 'reader' });
    const [hit] = await ask(reader, { explain: true, topK: 5 });
    const texts = await Promise.all((hit?.search?.passedOver ?? []).map(async (id) => (await reader.get(id))?.agentId));
    expect(texts).toEqual(['ann', 'ann']);
    expect((await ask(reader, { explain: true, topK: 5, maxPerSource: 5 }))[0]?.search?.passedOver).toBeUndefined();
  });

  test.each(['hybrid', 'semantic', 'keyword'] as const)(
    'chooses in mode %s as from the whole ranking',
    async (mode) => {
      const random = new Random(5);
      const store = await openTeam();
      const agents = ['ann', 'bea', 'cal', 'dan', 'nobody'];
      const words = ['well', 'deep', 'depth', 'lunch', 'rope', 'water'];
      for (const agentId of agents) {
        const items = Array.from({ length: 60 }, () => ({
          text: Array.from({ length: random.whole(1, 8) }, () => random.pick(words)).join(' '),
          namespace,
          source: { channel: random.chance(0.8) ? ('tool' as const) : ('agent' as const) },
        }));
        await store.as({ agentId }).rememberMany(items);
      }
      const reader = store.as({ agentId: 'reader' });
      const whole = await ask(reader, { topK: 1_000, maxPerSource: 1_000, mode });
      for (const topK of [3, 10, 40]) {
        for (const maxPerSource of [undefined, 1, 3]) {
          const counts = new Map<string, number>();
          const expected = whole.filter(({ agentId = '', trust }) => {
            if (maxPerSource === undefined && trust === 'standard') return true;
            // What is trusted of an unnamed agent is not taken together with what it reports.
            const source = agentId === 'nobody' ? `${agentId} ${trust}` : agentId;
            counts.set(source, (counts.get(source) ?? 0) + 1);
            return (counts.get(source) ?? 0) <= (maxPerSource ?? 2);
          });
          const hits = await ask(reader, { topK, mode, ...(maxPerSource === undefined ? {} : { maxPerSource }) });
          expect(hits.map(({ id }) => id)).toEqual(expected.slice(0, topK).map(({ id }) => id));
        }
      }
    },
  );
});
