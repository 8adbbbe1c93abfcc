import { fakeClock } from 'multi-agent-memory/testing';
import { describe, expect, test } from 'vitest';
import { openInMemory } from '../store/stores';

const namespace = ['support'];
const at = (day: number) => new Date(Date.UTC(2026, 0, day));

/** A store with one memory for each of five days, which all were written later. */
async function fiveDays() {
  const store = await openInMemory({ clock: fakeClock(Date.UTC(2026, 5)) });
  for (let day = 1; day <= 5; day++) await store.admin.remember(`note ${day}`, { namespace, validFrom: at(day) });
  return store;
}

describe('during', () => {
  test('selects the memories that became true from its start until before its end, in every read', async () => {
    const store = await fiveDays();
    const during = { from: at(2), to: at(4) };
    const expected = ['note 2', 'note 3'];
    expect((await store.admin.recall('note', { during })).map(({ text }) => text).sort()).toEqual(expected);
    const { items } = await store.admin.list({ during, order: 'oldest' });
    expect(items.map(({ text }) => text)).toEqual(expected);
    expect(await store.admin.count({ during })).toBe(2);
    expect(await store.admin.count({ during: { from: at(2) } })).toBe(4);
    expect(await store.admin.count({ during: { to: at(2) }, include: ['superseded'] })).toBe(1);
    // A set of memories that the reader sees is kept. A span of time must not change it.
    expect(await store.admin.count()).toBe(5);
  });

  test('counts as a condition of forgetWhere', async () => {
    const store = await fiveDays();
    expect(await store.admin.forgetWhere({ during: { to: at(3) } }, { dryRun: false })).toMatchObject({ forgotten: 2 });
    expect(await store.admin.count()).toBe(3);
  });

  test('belongs to the query of a cursor', async () => {
    const store = await fiveDays();
    const { nextCursor = '' } = await store.admin.list({ during: { from: at(1) }, limit: 2 });
    const rest = await store.admin.list({ during: { from: at(1) }, cursor: nextCursor });
    expect(rest.items).toHaveLength(3);
    await expect(store.admin.list({ during: { from: at(2) }, cursor: nextCursor })).rejects.toMatchObject({
      code: 'INVALID_CURSOR',
    });
  });

  test.each<[object, string[]]>([
    [{}, ['during']],
    [{ from: at(2), to: at(2) }, ['during.to']],
    [{ from: '2026-01-01', to: 5 }, ['during.from', 'during.to']],
    [{ from: undefined, to: at(2) }, ['during.from']],
    [{ from: at(1), until: at(2) }, ['during.until']],
  ])('rejects %j with every issue', async (during, paths) => {
    const store = await openInMemory();
    const error = await store.admin.recall('note', { during: during as never }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'INVALID_INPUT' });
    expect((error as { issues: { path: string[] }[] }).issues.map(({ path }) => path.join('.'))).toEqual(paths);
  });
});
