import type { MemoryHandle, MemoryStore, Quotas } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { changeDatabase } from '../store/old-release';
import { all, codeOf, openFolder, openInMemory, refusal, take, temporaryFolder } from '../store/stores';

const namespace = ['team'];
const a = { agentId: 'a' };
const b = { agentId: 'b' };
// `{}` as metadata.
const metadataBytes = 2;

async function openWith(quotas: Quotas): Promise<MemoryStore> {
  return openInMemory({ quotas });
}

async function usedBy(handle: MemoryHandle): Promise<Record<string, number>> {
  const { quotas = {} } = await handle.stats();
  return Object.fromEntries(Object.entries(quotas).map(([kind, { used }]) => [kind, used]));
}

describe('a quota', () => {
  test.each<[string, Quotas, (handle: MemoryHandle, i: number) => Promise<unknown>]>([
    ['memories', { memories: 2 }, (handle, i) => handle.remember(`note ${i}`, { namespace })],
    ['namespaces', { namespaces: 2 }, (handle, i) => handle.remember('note', { namespace: ['team', `${i}`] })],
    ['tags', { tags: 2 }, (handle, i) => handle.remember('note', { namespace, tags: [`${i}`] })],
    ['bytes', { bytes: 2 * (6 + metadataBytes) }, (handle, i) => handle.remember(`note ${i}`, { namespace })],
  ])('of %s refuses what goes beyond it, writes nothing, and names what is used', async (kind, quotas, write) => {
    const store = await openWith(quotas);
    const handle = store.as(a);
    await write(handle, 0);
    await write(handle, 1);
    const error = await refusal(() => write(handle, 2));
    const limit = quotas[kind as 'memories'];
    expect(error).toMatchObject({ code: 'QUOTA_EXCEEDED', retryable: false, quota: { kind, used: limit, limit } });
    expect(error.message).toContain(`at most ${limit}`);
    expect(await handle.count()).toBe(2);
    expect((await handle.stats()).quotas).toEqual({ [kind]: { used: limit, limit } });
    const [first] = await all(handle.list({ order: 'oldest' }));
    await handle.forget(first?.id as string);
    await write(handle, 2);
    expect(await codeOf(() => write(handle, 3))).toBe('QUOTA_EXCEEDED');
  });

  test.each(['999', '0', '-1', '1.5', `'x'`])(
    'does not stop writes if a record has the label set %s',
    async (labelSet) => {
      const folder = await temporaryFolder();
      const store = await openFolder(folder, { quotas: { memories: 2, namespaces: 2 } });
      const { id } = await store.as(a).remember('note', { namespace });
      await store.close();
      changeDatabase(folder, `update memories set label_set = ${labelSet} where row = 1`);
      const again = await openFolder(folder, { quotas: { memories: 2, namespaces: 2 } });
      await again.as(b).remember('note', { namespace });
      await again.as(a).remember('note', { namespace });
      expect(await codeOf(() => again.as(a).remember('note', { namespace }))).toBe('QUOTA_EXCEEDED');
      expect(await again.admin.forget(id)).toBe(true);
      await again.as(a).remember('note', { namespace });
      expect(await usedBy(again.as(a))).toEqual({ memories: 2, namespaces: 1 });
    },
  );

  test('applies to each principal by itself, on behalf of each user, and never to the host', async () => {
    const store = await openWith({ memories: 1 });
    for (const principal of [a, b, { userId: 'a' }, { ...a, onBehalfOf: { userId: 'u' } }]) {
      const handle = store.as(principal);
      await handle.remember('note', { namespace });
      expect(await codeOf(() => handle.remember('note', { namespace }))).toBe('QUOTA_EXCEEDED');
    }
    for (let i = 0; i < 3; i++) await store.admin.remember('note', { namespace });
    expect((await store.admin.stats()).quotas).toBeUndefined();
  });

  test('of one principal replaces the general one', async () => {
    const store = await openWith({
      memories: 1,
      principals: [
        { principal: a },
        { principal: b, memories: 2 },
        { principal: { ...b, onBehalfOf: { userId: 'u' } }, memories: 0 },
      ],
    });
    const fits = async (principal: Parameters<MemoryStore['as']>[0]) => {
      let count = 0;
      while (
        count < 5 &&
        (await store
          .as(principal)
          .remember('note', { namespace })
          .catch(() => undefined))
      )
        count++;
      return count;
    };
    expect(await fits(a)).toBe(5);
    expect(await fits({ ...a, onBehalfOf: { userId: 'u' } })).toBe(5);
    expect(await fits(b)).toBe(2);
    expect(await fits({ ...b, onBehalfOf: { userId: 'u' } })).toBe(0);
    expect(await fits({ ...b, onBehalfOf: { userId: 'v' } })).toBe(2);
    expect(await fits({ agentId: 'c' })).toBe(1);
    expect((await store.as(a).stats()).quotas).toBeUndefined();
  });

  test('holds for writers that write at the same time', async () => {
    const store = await openWith({ memories: 3 });
    const handles = Array.from({ length: 10 }, () => store.as(a));
    const writes = await Promise.allSettled(handles.map((handle, i) => handle.remember(`note ${i}`, { namespace })));
    expect(writes.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    expect(await store.as(a).count()).toBe(3);
  });

  test('refuses an atomic batch as a whole, and of another batch only the items that do not fit', async () => {
    const store = await openWith({ memories: 3, namespaces: 2 });
    const handle = store.as(a);
    const items = (count: number) => Array.from({ length: count }, (_, i) => ({ text: `note ${i}`, namespace }));
    expect(await codeOf(() => handle.rememberMany(items(4), { atomic: true }))).toBe('QUOTA_EXCEEDED');
    const places = [0, 1, 2].map((i) => ({ text: 'note', namespace: ['place', `${i}`] }));
    expect(await codeOf(() => handle.rememberMany(places, { atomic: true }))).toBe('QUOTA_EXCEEDED');
    expect(await handle.count()).toBe(0);
    expect(await usedBy(handle)).toEqual({ memories: 0, namespaces: 0 });
    const { results } = await handle.rememberMany(items(5));
    expect(results.map((each) => (each.ok ? 'stored' : each.error.code))).toEqual([
      ...['stored', 'stored', 'stored'],
      ...['QUOTA_EXCEEDED', 'QUOTA_EXCEEDED'],
    ]);
  });

  test('of memories does not count revisions, and repeated calls with an idempotency key', async () => {
    const store = await openWith({ memories: 1 });
    const handle = store.as(a);
    const options = { namespace, key: 'k', idempotencyKey: 'once' };
    await handle.remember('one', options);
    expect(await handle.remember('one', options)).toMatchObject({ outcome: 'duplicate' });
    const { id } = await handle.remember('two', { namespace, key: 'k' });
    await handle.update(id, { text: 'three' });
    expect(await usedBy(handle)).toEqual({ memories: 1 });
  });

  test('of bytes counts each revision for its writer until the memory is forgotten', async () => {
    const store = await openWith({ bytes: 100 });
    const [ann, bob] = [store.as(a), store.as(b)];
    const { id } = await ann.remember('x'.repeat(10), { namespace });
    await bob.update(id, { text: 'y'.repeat(20) });
    await ann.update(id, { priority: 1 });
    expect(await usedBy(ann)).toEqual({ bytes: 10 + 20 + 2 * metadataBytes });
    expect(await usedBy(bob)).toEqual({ bytes: 20 + metadataBytes });
    expect(await codeOf(() => bob.update(id, { text: 'z'.repeat(80) }))).toBe('QUOTA_EXCEEDED');
    const { id: newer } = await ann.remember('zz', { namespace, supersedes: id });
    expect(await usedBy(ann)).toEqual({ bytes: 10 + 20 + 2 + 20 + 4 * metadataBytes });
    await store.admin.forget(id);
    await store.admin.forget(newer);
    expect([await usedBy(ann), await usedBy(bob)]).toEqual([{ bytes: 0 }, { bytes: 0 }]);
  });

  test('of bytes binds a principal that revises a memory of the host', async () => {
    const store = await openWith({ bytes: 100 });
    const { id } = await store.admin.remember('x', { namespace });
    const handle = store.as(a);
    await handle.update(id, { text: 'y'.repeat(90) });
    expect(await codeOf(() => handle.update(id, { text: 'z'.repeat(90) }))).toBe('QUOTA_EXCEEDED');
  });

  test('of tags and namespaces counts what is in use, so that a memory may exchange one for another', async () => {
    const store = await openWith({ tags: 1, namespaces: 1 });
    const handle = store.as(a);
    const { id } = await handle.remember('note', { namespace, tags: ['x'] });
    await handle.update(id, { tags: ['y'] });
    await handle.share(id, { namespace: ['other'] });
    expect(await codeOf(() => handle.update(id, { tags: ['y', 'z'] }))).toBe('QUOTA_EXCEEDED');
    const { id: second } = await handle.remember('note', { namespace: ['other'], tags: ['y'] });
    expect(await codeOf(() => handle.share(second, { namespace: ['third'] }))).toBe('QUOTA_EXCEEDED');
    await handle.update(second, { tags: [] });
    expect(await usedBy(handle)).toEqual({ tags: 1, namespaces: 1 });
  });

  test('of the author counts what others change in its memories, and refuses the next growing write of the author', async () => {
    const store = await openWith({ tags: 1, namespaces: 1 });
    const [ann, bob] = [store.as(a), store.as(b)];
    const { id } = await ann.remember('note', { namespace, tags: ['x'] });
    const { id: keyed } = await ann.remember('note', { namespace, key: 'k' });
    await bob.update(id, { tags: ['x', 'y'] });
    await bob.remember('note', { namespace, key: 'k', tags: ['z'] });
    await store.admin.update(keyed, { tags: ['z', 'w'] });
    await bob.share(id, { namespace: ['other'] });
    expect(await usedBy(ann)).toEqual({ tags: 4, namespaces: 2 });
    expect(await usedBy(bob)).toEqual({ tags: 0, namespaces: 0 });
    expect((await refusal(() => ann.update(id, { tags: ['x', 'y', 'v'] }))).quota).toEqual({
      kind: 'tags',
      used: 4,
      limit: 1,
    });
    expect((await refusal(() => ann.remember('note', { namespace: ['third'] }))).quota).toMatchObject({
      kind: 'namespaces',
    });
    // What does not grow is allowed beyond a quota.
    await ann.update(id, { text: 'another note', tags: ['x'] });
  });

  test('does not tell others which tags and namespaces the author uses in memories that they cannot read', async () => {
    const store = await openWith({ tags: 2, namespaces: 2 });
    const [ann, bob] = [store.as(a), store.as(b)];
    await ann.remember('hidden', { namespace: ['clinic', 'x'], visibility: 'private', tags: ['illness'] });
    const { id } = await ann.remember('note', { namespace, tags: ['x'] });
    await ann.remember('stays, so that the namespace is in use', { namespace, tags: ['x'] });
    expect(await bob.count()).toBe(2);
    for (const guess of ['illness', 'holiday']) await bob.update(id, { tags: ['x', guess] });
    for (const guess of ['x', 'y']) await bob.share(id, { namespace: ['clinic', guess] });
  });

  test('of watches bounds how many run at a time, and a watch that ends makes room', async () => {
    const store = await openWith({ watches: 1 });
    await store.admin.remember('note', { namespace });
    const handle = store.as(a);
    const first = handle.watch({ since: 'start' })[Symbol.asyncIterator]();
    await first.next();
    const second = handle.watch({ since: 'start' });
    expect(await refusal(() => take(second, 1))).toMatchObject({
      code: 'QUOTA_EXCEEDED',
      quota: { kind: 'watches', used: 1, limit: 1 },
    });
    expect((await handle.stats()).quotas).toEqual({ watches: { used: 1, limit: 1 } });
    await take(store.as(b).watch({ since: 'start' }), 1);
    await first.return?.();
    await expect.poll(() => usedBy(handle)).toEqual({ watches: 0 });
    await take(handle.watch({ since: 'start' }), 1);
  });

  test('of watches makes room when the signal of a watch is aborted', async () => {
    const store = await openWith({ watches: 1 });
    await store.admin.remember('note', { namespace });
    const handle = store.as(a);
    const aborter = new AbortController();
    const first = handle.watch({ since: 'start', signal: aborter.signal })[Symbol.asyncIterator]();
    await first.next();
    aborter.abort();
    await expect.poll(() => usedBy(handle)).toEqual({ watches: 0 });
  });

  test('knows what is used after the folder was opened again', async () => {
    const folder = await temporaryFolder();
    const open = () => openFolder(folder, { quotas: { memories: 3, bytes: 1_000, namespaces: 2, tags: 9 } });
    const store = await open();
    const handle = store.as(a);
    const { id } = await handle.remember('\ud800 half', { namespace, tags: ['x', 'y'] });
    await handle.update(id, { text: 'whole', tags: ['y', 'z'] });
    await handle.share(id, { namespace: ['other'] });
    await handle.remember('old', { namespace, tags: ['old'] }).then((old) => handle.forget(old.id));
    await handle.remember('new', { namespace: ['third'], supersedes: id });
    const used = await usedBy(handle);
    expect(used).toMatchObject({ memories: 2, namespaces: 2, tags: 2 });
    await store.close();
    const again = await open();
    expect(await usedBy(again.as(a))).toEqual(used);
    expect(await codeOf(() => again.as(a).remember('note', { namespace }))).toBe('QUOTA_EXCEEDED');
    await again.as(a).remember('note', { namespace: ['third'] });
    expect(await codeOf(() => again.as(a).remember('note', { namespace: ['third'] }))).toBe('QUOTA_EXCEEDED');
  });

  test('is checked when the store opens, with every problem at once', async () => {
    const quotas = { memories: -1, bytes: undefined, files: 1, principals: [{ principal: a }, { principal: a }, {}] };
    const error = await refusal(() => openInMemory({ quotas: quotas as never }));
    expect(error.issues.map(({ path }) => path.join('.'))).toEqual(
      expect.arrayContaining(['quotas.memories', 'quotas.bytes', 'quotas.files', 'quotas.principals.2.principal']),
    );
    const twice = await refusal(() => openInMemory({ quotas: { principals: [{ principal: a }, { principal: a }] } }));
    expect(twice.issues.map(({ path }) => path.join('.'))).toEqual(['quotas.principals.1']);
  });
});
