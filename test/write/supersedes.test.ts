import { fakeClock } from 'multi-agent-memory/testing';
import { describe, expect, test } from 'vitest';
import { codeOf, openInMemory } from '../store/stores';

const namespace = ['support'];
const day = 24 * 60 * 60 * 1000;

async function moved() {
  const clock = fakeClock();
  const store = await openInMemory({ clock });
  const lived = clock.now();
  const old = await store.admin.remember('Lives in Lisbon.', { namespace });
  clock.advance(10 * day);
  const movedAt = clock.now();
  const current = await store.admin.remember('Lives in Porto.', { namespace, supersedes: old.id });
  clock.advance(10 * day);
  return { store, clock, old: old.id, current: current.id, lived, movedAt };
}

describe('supersedes', () => {
  test('replaces the superseded memory in every ordinary read', async () => {
    const { store, old, current, movedAt } = await moved();
    expect((await store.admin.list()).items.map(({ id }) => id)).toEqual([current]);
    expect(await store.admin.count()).toBe(1);
    for (const mode of ['hybrid', 'semantic', 'keyword'] as const) {
      expect((await store.admin.recall('lives', { mode })).map(({ id }) => id)).toEqual([current]);
    }
    expect(await store.admin.get(old)).toMatchObject({
      state: 'superseded',
      supersededBy: current,
      revision: 2,
      validTo: new Date(movedAt),
    });
    expect(await store.admin.get(current)).toMatchObject({ state: 'active', supersedes: old, revision: 1 });
  });

  test("leaves the superseded memory visible with `include: ['superseded']`", async () => {
    const { store, old, current } = await moved();
    const include = ['superseded'] as const;
    expect((await store.admin.list({ include, order: 'oldest' })).items.map(({ id }) => id)).toEqual([old, current]);
    expect(await store.admin.count({ include })).toBe(2);
    expect(await store.admin.recall('lives', { include })).toHaveLength(2);
    expect(await store.admin.count({ include, filter: { state: 'superseded' } })).toBe(1);
    expect(await store.admin.count({ include, filter: { supersededBy: current } })).toBe(1);
  });

  test('leaves the superseded memory, and not the new one, visible with `asOf` before the change', async () => {
    const { store, old, current, lived, movedAt } = await moved();
    const asOf = async (at: number) => (await store.admin.list({ asOf: at })).items.map(({ id }) => id);
    expect(await asOf(lived - 1)).toEqual([]);
    expect(await asOf(lived)).toEqual([old]);
    expect(await asOf(movedAt - 1)).toEqual([old]);
    expect(await asOf(movedAt)).toEqual([current]);
    expect(await asOf(movedAt + 400 * day)).toEqual([current]);
    const hits = await store.admin.recall('lives', { asOf: new Date(movedAt - 1) });
    expect(hits.map(({ id }) => id)).toEqual([old]);
    expect(await store.admin.count({ asOf: new Date(lived).toISOString() })).toBe(1);
  });

  test('ends the validity of the superseded memory at `validFrom` of the new memory, even in the past', async () => {
    const { store, clock, current } = await moved();
    const since = clock.now() - 5 * day;
    const newest = await store.admin.remember('Lives in Faro.', { namespace, supersedes: current, validFrom: since });
    expect((await store.admin.get(current))?.validTo).toEqual(new Date(since));
    expect((await store.admin.list({ asOf: since })).items.map(({ id }) => id)).toEqual([newest.id]);
  });

  test('never extends the validity of the superseded memory', async () => {
    const clock = fakeClock();
    const store = await openInMemory({ clock });
    const validTo = clock.now() + day;
    const { id } = await store.admin.remember('On holiday.', { namespace, validTo });
    clock.advance(10 * day);
    await store.admin.remember('Back at work.', { namespace, supersedes: id });
    expect((await store.admin.get(id))?.validTo).toEqual(new Date(validTo));
  });

  test.each([
    ['does not exist', () => 'no-such-id'],
    ['was forgotten', ({ forgotten }: { forgotten: string }) => forgotten],
    ['may not be read', ({ hidden }: { hidden: string }) => hidden],
  ])('makes the write reject with NOT_FOUND and store nothing if the superseded memory %s', async (_, pick) => {
    const store = await openInMemory();
    const { id: forgotten } = await store.admin.remember('gone', { namespace });
    await store.admin.forget(forgotten);
    const { id: hidden } = await store.admin.remember('mine', { namespace, visibility: 'private' });
    const agent = store.as({ agentId: 'billing' }, { namespace });
    const supersedes = pick({ forgotten, hidden });
    expect(await codeOf(() => agent.remember('new', { supersedes, key: 'k' }))).toBe('NOT_FOUND');
    expect(await store.admin.count()).toBe(1);
    expect(await store.admin.get(hidden)).toMatchObject({ state: 'active', revision: 1 });
  });

  test('makes the write reject with REVISION_CONFLICT if the memory is already superseded, so one of many concurrent calls succeeds', async () => {
    const store = await openInMemory();
    const { id } = await store.admin.remember('old', { namespace });
    const answers = await Promise.allSettled(
      Array.from({ length: 10 }, (_, i) => store.admin.remember(`new ${i}`, { namespace, supersedes: id })),
    );
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const answer of answers) {
      if (answer.status === 'rejected') expect(answer.reason.code).toBe('REVISION_CONFLICT');
    }
    expect(await store.admin.count()).toBe(1);
    expect(await store.admin.count({ include: ['superseded'] })).toBe(2);
  });

  test('leaves the superseded memory superseded when the new memory is forgotten', async () => {
    const { store, old, current } = await moved();
    await store.admin.forget(current);
    expect(await store.admin.count()).toBe(0);
    expect((await store.admin.get(old))?.state).toBe('superseded');
  });

  test('may name a memory in another namespace', async () => {
    const store = await openInMemory();
    const { id } = await store.admin.remember('old', { namespace: ['a'] });
    const next = await store.admin.remember('new', { namespace: ['b'], supersedes: id });
    expect(await store.admin.get(id)).toMatchObject({ state: 'superseded', supersededBy: next.id, namespace: ['a'] });
  });
});

