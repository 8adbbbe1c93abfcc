import { join } from 'node:path';
import { MemoryStore, toContext } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { StateStore } from '../../src/state/state-store';
import { loadChecksum } from '../../src/state/tables/checksum';
import { openDatabase } from '../../src/state/tables/database';
import { agentA, draft, openToAll, remember } from '../state/test-state';
import { all, issuePaths, openFolder, openInMemory, take, temporaryFolder } from './stores';

const namespace = ['support'];
const half = 'half \ud83d of a pair, \udc00\ud800 reversed';
const whole = 'half \ufffd of a pair, \ufffd\ufffd reversed';

describe('half a surrogate pair becomes U+FFFD', () => {
  test('in texts, queries and metadata that are passed to the store', async () => {
    const store = await openInMemory();
    const { id } = await store.admin.remember(half, { namespace, metadata: { [half]: [half, { a: half }] } });
    const stored = { id, text: whole, metadata: { [whole]: [whole, { a: whole }] } };
    expect(await store.admin.get(id)).toMatchObject(stored);
    for (const mode of ['hybrid', 'semantic', 'keyword'] as const)
      expect((await store.admin.recall(half, { mode }))[0]).toMatchObject(stored);
    expect(await store.admin.count({ filter: { metadata: { [half]: { contains: half } } } })).toBe(1);
    const patched = await store.admin.update(id, { text: `new ${half}`, metadata: { b: half } });
    expect(patched).toMatchObject({ text: `new ${whole}`, metadata: { b: whole } });
    expect((await store.verify()).problems).toEqual([]);
  });

  test('in what the metadata schema returns', async () => {
    const metadata = z.object({ a: z.string() }).transform(({ a }) => ({ a, b: `${a}\ud800` }));
    const store = await openInMemory({ metadata });
    const { id } = await store.admin.remember('text', { namespace, metadata: { a: 'x' } as never });
    expect((await store.admin.get(id))?.metadata).toEqual({ a: 'x', b: 'x\ufffd' });
  });

  test('before the embedder receives a text', async () => {
    const seen: string[] = [];
    const embedder = {
      space: { model: 'test', dimensions: 2, normalized: true },
      maxTokens: 100,
      embedDocuments: async (texts: readonly string[]) => {
        seen.push(...texts);
        return texts.map(() => Float32Array.of(1, 0));
      },
      embedQuery: async (text: string) => {
        seen.push(text);
        return Float32Array.of(1, 0);
      },
    };
    const store = await openInMemory({ embedder });
    await store.admin.remember(half, { namespace });
    await store.admin.recall(half);
    expect(seen).toEqual([whole, whole]);
  });

  test('two metadata keys that would become equal are rejected', async () => {
    const store = await openInMemory();
    const metadata = { a: { '\ud800': 1, '\ud801': 2 } };
    expect(await issuePaths(() => store.admin.remember('text', { namespace, metadata }))).toEqual(['metadata.a']);
  });

  test('in every result, if an earlier release stored the memory', async () => {
    const folder = await temporaryFolder();
    await (await MemoryStore.open(folder)).close();
    const state = new StateStore(
      openDatabase({ path: join(folder, 'memory.db'), readOnly: false }),
      await loadChecksum(),
    );
    const old = draft({ id: 'm-1', text: half, metadata: { [half]: half }, namespace });
    const { outcomes } = state.apply([openToAll, remember(agentA, 5, old)]);
    expect(outcomes.every(({ ok }) => ok)).toBe(true);
    state.database.close();
    const { admin, verify } = await openFolder(folder).then((store) => ({
      admin: store.admin,
      verify: () => store.verify(),
    }));
    const expected = { text: whole, metadata: { [whole]: whole } };
    expect(await admin.get('m-1')).toMatchObject(expected);
    expect(await all(admin.list())).toMatchObject([expected]);
    const hits = await admin.recall('half of a pair', { mode: 'keyword' });
    expect(hits).toMatchObject([expected]);
    expect(toContext(hits, { maxTokens: 1_000 }).text.isWellFormed()).toBe(true);
    expect((await take(admin.watch({ since: 'start' }), 1))[0]?.memory).toMatchObject(expected);
    expect((await admin.history('m-1'))[0]?.memory).toMatchObject(expected);
    expect(await admin.update('m-1', { priority: 0.9 })).toMatchObject(expected);
    expect((await verify()).problems).toEqual([]);
  });

  test('in toContext, if the hits do not come from a store', async () => {
    const store = await openInMemory();
    await store.admin.remember('text', { namespace });
    const hits = (await store.admin.recall('text')).map((hit) => ({ ...hit, text: half }));
    expect(toContext(hits, { maxTokens: 1_000 }).text).toContain(whole);
    expect(toContext(hits, { maxTokens: 1_000, format: ({ text }) => text }).text).toContain(whole);
  });
});
