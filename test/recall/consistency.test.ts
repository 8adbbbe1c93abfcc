import { join } from 'node:path';
import type { Consistency, MemoryHandle } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { openFolder, openInMemory, refusal, temporaryFolder } from '../store/stores';

/** What each kind of read finds, with the same consistency. */
async function readsOf(handle: MemoryHandle, id: string, consistency: Consistency) {
  return {
    get: (await handle.get(id, { consistency }))?.text,
    recall: (await handle.recall('card', { consistency })).length,
    list: (await handle.list({ consistency })).items.length,
    count: await handle.count({ consistency }),
    history: (await handle.history(id, { consistency })).length,
    namespaces: (await handle.namespaces({ consistency })).length,
    stats: (await handle.stats({ consistency })).memories,
  };
}

const place = { namespace: ['support'] };
const card = { get: 'The refund goes to the card.', recall: 1, list: 1, count: 1, history: 1, namespaces: 1, stats: 1 };

describe('the consistency of a read', () => {
  test('includes every acknowledged write at each level, in a store without peers', async () => {
    const store = await openInMemory();
    const { id } = await store.admin.remember(card.get, place);
    const after = await store.position();
    for (const level of ['session', 'linearizable', 'local', { after }] as const)
      expect(await readsOf(store.admin, id, level), JSON.stringify(level)).toEqual(card);
    const billing = store.as({ agentId: 'billing' });
    for (const level of ['session', 'linearizable', { after }] as const)
      expect(await readsOf(billing, id, level), JSON.stringify(level)).toEqual(card);
  });

  test('takes "local" only from the host, and records the refusal of others', async () => {
    const store = await openInMemory();
    const billing = store.as({ agentId: 'billing' });
    const error = await refusal(() => billing.count({ consistency: 'local' }));
    expect(error).toMatchObject({ code: 'FORBIDDEN', message: expect.stringContaining('only the host') });
    const { items } = await store.audit.query({ action: 'count' });
    expect(items).toMatchObject([{ decision: 'refused', code: 'FORBIDDEN' }]);
    expect(await refusal(() => billing.recall('card', { consistency: 'local' }))).toMatchObject({ code: 'FORBIDDEN' });
  });

  test.each(['SESSION', 1, null, {}, { after: 1 }, { after: 'x', until: 'y' }])('refuses %j', async (consistency) => {
    const store = await openInMemory();
    const error = await refusal(() => store.admin.list({ consistency: consistency as Consistency }));
    expect(error.code).toBe('INVALID_INPUT');
    expect(error.issues[0]?.path[0]).toBe('consistency');
  });
});

describe('a position', () => {
  test('of a process that writes lets a read-only process wait for the write', async () => {
    const folder = join(await temporaryFolder(), 'memory');
    const [writer, reader] = [await openFolder(folder), await openFolder(folder, { readOnly: true })];
    for (const text of ['one', 'two', 'three']) {
      const { id } = await writer.admin.remember(text, place);
      const after = await writer.position();
      expect(await reader.admin.get(id, { consistency: { after } })).toMatchObject({ text });
      expect(await reader.position()).toBe(after);
    }
  });

  test('changes with each write, and tells nothing of how many there were', async () => {
    const store = await openInMemory();
    const before = await store.position();
    await store.admin.remember('one', place);
    const after = await store.position();
    expect(after).not.toBe(before);
    expect(after).toHaveLength(before.length);
    expect(await store.position()).toBe(after);
  });

  test('of another store, of a later time or that was altered is refused, and names where it stands', async () => {
    const folder = await temporaryFolder();
    const store = await openFolder(join(folder, 'memory'));
    const other = await openInMemory();
    await store.admin.remember('one', place);
    const first = await store.position();
    await store.backup(join(folder, 'copy'));
    await store.admin.remember('two', place);
    const later = await store.position();
    const copy = await openFolder(join(folder, 'copy'));
    const altered = `${first.startsWith('A') ? 'B' : 'A'}${first.slice(1)}`;
    for (const after of [await other.position(), altered, '', 'start'])
      expect((await refusal(() => store.admin.count({ consistency: { after } }))).issues).toMatchObject([
        { path: ['consistency', 'after'], message: expect.stringContaining('position') },
      ]);
    expect(await copy.admin.count({ consistency: { after: first } })).toBe(1);
    expect(await refusal(() => copy.admin.count({ consistency: { after: later } }))).toMatchObject({
      code: 'INVALID_INPUT',
      issues: [{ path: ['consistency', 'after'] }],
    });
  });

  test('ends the wait of a read when the signal of the call is aborted', async () => {
    const store = await openInMemory();
    const reason = new Error('enough');
    const call = store.admin.count({
      consistency: { after: await store.position() },
      signal: AbortSignal.abort(reason),
    });
    await expect(call).rejects.toBe(reason);
  });
});
