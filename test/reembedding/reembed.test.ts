import { MemoryError, MemoryStore } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { codeOf, issuePaths, openFolder, openInMemory, refusal, temporaryFolder } from '../store/stores';
import { gate, spacesOf, words } from './spaces';

const namespace = ['support'];
const texts = Array.from({ length: 100 }, (_, i) => `note number${i} about topic${i % 7}`);

async function filled(embedder = words('old')) {
  const store = await openInMemory({ embedder });
  await store.admin.rememberMany(texts.map((text) => ({ text, namespace })));
  return store;
}

async function findsAll(store: MemoryStore, some: readonly string[] = texts): Promise<void> {
  for (const text of some) {
    const [hit] = await store.admin.recall(text, { mode: 'semantic', topK: 1 });
    expect(hit?.text).toBe(text);
  }
}

describe('reembed', () => {
  test('moves every memory to the space of another embedder, even with other dimensions', async () => {
    const store = await filled();
    const next = words('new', 768);
    const result = await store.reembed(next);
    expect(result).toMatchObject({ space: { model: 'new', dimensions: 768 }, embedded: texts.length });
    expect(next.asked.slice().sort()).toEqual(texts.slice().sort());
    expect(await spacesOf(store)).toEqual({ new: 'current', old: 'previous' });
    await findsAll(store);
    const { id } = await store.admin.remember('written after the switch', { namespace });
    expect((await store.admin.recall('after the switch', { mode: 'semantic', topK: 1 }))[0]?.id).toBe(id);
    expect(await store.verify()).toEqual({ ok: true, problems: [] });
  });

  test('changes neither the feed of changes nor revisions and counts', async () => {
    const store = await filled();
    const before = await store.admin.list({ limit: 1_000 });
    await store.reembed(words('new'));
    expect(await store.admin.list({ limit: 1_000 })).toEqual(before);
    expect(await store.admin.history(before.items[0]?.id as string)).toHaveLength(1);
  });

  test('leaves searches in the old space until the new space is complete', async () => {
    const store = await filled();
    const next = words('new', 768);
    const { open, passed } = gate();
    next.before = () => passed;
    const moving = store.reembed(next);
    await findsAll(store, texts.slice(0, 10));
    await expect.poll(() => spacesOf(store)).toEqual({ old: 'current', new: 'next' });
    open();
    await moving;
    expect(await spacesOf(store)).toEqual({ new: 'current', old: 'previous' });
    await findsAll(store, texts.slice(0, 10));
  });

  test('gives memories that are written during the move vectors in both spaces', async () => {
    const store = await filled();
    const next = words('new', 768);
    const { open, passed } = gate();
    let calls = 0;
    next.before = () => (calls++ === 1 ? passed : undefined);
    const moving = store.reembed(next, { batchSize: 10 });
    const { items } = await store.admin.list({ limit: 3, order: 'oldest' });
    const [first, second, third] = items.map(({ id }) => id) as [string, string, string];
    await store.admin.remember('written meanwhile', { namespace });
    await store.admin.update(first, { text: 'corrected meanwhile' });
    await store.admin.update(second, { priority: 1 });
    await store.admin.forget(third);
    const plain = await store.admin.remember('without a vector', { namespace, embed: false });
    open();
    await moving;
    await findsAll(store, ['written meanwhile', 'corrected meanwhile', texts[1] as string, ...texts.slice(3)]);
    expect(await store.admin.get(third)).toBeUndefined();
    const semantic = await store.admin.recall('without a vector', { mode: 'semantic', topK: 200 });
    expect(semantic.map(({ id }) => id)).not.toContain(plain.id);
    expect((await store.admin.recall('without', { mode: 'keyword' }))[0]?.id).toBe(plain.id);
    expect(await store.verify()).toEqual({ ok: true, problems: [] });
  });

  test('does not make writes wait for the new embedder', async () => {
    const store = await filled();
    const next = words('new', 768);
    const { open, passed } = gate();
    next.before = () => passed;
    const moving = store.reembed(next);
    await store.admin.rememberMany([
      { text: 'written meanwhile', namespace },
      { text: 'and another', namespace },
    ]);
    await findsAll(store, ['written meanwhile', 'and another']);
    open();
    await moving;
    await findsAll(store, ['written meanwhile', 'and another', ...texts]);
  });

  test('embeds a text again if the store switched spaces while the text was being embedded', async () => {
    const old = words('old');
    const store = await filled(old);
    const { open, passed } = gate();
    old.before = () => passed;
    const [item] = (await store.admin.list({ limit: 1 })).items;
    const writing = [
      store.admin.remember('alone and late', { namespace }),
      store.admin.rememberMany([{ text: 'in a batch and late', namespace }]),
      store.admin.rememberMany([{ text: 'atomic and late', namespace }], { atomic: true }),
      store.admin.update(item?.id as string, { text: 'corrected and late' }),
    ];
    await store.reembed(words('new', 768));
    open();
    await Promise.all(writing);
    await findsAll(store, ['alone and late', 'in a batch and late', 'atomic and late', 'corrected and late']);
    expect(await store.verify()).toEqual({ ok: true, problems: [] });
  });

  test('completes even if a writer is faster than the new embedder', async () => {
    const store = await filled();
    const next = words('new', 768);
    next.before = () => new Promise((resolve) => setTimeout(resolve, 30));
    let isOver = false;
    let written = 0;
    const writing = (async () => {
      while (!isOver) await store.admin.remember(`written meanwhile ${written++}`, { namespace });
    })();
    await store.reembed(next);
    isOver = true;
    await writing;
    expect(written).toBeGreaterThan(5);
    await findsAll(store, [`written meanwhile ${written - 1}`, texts[0] as string]);
    const { items } = await store.admin.list({ limit: 1_000 });
    const semantic = await store.admin.recall('anything', { mode: 'semantic', topK: 1_000, distinct: false });
    expect(semantic).toHaveLength(items.length);
  });

  test('keeps the vectors of an earlier aborted move if a rejected move is cancelled', async () => {
    const store = await filled();
    const next = words('new', 768);
    const aborting = new AbortController();
    next.before = () => {
      if (next.asked.length === 50) aborting.abort(new Error('enough'));
    };
    await expect(store.reembed(next, { batchSize: 10, signal: aborting.signal })).rejects.toThrow('enough');
    const other = store.reembed(words('other'));
    expect(await codeOf(() => other)).toBe('INVALID_INPUT');
    await other.cancel();
    expect(await spacesOf(store)).toEqual({ old: 'current', new: 'next' });
    next.before = () => undefined;
    expect(await store.reembed(next)).toMatchObject({ embedded: 50 });
  });

  test('makes the store reject a vector that the caller made for the old space', async () => {
    const held = gate();
    const checkedLate = async (value: unknown) => {
      await held.passed;
      return { value };
    };
    const metadata = { '~standard': { version: 1 as const, vendor: 'slow', validate: checkedLate } };
    const old = words('old');
    const folder = await temporaryFolder();
    const first = await openFolder(folder, { embedder: old });
    await first.admin.remember('first', { namespace });
    await first.close();
    const store = await openFolder(folder, { embedder: old, metadata: metadata as never });
    const vector = await old.embedQuery('brought', {});
    const bringing = codeOf(() => store.admin.remember('brought', { namespace, vector }));
    await store.reembed(words('new'));
    held.open();
    expect(await bringing).toBe('EMBEDDER_MISMATCH');
  });

  test('embeds the text of a memory whose vector came from the caller', async () => {
    const old = words('old');
    const store = await openInMemory({ embedder: old });
    const vector = await old.embedQuery('something else', {});
    await store.admin.remember('the text of it', { namespace, vector });
    await store.reembed(words('new'));
    const [hit] = await store.admin.recall('the text of it', { mode: 'semantic', explain: true });
    expect(hit?.parts?.semantic).toBeCloseTo(0.94, 3);
  });

  test('splits a long text into chunks that fit the new embedder', async () => {
    const store = await openInMemory({ embedder: words('old') });
    const long = `${'filler words of no matter '.repeat(400)} the password is swordfish`;
    await store.admin.remember(long, { namespace });
    await store.admin.remember('short', { namespace });
    const next = { ...words('new', 512), maxTokens: 200 };
    await store.reembed(next);
    const [hit] = await store.admin.recall('password swordfish', { mode: 'semantic' });
    expect(hit?.text).toBe(long);
    expect(await store.verify()).toEqual({ ok: true, problems: [] });
  });

  test('does nothing if the embedder has the current space, or if the store has no vectors', async () => {
    const store = await openInMemory({ embedder: words('old') });
    expect(await store.reembed(words('new'))).toMatchObject({ embedded: 0 });
    await store.admin.remember('first', { namespace });
    expect(await spacesOf(store)).toEqual({ new: 'current' });
    expect(await store.reembed(words('new'))).toMatchObject({ embedded: 0 });
  });

  test('reports its progress and an estimate of the remaining time', async () => {
    const store = await filled();
    const seen: unknown[] = [];
    await store.reembed(words('new'), { batchSize: 10, onProgress: (progress) => seen.push(progress) });
    expect(seen.at(-1)).toMatchObject({ phase: 'index', done: 100, failed: 0, total: 100 });
    const middle = seen.find((progress) => (progress as { done: number }).done === 50) as Record<string, number>;
    expect(middle).toMatchObject({ phase: 'embed', total: 100 });
    expect(middle.perSecond).toBeGreaterThan(0);
    expect(middle.remainingMs).toBeCloseTo((50 / (middle.perSecond as number)) * 1000, 3);
  });

  test('rejects invalid options with every issue, and rejects a second move at the same time', async () => {
    const store = await filled();
    const bad = { batchSize: 0, maxPerSecond: -1, surprise: true } as never;
    expect(await issuePaths(() => store.reembed({} as never, bad))).toEqual([
      'batchSize',
      'embedder',
      'maxPerSecond',
      'surprise',
    ]);
    const next = words('new');
    const { open, passed } = gate();
    next.before = () => passed;
    const moving = store.reembed(next);
    expect(await codeOf(() => store.reembed(words('other')))).toBe('INVALID_INPUT');
    open();
    await moving;
    const error = await refusal(() => store.reembed(words('third')));
    expect([error.code, error.message]).toEqual(['INVALID_INPUT', expect.stringContaining('drop')]);
  });

  test('can be paused and resumed', async () => {
    const store = await filled();
    const next = words('new');
    let moving: ReturnType<typeof store.reembed> | undefined;
    next.before = () => moving?.pause();
    moving = store.reembed(next, { batchSize: 10 });
    await expect.poll(() => next.asked.length).toBe(10);
    await findsAll(store, texts.slice(0, 20));
    expect(next.asked).toHaveLength(10);
    next.before = () => undefined;
    moving.resume();
    expect(await moving).toMatchObject({ embedded: 100 });
  });

  test('keeps the vectors already made when it is aborted, and continues with the next call', async () => {
    const store = await filled();
    const next = words('new');
    const aborting = new AbortController();
    next.before = () => {
      if (next.asked.length === 50) aborting.abort(new Error('enough'));
    };
    await expect(store.reembed(next, { batchSize: 10, signal: aborting.signal })).rejects.toThrow('enough');
    expect(await spacesOf(store)).toEqual({ old: 'current', new: 'next' });
    await findsAll(store, texts.slice(0, 5));
    next.before = () => undefined;
    expect(await store.reembed(next)).toMatchObject({ embedded: 50 });
    expect(next.asked).toHaveLength(100);
  });

  test('does not wait for the index when it is aborted, and leaves no index', async () => {
    const folder = await temporaryFolder();
    const store = await openFolder(folder, { embedder: words('old'), exactUpTo: 10 });
    await store.admin.rememberMany(texts.map((text) => ({ text, namespace })));
    const aborting = new AbortController();
    const onProgress = ({ phase }: { phase: string }) => phase === 'index' && aborting.abort(new Error('enough'));
    const moving = store.reembed(words('new'), { signal: aborting.signal, onProgress });
    await expect(moving).rejects.toThrow('enough');
    expect(await spacesOf(store)).toEqual({ old: 'current', new: 'next' });
    expect(await store.reembed(words('new'))).toMatchObject({ embedded: 0 });
    await findsAll(store, texts.slice(0, 3));
  });

  test('embeds memories that were written during the move in batches', async () => {
    const store = await filled();
    const next = words('new', 768);
    const { open, passed } = gate();
    let calls = 0;
    next.before = () => (calls++ === 0 ? passed : undefined);
    const moving = store.reembed(next, { batchSize: 100 });
    await expect.poll(() => calls).toBe(1);
    const { items } = await store.admin.list({ limit: 60 });
    for (const { id, text } of items) await store.admin.update(id, { text: `${text} corrected` });
    open();
    await moving;
    expect(calls).toBe(2);
    await findsAll(
      store,
      items.slice(0, 3).map(({ text }) => `${text} corrected`),
    );
  });

  test('leaves nothing in the new space when it is cancelled', async () => {
    const store = await filled();
    const next = words('new');
    const { open, passed } = gate();
    next.before = () => (next.asked.length >= 30 ? passed : undefined);
    const moving = store.reembed(next, { batchSize: 10 });
    const ended = expect(moving).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
    await expect.poll(() => next.asked.length).toBe(30);
    const cancelled = moving.cancel();
    open();
    await Promise.all([cancelled, ended]);
    expect(await spacesOf(store)).toEqual({ old: 'current' });
    await findsAll(store);
    expect(await store.verify()).toEqual({ ok: true, problems: [] });
    expect(await store.reembed(words('new'))).toMatchObject({ embedded: 100 });
  });

  test('respects maxPerSecond', async () => {
    const store = await filled();
    const started = performance.now();
    await store.reembed(words('new'), { batchSize: 10, maxPerSecond: 200 });
    // The last batch needs no wait after it.
    expect(performance.now() - started).toBeGreaterThan((90 / 200) * 1000 - 5);
  });

  test('names the memories whose text the new embedder rejects, embeds all others, and stays in the old space', async () => {
    const store = await filled();
    const next = words('new');
    next.before = (asked) => {
      if (asked.some((text) => text.includes('number42 ')))
        throw new MemoryError('EMBEDDING_FAILED', 'This text is refused.', { retryable: false });
    };
    const [refused] = await store.admin.recall('number42', { mode: 'keyword' });
    const error = await refusal(() => store.reembed(next));
    expect([error.code, error.retryable]).toEqual(['EMBEDDING_FAILED', false]);
    expect(error.message).toContain(refused?.id);
    expect(await spacesOf(store)).toEqual({ old: 'current', new: 'next' });
    await findsAll(store, texts.slice(40, 45));
    await store.admin.forget(refused?.id as string);
    expect(await store.reembed(next)).toMatchObject({ embedded: 0 });
    await findsAll(store, texts.slice(43));
  });

  test('stops soon if the new embedder rejects every text or is unavailable', async () => {
    const store = await filled();
    const next = words('new');
    let calls = 0;
    next.before = () => {
      calls++;
      throw new MemoryError('EMBEDDING_FAILED', 'The key is refused.');
    };
    expect(await codeOf(() => store.reembed(next))).toBe('EMBEDDING_FAILED');
    expect(calls).toBeLessThan(70);
    next.before = () => {
      throw new MemoryError('EMBEDDING_FAILED', 'The model is away.', { retryable: true });
    };
    const away = await refusal(() => store.reembed(next));
    expect([away.code, away.retryable]).toEqual(['EMBEDDING_FAILED', true]);
    await findsAll(store, texts.slice(0, 3));
  });

  test('ends when the store closes, and continues after the store is opened again', async () => {
    const folder = await temporaryFolder();
    const first = await openFolder(folder, { embedder: words('old') });
    await first.admin.rememberMany(texts.map((text) => ({ text, namespace })));
    const next = words('new');
    const { passed, open } = gate();
    next.before = () => (next.asked.length >= 40 ? passed : undefined);
    const moving = first.reembed(next, { batchSize: 10 });
    const ended = codeOf(() => moving);
    await expect.poll(() => next.asked.length).toBe(40);
    const closed = first.close();
    open();
    expect(await ended).toBe('STORE_CLOSED');
    await closed;
    const second = await openFolder(folder, { embedder: words('old') });
    await findsAll(second, texts.slice(0, 5));
    expect(await second.reembed(words('new'))).toMatchObject({ embedded: 60 });
    await findsAll(second);
    await second.close();
    const third = await openFolder(folder, { embedder: words('new') });
    await findsAll(third);
    expect(await spacesOf(third)).toEqual({ new: 'current', old: 'previous' });
  });

  test('can be called again by the same program, and then embeds nothing', async () => {
    const folder = await temporaryFolder();
    for (const expected of [1, 0]) {
      const store = await MemoryStore.open(folder, { embedder: words('old') });
      if (expected === 1) await store.admin.remember('the one memory', { namespace });
      expect(await store.reembed(words('new'))).toMatchObject({ embedded: expected });
      await findsAll(store, ['the one memory']);
      await store.close();
    }
    expect(await codeOf(() => MemoryStore.open(folder, { embedder: words('third') }))).toBe('EMBEDDER_MISMATCH');
  });

  test('is rejected by a read-only store', async () => {
    const folder = await temporaryFolder();
    const owner = await openFolder(folder, { embedder: words('old') });
    await owner.admin.remember('one', { namespace });
    const reader = await openFolder(folder, { embedder: words('old'), readOnly: true });
    expect(await codeOf(() => reader.reembed(words('new')))).toBe('STORE_READ_ONLY');
  });

  test('also switches a read-only store that is open at the same time', async () => {
    const folder = await temporaryFolder();
    const owner = await openFolder(folder, { embedder: words('old') });
    await owner.admin.rememberMany(texts.map((text) => ({ text, namespace })));
    const reader = await openFolder(folder, { embedder: words('old'), readOnly: true });
    await findsAll(reader, texts.slice(0, 3));
    await owner.reembed(words('new'));
    expect(await codeOf(() => reader.admin.recall('note', { mode: 'semantic' }))).toBe('EMBEDDER_MISSING');
    expect(await reader.admin.recall('number7', { mode: 'keyword' })).toHaveLength(1);
    const knowing = await openFolder(folder, { embedder: words('new'), readOnly: true });
    await findsAll(knowing, texts.slice(0, 3));
  });
});
