import { describe, expect, test } from 'vitest';
import { codeOf, openFolder, openInMemory, temporaryFolder } from '../store/stores';
import { spacesOf, words } from './spaces';

const namespace = ['support'];
const texts = Array.from({ length: 50 }, (_, i) => `note number${i}`);

async function moved() {
  const old = words('old');
  const store = await openInMemory({ embedder: old });
  await store.admin.rememberMany(texts.map((text) => ({ text, namespace })));
  await store.reembed(words('new', 96));
  return { store, old };
}

async function nextTurns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

describe('rollback', () => {
  test('switches back, and forward again, without embedding anything', async () => {
    const { store, old } = await moved();
    await store.admin.remember('written in between', { namespace });
    await expect.poll(() => old.asked).toContain('written in between');
    const asked = old.asked.length;
    for (const to of ['old', 'new', 'old']) {
      expect(await store.rollback()).toMatchObject({ embedded: 0, space: { model: to } });
      const [hit] = await store.admin.recall('in between', { mode: 'semantic', topK: 1 });
      expect(hit?.text).toBe('written in between');
    }
    expect(old.asked).toHaveLength(asked);
    expect(await spacesOf(store)).toEqual({ old: 'current', new: 'previous' });
  });

  test('includes memories that were updated or forgotten since the switch', async () => {
    const { store } = await moved();
    const { items } = await store.admin.list({ order: 'oldest', limit: 2 });
    const [first, second] = items as [(typeof items)[0], (typeof items)[0]];
    await store.admin.update(first.id, { text: 'corrected since' });
    await store.admin.forget(second.id);
    await store.rollback();
    const hits = await store.admin.recall('corrected since', { mode: 'semantic', topK: 100 });
    expect(hits[0]?.id).toBe(first.id);
    expect(hits.map(({ id }) => id)).not.toContain(second.id);
    expect(await store.verify()).toEqual({ ok: true, problems: [] });
  });

  test('throws an error that names the missing embedder if memories were written since the switch', async () => {
    const folder = await temporaryFolder();
    const first = await openFolder(folder, { embedder: words('old') });
    await first.admin.remember('early', { namespace });
    await first.reembed(words('new'));
    await first.close();
    const second = await openFolder(folder, { embedder: words('new') });
    await second.admin.remember('late', { namespace });
    expect(await codeOf(() => second.rollback())).toBe('EMBEDDER_MISSING');
    expect(await spacesOf(second)).toEqual({ new: 'current', old: 'previous' });
    expect(await second.reembed(words('old'))).toMatchObject({ embedded: 1 });
    expect((await second.admin.recall('late', { mode: 'semantic', topK: 1 }))[0]?.text).toBe('late');
  });

  test('keeps the previous space when it is aborted, and can be repeated', async () => {
    const { store, old } = await moved();
    await store.admin.remember('written in between', { namespace });
    for (const giveUp of ['cancel', 'abort'] as const) {
      const aborting = new AbortController();
      const going = store.rollback({ signal: aborting.signal });
      const ended = expect(going).rejects.toThrow();
      if (giveUp === 'cancel') await going.cancel();
      else aborting.abort();
      await ended;
      expect(await spacesOf(store)).toEqual({ new: 'current', old: 'previous' });
    }
    await expect.poll(() => old.asked).toContain('written in between');
    expect(await store.rollback()).toMatchObject({ space: { model: 'old' } });
    expect(old.asked).toHaveLength(texts.length + 1);
  });

  test('does not wait for an embedder that never answers, and close() does not wait either', async () => {
    const { store, old } = await moved();
    old.before = () => new Promise(() => undefined);
    await store.admin.remember('written in between', { namespace });
    const going = store.rollback();
    const ended = expect(going).rejects.toMatchObject({ code: 'STORE_CLOSED' });
    await nextTurns(20);
    await store.close();
    await ended;
  });

  test('is rejected by a store without a previous space', async () => {
    const store = await openInMemory();
    expect(await codeOf(() => store.rollback())).toBe('INVALID_INPUT');
  });
});

describe('dropUnusedSpaces', () => {
  test('drops every space except the space that is searched', async () => {
    const { store } = await moved();
    await store.dropUnusedSpaces();
    expect(await spacesOf(store)).toEqual({ new: 'current' });
    expect(await codeOf(() => store.rollback())).toBe('INVALID_INPUT');
    const [hit] = await store.admin.recall('note number7', { mode: 'semantic', topK: 1 });
    expect(hit?.text).toBe('note number7');
    expect(await store.verify()).toEqual({ ok: true, problems: [] });
    await store.admin.update(hit?.id as string, { text: 'changed' });
    expect(await store.reembed(words('old'))).toMatchObject({ embedded: 50 });
    expect(await store.verify()).toEqual({ ok: true, problems: [] });
  });

  test('does nothing if the store has only one space', async () => {
    const store = await openInMemory();
    await store.admin.remember('one', { namespace });
    await store.dropUnusedSpaces();
    expect(await store.admin.recall('one')).toHaveLength(1);
  });
});