describe('validFrom and validTo', () => {
  test('do not hide a memory by themselves', async () => {
    const clock = fakeClock();
    const store = await openInMemory({ clock });
    await store.admin.remember('past', { namespace, validFrom: new Date(1_000), validTo: new Date(2_000) });
    await store.admin.remember('future', { namespace, validFrom: clock.now() + day });
    expect(await store.admin.count()).toBe(2);
    expect(await store.admin.recall('past future')).toHaveLength(2);
  });

  test('limit which memories `asOf` returns: `validFrom` is included, `validTo` is excluded', async () => {
    const store = await openInMemory();
    await store.admin.remember('text', { namespace, validFrom: new Date(1_000), validTo: new Date(2_000) });
    const found = await Promise.all(
      [999, 1_000, 1_999, 2_000].map((asOf) => store.admin.count({ asOf: new Date(asOf) })),
    );
    expect(found).toEqual([0, 1, 1, 0]);
  });

  test('accept a Date, an ISO string with a zone and epoch milliseconds, and are returned as Dates', async () => {
    const store = await openInMemory();
    const forms = [
      '2026-03-01T12:00:00.000Z',
      '2026-03-01T13:00+01:00',
      Date.UTC(2026, 2, 1, 12),
      new Date(Date.UTC(2026, 2, 1, 12)),
    ];
    for (const validFrom of forms) {
      const { id } = await store.admin.remember('text', { namespace, validFrom, expiresAt: '2027-01-01T00:00:00Z' });
      const memory = await store.admin.get(id);
      expect(memory?.validFrom).toEqual(new Date('2026-03-01T12:00:00Z'));
      expect(memory?.expiresAt).toBeInstanceOf(Date);
      expect(memory?.createdAt).toBeInstanceOf(Date);
      expect(memory?.updatedAt).toBeInstanceOf(Date);
    }
    expect(await store.admin.count({ filter: { validFrom: '2026-03-01T12:00:00Z' } })).toBe(forms.length);
  });
});

describe('expiresAt', () => {
  test('hides a memory from every read from that time on', async () => {
    const clock = fakeClock();
    const store = await openInMemory({ clock });
    const expiresAt = clock.now() + 100;
    const { id } = await store.admin.remember('short lived', { namespace, key: 'k', expiresAt });
    const counts = async () => [
      await store.admin.count(),
      (await store.admin.list()).items.length,
      (await store.admin.recall('short')).length,
      (await store.admin.recall('short', { mode: 'keyword' })).length,
      (await store.admin.recall('short', { filter: { kind: 'episodic' } })).length,
      (await store.admin.namespaces()).length,
      (await store.admin.get(id)) === undefined ? 0 : 1,
      (await store.admin.get({ namespace, key: 'k' })) === undefined ? 0 : 1,
    ];
    clock.advance(99);
    expect(new Set(await counts())).toEqual(new Set([1]));
    clock.advance(1);
    expect(new Set(await counts())).toEqual(new Set([0]));
    const include = ['expired'] as const;
    expect(await store.admin.count({ include })).toBe(1);
    expect(await store.admin.recall('short', { include })).toHaveLength(1);
    expect((await store.admin.list({ include })).items).toHaveLength(1);
  });

  test('hides a memory immediately if the time is in the past', async () => {
    const store = await openInMemory();
    await store.admin.remember('too late', { namespace, expiresAt: new Date(1) });
    expect(await store.admin.count()).toBe(0);
    expect(await store.admin.count({ include: ['expired'] })).toBe(1);
  });

  test('does not change the scores of other memories', async () => {
    const build = async (withExpired: boolean) => {
      const clock = fakeClock();
      const store = await openInMemory({ clock });
      await store.admin.remember('the refund was paid', { namespace });
      if (withExpired)
        await store.admin.remember('the refund of the refund', { namespace, expiresAt: clock.now() + 5 });
      clock.advance(10);
      return (await store.admin.recall('refund', { explain: true })).map(({ score, parts }) => ({ score, parts }));
    };
    expect(await build(true)).toEqual(await build(false));
  });
});
