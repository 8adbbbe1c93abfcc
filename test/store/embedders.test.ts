import { type Embedder, MemoryError, MemoryStore } from 'multi-agent-memory';
import { faultyEmbedder } from 'multi-agent-memory/testing';
import { describe, expect, test } from 'vitest';
import { codeOf, ended, openFolder, openInMemory, refusal, temporaryFolder } from './stores';

const namespace = ['support'];

/** An embedder of a space of its own: a number for each letter, and what `change` makes of it. */
function letters(
  dimensions = 26,
  change: (vector: Float32Array) => unknown = (vector) => vector,
): Embedder & { asked: string[] } {
  const embed = (text: string) => {
    const vector = new Float32Array(dimensions).fill(0.01);
    for (const letter of text.toLowerCase()) {
      const i = letter.charCodeAt(0) - 97;
      if (i >= 0 && i < dimensions) vector[i] = (vector[i] as number) + 1;
    }
    return change(vector) as Float32Array;
  };
  const asked: string[] = [];
  return {
    asked,
    space: { model: `letters-${dimensions}`, dimensions, normalized: false },
    maxTokens: 100,
    async embedDocuments(texts) {
      asked.push(...texts);
      return texts.map(embed);
    },
    async embedQuery(text) {
      asked.push(text);
      return embed(text);
    },
  };
}

describe('an embedder', () => {
  test('passed to open determines the embedding space of the store, and its vectors find memories', async () => {
    const store = await openInMemory({ embedder: letters() });
    await store.admin.remember('aaaa', { namespace });
    const { id } = await store.admin.remember('bbb', { namespace });
    const [best] = await store.admin.recall('b', { mode: 'semantic', explain: true });
    expect(best?.id).toBe(id);
    // Cosines, though the embedder's vectors are of any length.
    expect(best?.parts?.semantic).toBeCloseTo(0.94, 2);
    expect((await store.stats()).space).toMatchObject({ model: 'letters-26', dimensions: 26 });
  });

  test('that fails makes the write fail; nothing is stored, and the error has the failure as its cause', async () => {
    const embedder = faultyEmbedder();
    const store = await openInMemory({ embedder });
    const { id } = await store.admin.remember('note', { namespace });
    embedder.fault = new Error('The model is away.');
    const failed: MemoryError[] = [];
    store.on('degraded', ({ part, error }) => {
      expect(part).toBe('embedder');
      failed.push(error);
    });
    const error = await refusal(() => store.admin.remember('new', { namespace }));
    expect(error.code).toBe('EMBEDDING_FAILED');
    expect(error.cause).toBe(embedder.fault);
    expect(failed).toEqual([error]);
    expect(await codeOf(() => store.admin.recall('new question'))).toBe('EMBEDDING_FAILED');
    expect(await codeOf(() => store.admin.recall('new question', { mode: 'semantic' }))).toBe('EMBEDDING_FAILED');
    expect(await store.admin.count()).toBe(1);
    expect(await store.admin.recall('note', { mode: 'keyword' })).toHaveLength(1);
    expect((await store.admin.list()).items).toHaveLength(1);
    await store.admin.remember('exact only', { namespace, embed: false });
    expect(await store.admin.update(id, { priority: 1 })).toMatchObject({ revision: 2 });
    embedder.fault = undefined;
    await store.admin.remember('new', { namespace });
    expect(await store.admin.recall('new question')).toHaveLength(2);
  });

  test.each<[string, (vector: Float32Array) => unknown]>([
    ['too few numbers', (vector) => vector.subarray(1)],
    ['too many numbers', (vector) => Float32Array.of(...vector, 1)],
    ['NaN', (vector) => vector.fill(Number.NaN, 0, 1)],
    ['infinity', (vector) => vector.fill(Number.POSITIVE_INFINITY, 3, 4)],
    ['zeros', (vector) => vector.fill(0)],
    ['nothing', () => undefined],
    ['text', () => 'vector'],
  ])('that returns %s causes EMBEDDING_FAILED, and nothing is stored', async (_, change) => {
    const store = await openInMemory({ embedder: letters(26, change) });
    expect(await codeOf(() => store.admin.remember('note', { namespace }))).toBe('EMBEDDING_FAILED');
    const { results } = await store.admin.rememberMany([{ text: 'note', namespace }]);
    expect(results[0]).toMatchObject({ ok: false, error: { code: 'EMBEDDING_FAILED' } });
    expect(await store.admin.count()).toBe(0);
    expect(await codeOf(() => store.admin.recall('note'))).toBe('EMBEDDING_FAILED');
  });

  test('is not called for a memory that has a vector or `embed: false`, or that is rejected', async () => {
    const embedder = letters();
    const store = await openInMemory({ embedder, access: [] });
    await store.admin.remember('one', { namespace, vector: new Float32Array(26).fill(1) });
    await store.admin.remember('two', { namespace, embed: false });
    await codeOf(() => store.as({ agentId: 'a' }).remember('three', { namespace }));
    await codeOf(() => store.admin.remember('four', { namespace, priority: 5 }));
    await codeOf(() => store.admin.update('none', { text: 'five' }));
    await store.admin.recall('six', { vector: new Float32Array(26).fill(1) });
    await store.admin.recall('seven', { mode: 'keyword' });
    expect(embedder.asked).toEqual([]);
  });

  test('receives a long text in chunks of at most `maxTokens`', async () => {
    const embedder = letters();
    const store = await openInMemory({ embedder });
    const text = `${'aaaa '.repeat(300)}zzzz ${'bbbb '.repeat(300)}`;
    const { id } = await store.admin.remember(text, { namespace });
    await store.admin.remember('abzy abzy', { namespace });
    expect(embedder.asked.length).toBeGreaterThan(3);
    const [best] = await store.admin.recall('bbbb', { mode: 'semantic', explain: true });
    expect(best?.id).toBe(id);
    expect(best?.parts?.semantic).toBeCloseTo(0.94, 1);
  });

  test('that is still running when its caller aborts stores nothing', async () => {
    let release: () => void = () => undefined;
    const waiting = new Promise<void>((resolve) => {
      release = resolve;
    });
    const embedder = letters();
    const slow: Embedder = {
      ...embedder,
      embedDocuments: async (texts, call) => {
        await waiting;
        return embedder.embedDocuments(texts, call);
      },
    };
    const store = await openInMemory({ embedder: slow });
    const controller = new AbortController();
    const call = store.admin.remember('note', { namespace, signal: controller.signal });
    const reason = new Error('Enough.');
    controller.abort(reason);
    await expect(call).rejects.toBe(reason);
    release();
    await store.admin.remember('other', { namespace });
    expect(await store.admin.count()).toBe(1);
  });
});

