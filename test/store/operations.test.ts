import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Progress, StoreEvents } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { all, codeOf, openFolder, openInMemory, refusal, temporaryFolder } from './stores';

const namespace = ['support'];
const secret = 'the passport number X1234567';

describe('events', () => {
  test('report every commit after it is durable, with ids but never with text', async () => {
    const store = await openInMemory();
    const commits: StoreEvents['committed'][] = [];
    store.on('committed', (event) => commits.push(event));
    const { id } = await store.admin.remember(secret, { namespace, tags: [secret], metadata: { secret } });
    const { id: other } = await store.admin.remember('other', { namespace, supersedes: id });
    await store.admin.forget(other);
    expect(commits.map(({ ids }) => ids)).toEqual([[id], expect.arrayContaining([id, other]), [other]]);
    const numbers = commits.map(({ changeSeq }) => changeSeq);
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
    expect(JSON.stringify(commits)).not.toContain('passport');
  });

  test('report a commit once if several callers share it', async () => {
    const store = await openInMemory();
    const commits: StoreEvents['committed'][] = [];
    store.on('committed', (event) => commits.push(event));
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => store.admin.remember(`note ${i}`, { namespace, embed: false })),
    );
    expect(commits.length).toBeLessThan(20);
    expect(commits.flatMap(({ ids }) => ids).sort()).toEqual(answers.map(({ id }) => id).sort());
  });

  test('report nothing for calls that change nothing', async () => {
    const store = await openInMemory();
    const { id } = await store.admin.remember('note', { namespace, idempotencyKey: 'i' });
    const commits: unknown[] = [];
    store.on('committed', (event) => commits.push(event));
    await store.admin.remember('note', { namespace, idempotencyKey: 'i' });
    await codeOf(() => store.admin.update(id, { priority: 1 }, { ifRevision: 5 }));
    await store.admin.forget('none');
    expect(commits).toEqual([]);
  });

  test('report every recall with its number of hits and duration', async () => {
    const store = await openInMemory();
    await store.admin.remember(secret, { namespace });
    const recalls: StoreEvents['recalled'][] = [];
    store.on('recalled', (event) => recalls.push(event));
    await store.admin.recall(secret);
    await store.admin.recall('nothing', { mode: 'keyword' });
    expect(recalls.map(({ hits }) => hits)).toEqual([1, 0]);
    for (const { tookMs } of recalls) expect(tookMs).toBeGreaterThanOrEqual(0);
    expect(JSON.stringify(recalls)).not.toContain('passport');
  });

  test('stop only for the listener that was removed', async () => {
    const store = await openInMemory();
    const [one, two]: [number[], number[]] = [[], []];
    const leave = store.on('committed', () => one.push(1));
    store.on('committed', () => two.push(1));
    await store.admin.remember('note', { namespace });
    leave();
    leave();
    await store.admin.remember('note', { namespace });
    expect([one.length, two.length]).toEqual([1, 2]);
  });

  test('report the changes made through every store that the process has opened in the folder', async () => {
    const folder = await temporaryFolder();
    const [one, two] = [await openFolder(folder), await openFolder(folder)];
    const seen: string[] = [];
    two.on('committed', ({ ids }) => seen.push(...ids));
    const { id } = await one.admin.remember('note', { namespace });
    expect(seen).toEqual([id]);
  });
});

describe('stats', () => {
  test('contain the numbers of memories, of bytes and of changes not yet indexed, and the embedding space', async () => {
    const store = await openFolder(await temporaryFolder());
    const empty = await store.stats();
    expect(empty).toMatchObject({ memories: 0, indexLag: 0 });
    const { results } = await store.admin.rememberMany(
      Array.from({ length: 200 }, (_, i) => ({ text: `note ${i} `.repeat(100), namespace })),
    );
    await store.settled();
    const full = await store.stats();
    expect(full.memories).toBe(200);
    expect(full.bytes).toBeGreaterThan(empty.bytes);
    expect(full.indexLag).toBe(0);
    expect(full.space).toMatchObject({ model: expect.any(String), dimensions: expect.any(Number), normalized: true });
    const [first] = results;
    if (first?.ok) await store.admin.forget(first.id);
    expect((await store.stats()).memories).toBe(199);
  });
});

