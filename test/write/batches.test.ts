import { allow, type NewMemory, type Progress } from 'multi-agent-memory';
import { faultyEmbedder } from 'multi-agent-memory/testing';
import { describe, expect, test } from 'vitest';
import { codeOf, issuePaths, openInMemory, refusal } from '../store/stores';

const namespace = ['support'];

function memories(count: number): NewMemory[] {
  return Array.from({ length: count }, (_, i) => ({ text: `note ${i}`, namespace }));
}

/** A source that counts the items that were read, and records whether it was closed. */
function counted(items: Iterable<NewMemory>, failAt = Number.POSITIVE_INFINITY) {
  const state = { read: 0, ended: false };
  async function* source() {
    try {
      for (const item of items) {
        if (state.read >= failAt) throw new Error('The source broke.');
        state.read++;
        yield item;
      }
    } finally {
      state.ended = true;
    }
  }
  return { state, source };
}

describe('rememberMany', () => {
  test('accepts arrays, iterables and async iterables, and returns results in input order', async () => {
    const store = await openInMemory();
    async function* later() {
      yield* memories(3);
    }
    const sources = [memories(3), new Set(memories(3)), memories(3).values(), later()];
    for (const source of sources) {
      const { results, ...totals } = await store.admin.rememberMany(source);
      expect(totals).toEqual({ stored: 3, revised: 0, duplicates: 0, failed: 0 });
      expect(results.map(({ index }) => index)).toEqual([0, 1, 2]);
      for (const [i, result] of results.entries()) {
        expect(result).toMatchObject({ ok: true, outcome: 'stored', revision: 1 });
        if (result.ok) expect((await store.admin.get(result.id))?.text).toBe(`note ${i}`);
      }
    }
  });

  test('returns an empty result for an empty source', async () => {
    const store = await openInMemory();
    const nothing = { stored: 0, revised: 0, duplicates: 0, failed: 0, results: [] };
    expect(await store.admin.rememberMany([])).toEqual(nothing);
    expect(await store.admin.rememberMany([], { atomic: true })).toEqual(nothing);
  });

  test.each([[null], [undefined], ['text'], [5], [{ text: 'one' }]])(
    'rejects %j, which is not iterable',
    async (items) => {
      const store = await openInMemory();
      expect(await codeOf(() => store.admin.rememberMany(items as never))).toBe('INVALID_INPUT');
    },
  );

  test.each<[string, object]>([
    ['a step that is a number', { [Symbol.iterator]: () => ({ next: () => 5 }) }],
    ['a later step that is null', { [Symbol.asyncIterator]: () => ({ next: async () => null }) }],
    ['no method next()', { [Symbol.iterator]: () => ({}) }],
    ['no iterator', { [Symbol.asyncIterator]: () => undefined }],
  ])('rejects an iterable with %s, which would never end', async (_, items) => {
    const store = await openInMemory();
    for (const atomic of [true, false])
      expect(await issuePaths(() => store.admin.rememberMany(items as never, { atomic }))).toEqual(['items']);
  });

  test('ignores errors of `return`, which is called when the reading ends early', async () => {
    const store = await openInMemory();
    const iterator = {
      next: () => ({ done: false, value: 5 }),
      return: () => {
        throw new TypeError('not here');
      },
    };
    const items = { [Symbol.iterator]: () => iterator } as never;
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(store.admin.rememberMany(items, { signal })).rejects.toThrow('enough');
  });

  test('stores each item separately; the result of a rejected item has its index, and the other items are stored', async () => {
    const store = await openInMemory({ access: [allow('everyone', 'writer', namespace)] });
    const agent = store.as({ agentId: 'billing' });
    const { results, ...totals } = await agent.rememberMany([
      { text: 'good', namespace },
      { text: '', namespace, priority: 7 },
      { text: 'forbidden', namespace: ['elsewhere'] },
      { text: 'nowhere' },
      null as never,
      { text: 'again', namespace, key: 'k' },
      { text: 'and again', namespace, key: 'k' },
      { text: 'lost', namespace, supersedes: 'no-such-id' },
      { text: 'twice', namespace, idempotencyKey: 'r' },
      { text: 'twice', namespace, idempotencyKey: 'r' },
      { text: 'thrice', namespace, idempotencyKey: 'r' },
    ]);
    expect(totals).toEqual({ stored: 3, revised: 1, duplicates: 1, failed: 6 });
    expect(results.map((result) => (result.ok ? result.outcome : result.error.code))).toEqual([
      'stored',
      'INVALID_INPUT',
      'FORBIDDEN',
      'INVALID_INPUT',
      'INVALID_INPUT',
      'stored',
      'revised',
      'NOT_FOUND',
      'stored',
      'duplicate',
      'IDEMPOTENCY_CONFLICT',
    ]);
    const refused = results[1];
    expect(!refused?.ok && refused?.error.issues.map(({ path }) => path)).toEqual([['text'], ['priority']]);
    expect(await store.admin.count()).toBe(3);
  });

  test('numbers the results continuously across batches', async () => {
    const store = await openInMemory();
    const { results } = await store.admin.rememberMany(memories(25), { batchSize: 4 });
    expect(results.map(({ index }) => index)).toEqual(Array.from({ length: 25 }, (_, i) => i));
  });

  test('reads an async source at most about one batch ahead of the stored items', async () => {
    const store = await openInMemory();
    const batchSize = 10;
    let furthest = 0;
    let read = 0;
    async function* source() {
      for (const item of memories(200)) {
        furthest = Math.max(furthest, read - (await store.stats()).memories);
        read++;
        yield item;
      }
    }
    await store.admin.rememberMany(source(), { batchSize });
    expect(read).toBe(200);
    expect(furthest).toBeLessThanOrEqual(2 * batchSize);
  });

  test('reads a synchronous source at most about one batch ahead of the stored items', async () => {
    const store = await openInMemory();
    let stored = 0;
    store.on('committed', ({ ids }) => {
      stored += ids.length;
    });
    let furthest = 0;
    let read = 0;
    function* source() {
      for (;;) {
        furthest = Math.max(furthest, read - stored);
        if (read === 300) return;
        read++;
        yield { text: `note ${read}`, namespace };
      }
    }
    await store.admin.rememberMany(source(), { batchSize: 16 });
    expect(furthest).toBeLessThanOrEqual(32);
  });

  test('reports its progress', async () => {
    const store = await openInMemory();
    const told: Progress[] = [];
    const items = [...memories(10), { text: '' }, ...memories(4)];
    await store.admin.rememberMany(items, { batchSize: 4, onProgress: (progress) => told.push(progress) });
    expect(told.map(({ done, failed }) => [done, failed])).toEqual([
      [4, 0],
      [8, 0],
      [12, 1],
      [15, 1],
    ]);
    for (const { phase, perSecond } of told) {
      expect(phase).not.toBe('');
      expect(perSecond).toBeGreaterThanOrEqual(0);
    }
  });

  test('throws the error that its source throws, and keeps the batches stored before the error', async () => {
    const store = await openInMemory();
    const { state, source } = counted(memories(20), 9);
    await expect(store.admin.rememberMany(source(), { batchSize: 4 })).rejects.toThrow('The source broke.');
    expect(await store.admin.count()).toBe(8);
    expect(state.ended).toBe(true);
  });

  test('closes its source when aborted, and stores no more than the items already submitted', async () => {
    const store = await openInMemory();
    const { state, source } = counted(memories(1_000));
    const controller = new AbortController();
    const reason = new Error('The user has gone.');
    const call = store.admin.rememberMany(source(), {
      batchSize: 5,
      signal: controller.signal,
      onProgress: ({ done }) => {
        if (done === 20) controller.abort(reason);
      },
    });
    await expect(call).rejects.toBe(reason);
    expect(state.ended).toBe(true);
    expect(await store.admin.count()).toBe(20);
    expect(state.read).toBeLessThanOrEqual(30);
  });

  test('rejects when aborted, even while its source is not answering', async () => {
    const store = await openInMemory();
    const controller = new AbortController();
    async function* silent() {
      yield { text: 'one', namespace };
      await new Promise(() => undefined);
    }
    const call = store.admin.rememberMany(silent(), { signal: controller.signal });
    setImmediate(() => controller.abort(new Error('Enough.')));
    await expect(call).rejects.toThrow('Enough.');
  });

  test.each([{ atomic: false }, { atomic: true }])(
    'reads and writes nothing if its signal is already aborted (%j)',
    async (options) => {
      const store = await openInMemory();
      const { state, source } = counted(memories(5));
      const signal = AbortSignal.abort();
      await expect(store.admin.rememberMany(source(), { ...options, signal })).rejects.toMatchObject({
        name: 'AbortError',
      });
      await expect(store.admin.rememberMany([], { ...options, signal })).rejects.toMatchObject({ name: 'AbortError' });
      expect(state.read).toBe(0);
      expect(await store.admin.count()).toBe(0);
    },
  );

  test('reports the memories of a batch that could not be embedded as failed, and continues with the next batch', async () => {
    const embedder = faultyEmbedder();
    const store = await openInMemory({ embedder });
    const result = await store.admin.rememberMany(memories(9), {
      batchSize: 3,
      onProgress: ({ done }) => {
        embedder.fault = done === 3 ? new Error('away') : undefined;
      },
    });
    expect(result).toMatchObject({ stored: 6, failed: 3 });
    expect(result.results.map((each) => (each.ok ? 'ok' : each.error.code)).slice(3, 6)).toEqual(
      Array(3).fill('EMBEDDING_FAILED'),
    );
    expect(await store.admin.count()).toBe(6);
  });

  test('makes each stored memory readable before the whole call has ended', async () => {
    const store = await openInMemory();
    const counts: number[] = [];
    async function* source() {
      for (const [i, item] of memories(9).entries()) {
        if (i % 3 === 0) counts.push(await store.admin.count());
        yield item;
      }
    }
    await store.admin.rememberMany(source(), { batchSize: 3 });
    expect(counts).toEqual([0, 3, 6]);
  });
});