describe('a store with vectors made with one embedder', () => {
  async function stored() {
    const folder = await temporaryFolder();
    const store = await openFolder(folder, { embedder: letters() });
    const { id } = await store.admin.remember('apple', { namespace, key: 'k' });
    await ended(store);
    return { folder, id };
  }

  test('rejects another explicit embedder with EMBEDDER_MISMATCH, and the error names both embedders', async () => {
    const { folder, id } = await stored();
    for (const other of [letters(20), { ...letters(), space: { ...letters().space, model: 'other-letters' } }]) {
      const error = await refusal(() => MemoryStore.open(folder, { embedder: other }));
      expect(error.code).toBe('EMBEDDER_MISMATCH');
      expect(error.message).toContain('letters-26');
      expect(error.message).toContain(other.space.model);
      expect(await codeOf(() => MemoryStore.open(folder, { embedder: other, readOnly: true }))).toBe(
        'EMBEDDER_MISMATCH',
      );
    }
    // The folder is free, and as it was.
    const store = await openFolder(folder, { embedder: letters() });
    expect((await store.admin.recall('apple')).map((hit) => hit.id)).toEqual([id]);
    expect(await codeOf(() => MemoryStore.open(folder, { embedder: letters(20) }))).toBe('EMBEDDER_MISMATCH');
    expect(await store.admin.count()).toBe(1);
  });

  test('can be opened, listed and searched by keyword without this embedder; other calls throw EMBEDDER_MISSING', async () => {
    const { folder, id } = await stored();
    for (const readOnly of [false, true]) {
      const store = await openFolder(folder, readOnly ? { readOnly } : {});
      const { admin } = store;
      expect((await store.stats()).space).toMatchObject({ model: 'letters-26', dimensions: 26 });
      expect((await admin.get(id))?.text).toBe('apple');
      expect((await admin.get({ namespace, key: 'k' }))?.id).toBe(id);
      expect((await admin.list()).items).toHaveLength(1);
      expect(await admin.count({ filter: { key: 'k' } })).toBe(1);
      expect((await admin.recall('apple', { mode: 'keyword' })).map((hit) => hit.id)).toEqual([id]);
      expect(await codeOf(() => admin.recall('apple'))).toBe('EMBEDDER_MISSING');
      expect(await codeOf(() => admin.recall('apple', { mode: 'semantic' }))).toBe('EMBEDDER_MISSING');
      expect(await codeOf(() => admin.remember('pear', { namespace }))).toBe(
        readOnly ? 'STORE_READ_ONLY' : 'EMBEDDER_MISSING',
      );
      const vector = new Float32Array(26).fill(1);
      expect((await admin.recall('apple', { mode: 'semantic', vector })).map((hit) => hit.id)).toEqual([id]);
      await ended(store);
    }
  });

  test('without this embedder, accepts writes that need no embedding, and rejects vectors from another space', async () => {
    const { folder, id } = await stored();
    const { admin } = await openFolder(folder);
    expect(await codeOf(() => admin.update(id, { text: 'pear' }))).toBe('EMBEDDER_MISSING');
    expect(await codeOf(() => admin.remember('x', { namespace, vector: new Float32Array(256).fill(1) }))).toBe(
      'INVALID_INPUT',
    );
    expect(await admin.update(id, { priority: 1 })).toMatchObject({ text: 'apple', revision: 2 });
    await admin.remember('exact only', { namespace, embed: false });
    await admin.remember('with a vector', { namespace, vector: new Float32Array(26).fill(1) });
    expect(await admin.count()).toBe(3);
    expect(await admin.forget(id)).toBe(true);
  });

  test('works completely again when it is opened with this embedder', async () => {
    const { folder, id } = await stored();
    const store = await openFolder(folder, { embedder: letters() });
    expect((await store.admin.recall('apple', { mode: 'semantic' })).map((hit) => hit.id)).toEqual([id]);
    await store.admin.remember('pear', { namespace });
    expect(await store.admin.recall('pear', { mode: 'semantic' })).toHaveLength(2);
  });

  test('receives its embedder from a second open in the same process', async () => {
    const { folder } = await stored();
    const first = await openFolder(folder);
    expect(await codeOf(() => first.admin.recall('apple'))).toBe('EMBEDDER_MISSING');
    await openFolder(folder, { embedder: letters() });
    expect(await first.admin.recall('apple')).toHaveLength(1);
  });

  test('has no embedding space before its first vector, and accepts any embedder until then', async () => {
    const folder = await temporaryFolder();
    for (const embedder of [letters(20), letters(25), undefined]) {
      const store = await openFolder(folder, embedder === undefined ? {} : { embedder });
      await store.admin.remember('exact only', { namespace, embed: false });
      await ended(store);
    }
    const store = await openFolder(folder, { embedder: letters() });
    await store.admin.remember('apple', { namespace });
    await ended(store);
    expect(await codeOf(() => MemoryStore.open(folder, { embedder: letters(20) }))).toBe('EMBEDDER_MISMATCH');
  });
});

test('the default embedder has the name of its model', async () => {
  const store = await openInMemory();
  expect((await store.stats()).space.model).toMatch(/\w/);
  const { model, dimensions } = (await store.stats()).space;
  await store.admin.remember('note', { namespace });
  expect((await store.stats()).space).toMatchObject({ model, dimensions });
});

test('open rejects an object that is not an embedder', async () => {
  for (const embedder of [{}, { embedQuery: 1 }, 'minilm', null]) {
    expect(await codeOf(() => MemoryStore.inMemory({ embedder: embedder as never }))).toBe('INVALID_INPUT');
  }
  expect(MemoryError.is(new Error('x'))).toBe(false);
});
