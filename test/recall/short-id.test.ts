import { allow, type MemoryHandle, type MemoryStore } from 'multi-agent-memory';
import { expect, test } from 'vitest';
import { nextTurn } from '../../src/environment/timers';
import { openInMemory, refusal } from '../store/stores';

const reader = { agentId: 'reader' };
const open = ['open'];
const secret = ['secret'];

/** A store whose ids are these, one after the other. */
async function storeWith(ids: readonly string[]): Promise<{ store: MemoryStore; handle: MemoryHandle }> {
  const next = [...ids];
  const store = await openInMemory({
    access: [allow(reader, 'reader', open)],
    newId: () => next.shift() as string,
  });
  return { store, handle: store.as(reader) };
}

const a = '0198c0de-0000-7000-8000-000000000001';
const b = '0198c0de-0000-7000-8000-000000000002';
const c = '0198c0df-0000-7000-8000-000000000003';

test('a short id finds the memory whose id begins with it', async () => {
  const { store, handle } = await storeWith([a, c]);
  await store.admin.remember('one', { namespace: open });
  await store.admin.remember('two', { namespace: open });
  for (const shortId of ['0198c0de', '0198c0de-', '0198c0de-0000-7000-8', a.slice(0, 35), a])
    expect((await handle.get(shortId))?.text).toBe('one');
  for (const none of ['0198c0d', '0198c0dd', '0198C0DE', '0198c0de-0000-7000-9', 'note-one', '0198c0de0000'])
    expect(await handle.get(none)).toBeUndefined();
});

test('an ambiguous short id is refused with at most five of the ids that it can mean', async () => {
  const ids = Array.from({ length: 8 }, (_, i) => `0198c0de-0000-7000-8000-00000000000${i}`);
  const { store, handle } = await storeWith(ids);
  await store.admin.remember('one', { namespace: open });
  await store.admin.remember('two', { namespace: open });
  const error = await refusal(() => handle.get('0198c0de'));
  expect(error.code).toBe('AMBIGUOUS_ID');
  expect(error.message).toContain(`${ids[0]}, ${ids[1]}. Give more`);
  for (let i = 2; i < 8; i++) await store.admin.remember(`note ${i}`, { namespace: open });
  const { message } = await refusal(() => handle.get('0198c0de'));
  expect(message.match(/[0-9a-f-]{36}/g)).toEqual(ids.slice(0, 5));
  expect(message).toContain(' and more.');
});

test('memories that the principal may not get never make a short id ambiguous', async () => {
  const { store, handle } = await storeWith([a, b, '0198c0de-0000-7000-8000-000000000004']);
  await store.admin.remember('hidden', { namespace: secret });
  expect(await handle.get('0198c0de')).toBeUndefined();
  await store.admin.remember('one', { namespace: open, userId: 'u' });
  expect((await handle.get('0198c0de'))?.id).toBe(b);
  expect(await store.as(reader, { userId: 'other' }).get('0198c0de')).toBeUndefined();
  await store.admin.remember('expired', { namespace: open, expiresAt: new Date(0) });
  expect((await handle.get('0198c0de'))?.id).toBe(b);
  await store.admin.forget(b);
  expect(await handle.get('0198c0de')).toBeUndefined();
});

test('a superseded memory is found by its short id, as by its id', async () => {
  const { store, handle } = await storeWith([a, c]);
  await store.admin.remember('old', { namespace: open });
  await store.admin.remember('new', { namespace: open, supersedes: a });
  expect((await handle.get('0198c0de'))?.state).toBe('superseded');
});

test('an id of another form has no short ids, so a lost id never finds another memory', async () => {
  const { store, handle } = await storeWith(['20250101', '202501010', '20250101-more']);
  for (const text of ['one', 'two', 'three']) await store.admin.remember(text, { namespace: open });
  expect((await handle.get('20250101'))?.text).toBe('one');
  await store.admin.forget('20250101');
  expect(await handle.get('20250101')).toBeUndefined();
});

test('writes and `history` take whole ids only', async () => {
  const { store } = await storeWith([a]);
  await store.admin.remember('one', { namespace: open });
  expect(await store.admin.forget('0198c0de')).toBe(false);
  expect((await refusal(() => store.admin.update('0198c0de', { text: 'two' }))).code).toBe('NOT_FOUND');
  expect((await refusal(() => store.admin.share('0198c0de', { namespace: secret }))).code).toBe('NOT_FOUND');
  expect(await store.admin.history('0198c0de')).toEqual([]);
});

test('the audit names the memory that was found, or those that the error names', async () => {
  const { store, handle } = await storeWith([a, b, c]);
  await store.admin.remember('one', { namespace: open });
  await store.admin.remember('hidden', { namespace: secret });
  await handle.get('0198c0de');
  await handle.get('0198c0dd');
  await store.admin.share(b, { namespace: open });
  await refusal(() => handle.get('0198c0de'));
  const { items } = await store.audit.query({ by: reader, order: 'oldest' });
  expect(items.map(({ decision, code, memories }) => [decision, code, memories.map(({ id }) => id)])).toEqual([
    ['allowed', undefined, [a]],
    ['refused', 'NOT_FOUND', []],
    ['refused', 'AMBIGUOUS_ID', [a, b]],
  ]);
});

test('other work runs while thousands of ids that begin alike are checked', async () => {
  let n = 0;
  const store = await openInMemory({
    access: [allow(reader, 'reader', open)],
    newId: () => `0198c0de-0000-7000-8000-${(++n).toString(16).padStart(12, '0')}`,
  });
  const hidden = Array.from({ length: 5_000 }, () => ({ text: 'hidden', namespace: secret, embed: false as const }));
  await store.admin.rememberMany(hidden);
  await store.admin.remember('one', { namespace: open });
  let turns = 0;
  let isDone = false;
  const getting = store
    .as(reader)
    .get('0198c0de')
    .finally(() => {
      isDone = true;
    });
  for (; !isDone; turns++) await nextTurn();
  expect((await getting)?.text).toBe('one');
  expect(turns).toBeGreaterThanOrEqual(5);
});