describe('rememberMany with atomic', () => {
  test('stores all items in one transaction', async () => {
    const store = await openInMemory();
    const commits: number[] = [];
    store.on('committed', ({ ids }) => commits.push(ids.length));
    expect(await store.admin.rememberMany(memories(300), { atomic: true })).toMatchObject({ stored: 300, failed: 0 });
    expect(commits).toEqual([300]);
    expect(await store.admin.count()).toBe(300);
  });

  test('rejects the batch if one item is invalid, and lists every issue of every item', async () => {
    const store = await openInMemory();
    const items = [
      { text: 'good', namespace },
      { text: '', namespace, priority: 2 },
      { text: 'good', namespace, metadata: { a: Number.NaN } },
    ];
    expect(await issuePaths(() => store.admin.rememberMany(items, { atomic: true }))).toEqual([
      '1.priority',
      '1.text',
      '2.metadata.a',
    ]);
    expect(await store.admin.count()).toBe(0);
  });

  test.each([
    ['a forbidden item', { text: 'x', namespace: ['elsewhere'] }, 'FORBIDDEN'],
    ['an unknown memory in supersedes', { text: 'x', namespace, supersedes: 'none' }, 'NOT_FOUND'],
    [
      'an idempotency key that was used before',
      { text: 'x', namespace, idempotencyKey: 'used' },
      'IDEMPOTENCY_CONFLICT',
    ],
  ])('writes nothing if the batch has %s', async (_, bad, code) => {
    const store = await openInMemory({ access: [allow('everyone', 'writer', namespace)] });
    const agent = store.as({ agentId: 'billing' });
    await agent.remember('first', { namespace, idempotencyKey: 'used', key: 'k' });
    const before = await store.admin.get({ namespace, key: 'k' });
    const seen: string[] = [];
    store.on('committed', ({ ids }) => seen.push(...ids));
    const items = [
      { text: 'revised', namespace, key: 'k' },
      { text: 'new', namespace: ['support', 'new', 'place'], tags: ['new'] },
      bad,
      { text: 'after', namespace },
    ];
    expect(await codeOf(() => agent.rememberMany(items, { atomic: true }))).toBe(code);
    expect(await store.admin.count()).toBe(1);
    expect(await store.admin.get({ namespace, key: 'k' })).toEqual(before);
    expect(await agent.recall('revised new after', { mode: 'keyword' })).toEqual([]);
    expect(seen).toEqual([]);
    expect(await store.admin.history(before?.id ?? '')).toHaveLength(1);
    // Numbers that were interned for the refused batch can be given again.
    await agent.remember('later', { namespace: ['support', 'new', 'place'], key: 'k2' });
    expect((await agent.get({ namespace: ['support', 'new', 'place'], key: 'k2' }))?.text).toBe('later');
    expect((await store.verify()).ok).toBe(true);
  });

  test('does not affect concurrent writes if it fails', async () => {
    const store = await openInMemory();
    const [batch, ...singles] = await Promise.allSettled([
      store.admin.rememberMany([...memories(3), { text: 'x', namespace, supersedes: 'none' }], { atomic: true }),
      ...Array.from({ length: 5 }, (_, i) => store.admin.remember(`single ${i}`, { namespace: ['other', `${i}`] })),
    ]);
    expect(batch?.status).toBe('rejected');
    expect(singles.map(({ status }) => status)).toEqual(Array(5).fill('fulfilled'));
    expect(await store.admin.count()).toBe(5);
    expect(await store.admin.count({ namespace: ['other'] })).toBe(5);
    expect((await store.verify()).ok).toBe(true);
  });

  test('revises a memory from the same batch if a later item has the same key', async () => {
    const store = await openInMemory();
    const items = ['one', 'two', 'three'].map((text) => ({ text, namespace, key: 'k' }));
    expect(await store.admin.rememberMany(items, { atomic: true })).toMatchObject({ stored: 1, revised: 2 });
    expect(await store.admin.get({ namespace, key: 'k' })).toMatchObject({ text: 'three', revision: 3 });
  });

  test('writes nothing if its source throws, the embedder fails, or it is aborted', async () => {
    const embedder = faultyEmbedder();
    const store = await openInMemory({ embedder });
    const { source } = counted(memories(20), 9);
    await expect(store.admin.rememberMany(source(), { atomic: true })).rejects.toThrow('The source broke.');
    embedder.fault = new Error('away');
    expect(await codeOf(() => store.admin.rememberMany(memories(3), { atomic: true }))).toBe('EMBEDDING_FAILED');
    embedder.fault = undefined;
    const controller = new AbortController();
    async function* aborting() {
      yield* memories(3);
      controller.abort(new Error('Enough.'));
    }
    const call = store.admin.rememberMany(aborting(), { atomic: true, signal: controller.signal });
    await expect(call).rejects.toThrow('Enough.');
    expect(await store.admin.count()).toBe(0);
  });

  test('rejects more items than `limits.atomicBatch`, and stops reading an endless source at this limit', async () => {
    const store = await openInMemory({ limits: { atomicBatch: 50 } });
    const { state, source } = counted(
      (function* endless() {
        for (;;) yield { text: 'note', namespace };
      })(),
    );
    const error = await refusal(() => store.admin.rememberMany(source(), { atomic: true }));
    expect(error.code).toBe('INVALID_INPUT');
    expect(error.message).toContain('50');
    expect(state.read).toBeLessThanOrEqual(400);
    expect(state.ended).toBe(true);
    expect(await store.admin.count()).toBe(0);
  });
});