describe('backup', () => {
  test('creates a folder with a complete store that can be opened', async () => {
    const store = await openFolder(await temporaryFolder());
    await store.admin.rememberMany(
      Array.from({ length: 50 }, (_, i) => ({ text: `note ${i}`, namespace, key: `k${i}` })),
    );
    const copy = join(await temporaryFolder(), 'deep', 'copy');
    const told: Progress[] = [];
    await store.backup(copy, { onProgress: (progress) => told.push(progress) });
    expect(told.at(-1)?.done).toBe(told.at(-1)?.total);
    const { id } = await store.admin.remember('later', { namespace });
    const opened = await openFolder(copy);
    expect(await all(opened.admin.list())).toEqual(
      (await all(store.admin.list())).filter((memory) => memory.id !== id),
    );
    expect((await opened.admin.recall('note 7', { topK: 1 }))[0]?.key).toBe('k7');
    expect((await opened.verify()).problems).toEqual([]);
    // It is a store of its own.
    await opened.admin.remember('only here', { namespace });
    expect(await store.admin.count()).toBe(51);
  });

  test('contains the state of a single moment even if other calls write meanwhile', async () => {
    const store = await openFolder(await temporaryFolder());
    await store.admin.rememberMany(
      Array.from({ length: 500 }, (_, i) => ({ text: `note ${i}`, namespace, embed: false as const })),
    );
    const copy = join(await temporaryFolder(), 'copy');
    const copying = store.backup(copy);
    const written = await Promise.all(
      Array.from({ length: 50 }, () => store.admin.remember('meanwhile', { namespace })),
    );
    await copying;
    const opened = await openFolder(copy);
    expect(await opened.admin.count()).toBeGreaterThanOrEqual(500);
    expect(await opened.admin.count()).toBeLessThanOrEqual(500 + written.length);
    expect((await opened.verify()).problems).toEqual([]);
  });

  test('rejects a folder that is not empty', async () => {
    const store = await openFolder(await temporaryFolder());
    const full = await temporaryFolder();
    await writeFile(join(full, 'letter.txt'), 'mine');
    expect((await refusal(() => store.backup(full))).code).toBe('INVALID_INPUT');
    expect(await readdir(full)).toEqual(['letter.txt']);
  });

  test('leaves the folder empty if it is aborted', async () => {
    const store = await openFolder(await temporaryFolder());
    const copy = await temporaryFolder();
    await expect(store.backup(copy, { signal: AbortSignal.abort(new Error('Enough.')) })).rejects.toThrow('Enough.');
    expect(await readdir(copy)).toEqual([]);
  });

  test('copies an in-memory store to a folder', async () => {
    const store = await openInMemory();
    await store.admin.remember('note', { namespace });
    const copy = join(await temporaryFolder(), 'copy');
    await store.backup(copy);
    expect(await (await openFolder(copy)).admin.count()).toBe(1);
  });
});

describe('verify', () => {
  test('finds no problem after many writes, updates and deletions', async () => {
    const store = await openFolder(await temporaryFolder());
    const { results } = await store.admin.rememberMany(
      Array.from({ length: 300 }, (_, i) => ({ text: `note ${i} of many`, namespace, tags: [`t${i % 3}`] })),
    );
    for (const [i, result] of results.entries()) {
      if (!result.ok || i % 4 === 0) continue;
      if (i % 4 === 1) await store.admin.update(result.id, { text: `corrected ${i}`, tags: ['new'] });
      if (i % 4 === 2) await store.admin.forget(result.id);
      if (i % 4 === 3) await store.admin.remember(`instead of ${i}`, { namespace, supersedes: result.id });
    }
    const told: Progress[] = [];
    expect(await store.verify({ onProgress: (progress) => told.push(progress) })).toEqual({ ok: true, problems: [] });
    expect(told.at(-1)).toMatchObject({ failed: 0 });
    expect(await store.verify({ repair: true })).toEqual({ ok: true, problems: [] });
  });

  test('can be aborted', async () => {
    const store = await openInMemory();
    await store.admin.remember('note', { namespace });
    await expect(store.verify({ signal: AbortSignal.abort(new Error('Enough.')) })).rejects.toThrow('Enough.');
  });
});

describe('abort signals', () => {
  test('that are already aborted make every call reject with their reason, and the call writes nothing', async () => {
    const store = await openInMemory();
    const { id } = await store.admin.remember('note', { namespace });
    const signal = AbortSignal.abort(new Error('Enough.'));
    const calls: (() => PromiseLike<unknown>)[] = [
      () => store.admin.remember('new', { namespace, signal }),
      () => store.admin.remember('new', { namespace, signal, embed: false }),
      () => store.admin.rememberMany([{ text: 'new', namespace }], { signal }),
      () => store.admin.rememberMany([{ text: 'new', namespace }], { signal, atomic: true }),
      () => store.admin.recall('note', { signal }),
      () => store.admin.get(id, { signal }),
      () => store.admin.history(id, { signal }),
      () => store.admin.list({ signal }),
      () => all(store.admin.list({ signal })),
      () => store.admin.count({ signal }),
      () => store.admin.namespaces({ signal }),
      () => store.admin.update(id, { text: 'new' }, { signal }),
      () => store.admin.update(id, { priority: 1 }, { signal }),
      () => store.admin.forget(id, { signal }),
      () => store.admin.forget('none', { signal }),
      () => store.admin.forgetWhere({ namespace }, { dryRun: false, signal }),
      () => store.settled({ signal }),
    ];
    for (const call of calls) await expect(Promise.resolve(call()), String(call)).rejects.toThrow('Enough.');
    expect((await all(store.admin.list())).map(({ text, revision }) => [text, revision])).toEqual([['note', 1]]);
  });

  test('are ignored after the write was submitted, so the write succeeds', async () => {
    const store = await openInMemory();
    const controller = new AbortController();
    store.on('committed', () => controller.abort(new Error('Too late.')));
    const { signal } = controller;
    const { id } = await store.admin.remember('note', { namespace, signal });
    expect((await store.admin.get(id))?.text).toBe('note');
  });

  test('can be shared by many calls without leaking listeners', async () => {
    const store = await openInMemory();
    const controller = new AbortController();
    let listeners = 0;
    const { signal } = controller;
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners++;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners--;
      remove(...args);
    };
    for (let i = 0; i < 30; i++) {
      const { id } = await store.admin.remember(`note ${i}`, { namespace, signal });
      await store.admin.recall(`note ${i}`, { signal });
      await store.admin.update(id, { text: `new ${i}` }, { signal });
    }
    expect(listeners).toBeLessThanOrEqual(1);
  });
});
