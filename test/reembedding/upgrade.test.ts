import { readFile } from 'node:fs/promises';
import { builtInEmbedder, type Embedder, MemoryStore } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { root } from '../../src/domain/principal';
import { trainedWeights } from '../../src/embedding/built-in/build/pack-model';
import { earlierBuiltInEmbedders } from '../../src/embedding/built-in/built-in-embedder';
import { decodeModel } from '../../src/embedding/built-in/model-file';
import { StaticEncoder } from '../../src/embedding/built-in/static-encoder';
import { WordPieces } from '../../src/embedding/built-in/word-pieces';
import type { BuiltIns } from '../../src/embedding/space-embedder';
import type { ReembedProgress } from '../../src/reembedding/reembedding-run';
import { openFolder as openEngine } from '../../src/store/composition/compose';
import { Lifetime } from '../../src/store/lifetime';
import { type OpenOptions, parseOptions } from '../../src/store/open-options';
import { PrincipalHandle } from '../../src/store/principal-handle';
import { codeOf, temporaryFolder } from '../store/stores';
import { gate, spacesOf, words } from './spaces';

const namespace = ['support'];

/** Opens a store without an embedder, as a release with these built-in models does. */
async function release(folder: string, builtIns: BuiltIns, options: OpenOptions = {}) {
  const engine = await openEngine(folder, parseOptions(options), builtIns);
  const admin = new PrincipalHandle(engine, new Lifetime(), root, {});
  const roles = () =>
    Object.fromEntries(
      (['current', 'next', 'previous', 'dropping'] as const).flatMap((role) => {
        const space = engine.state.interning.spaceInRole(role);
        return space === undefined ? [] : [[space.name.model, role]];
      }),
    );
  return { admin, roles, close: () => engine.close() };
}

async function ofFirstRelease(folder: string) {
  const first = await release(folder, { current: words('v1'), previous: [] });
  for (let i = 0; i < 30; i++) await first.admin.remember(`note number${i}`, { namespace });
  await first.close();
}

describe('a store from an earlier release that is opened without an embedder', () => {
  test('moves to the built-in model of this release, reports its progress, and drops the old vectors', async () => {
    const folder = await temporaryFolder();
    await ofFirstRelease(folder);
    const seen: ReembedProgress[] = [];
    const onProgress = (progress: unknown) => seen.push(progress as ReembedProgress);
    const store = await release(folder, { current: words('v2', 300), previous: [words('v1')] }, { onProgress });
    await expect.poll(store.roles).toEqual({ v2: 'current' });
    expect(seen.at(-1)).toMatchObject({ done: 30, total: 30 });
    const [hit] = await store.admin.recall('note number7', { mode: 'semantic', topK: 1 });
    expect(hit?.text).toBe('note number7');
    await store.close();
  });

  test('is searched in the old space until it has moved, and continues the move after a close', async () => {
    const folder = await temporaryFolder();
    await ofFirstRelease(folder);
    const { passed, open } = gate();
    const slow = words('v2', 300);
    slow.before = () => passed;
    const store = await release(folder, { current: slow, previous: [words('v1')] });
    const [hit] = await store.admin.recall('note number7', { mode: 'semantic', topK: 1 });
    expect(hit?.text).toBe('note number7');
    await expect.poll(store.roles).toEqual({ v1: 'current', v2: 'next' });
    const closed = store.close();
    open();
    await closed;
    const again = await release(folder, { current: words('v2', 300), previous: [words('v1')] });
    await expect.poll(again.roles).toEqual({ v2: 'current' });
    await again.close();
  });

  test('keeps an embedder that the host has chosen', async () => {
    const folder = await temporaryFolder();
    const chosen = await MemoryStore.open(folder, { embedder: words('chosen') });
    await chosen.admin.remember('one', { namespace });
    await chosen.close();
    const store = await release(folder, { current: words('v2', 300), previous: [words('v1')] });
    await store.admin.recall('one', { mode: 'keyword' });
    expect(store.roles()).toEqual({ chosen: 'current' });
    await store.close();
  });

  test('reports why the move failed, and remains usable', async () => {
    const folder = await temporaryFolder();
    await ofFirstRelease(folder);
    const broken = words('v2', 300);
    broken.before = () => {
      throw new Error('no weights');
    };
    const warned: string[] = [];
    const logger = { warn: (message: string) => warned.push(message) };
    const store = await release(folder, { current: broken, previous: [words('v1')] }, { logger });
    await expect.poll(() => warned).toHaveLength(1);
    expect(await store.admin.recall('note number7', { mode: 'semantic', topK: 1 })).toHaveLength(1);
    await store.close();
  });
});

describe('a store with vectors from the built-in model before its rare rows were rounded', () => {
  const facts = [
    'The money was paid back to her card.',
    'The puppy is two years old.',
    'The physician is at the clinic.',
  ];

  /** The embedder of that release: the same space as today's stand-in, with the exact weights. */
  async function exactEmbedder(): Promise<Embedder> {
    const model = decodeModel(await readFile(trainedWeights));
    const encoder = new StaticEncoder(model, await WordPieces.of(model.pieces));
    return {
      ...earlierBuiltInEmbedders()[0]!,
      embedDocuments: async (texts) => texts.map((text) => encoder.encode(text)),
      embedQuery: async (text) => encoder.encode(text),
    };
  }

  async function earlierStore(): Promise<{ folder: string; space: string }> {
    const folder = await temporaryFolder();
    const current = await exactEmbedder();
    const first = await release(folder, { current, previous: [] });
    for (const fact of facts) await first.admin.remember(fact, { namespace });
    await first.close();
    return { folder, space: current.space.model };
  }

  const answerOf = async (store: Pick<MemoryStore, 'admin'>) => {
    const hits = await store.admin.recall('Did the customer get a refund?', { mode: 'semantic', topK: 1 });
    return hits.map(({ text }) => text);
  };

  test.each([
    ['no embedder', {}],
    ['builtInEmbedder()', { embedder: builtInEmbedder() }],
  ])('can be searched by meaning and is not moved, if opened read-only with %s', async (_, options) => {
    const { folder, space } = await earlierStore();
    const store = await MemoryStore.open(folder, { readOnly: true, ...options });
    expect(await answerOf(store)).toEqual([facts[0]]);
    expect(await spacesOf(store)).toEqual({ [space]: 'current' });
    await store.close();
  });

  test.each([
    ['no embedder', {}],
    ['builtInEmbedder()', { embedder: builtInEmbedder() }],
  ])(
    'can be searched at once, moves to the model of this release, and drops the earlier space, if opened with %s',
    async (_, options) => {
      const { folder } = await earlierStore();
      const store = await MemoryStore.open(folder, options);
      expect(await answerOf(store)).toEqual([facts[0]]);
      await store.admin.remember('The order was shipped on Monday.', { namespace });
      await expect.poll(() => spacesOf(store)).toEqual({ [builtInEmbedder().space.model]: 'current' });
      expect(await answerOf(store)).toEqual([facts[0]]);
      const [hit] = await store.admin.recall('When was the parcel sent?', { mode: 'semantic', topK: 1 });
      expect(hit?.text).toBe('The order was shipped on Monday.');
      await store.close();
    },
  );

  test('rejects another embedder with EMBEDDER_MISMATCH', async () => {
    const { folder } = await earlierStore();
    expect(await codeOf(() => MemoryStore.open(folder, { embedder: words('chosen') }))).toBe('EMBEDDER_MISMATCH');
  });
});
