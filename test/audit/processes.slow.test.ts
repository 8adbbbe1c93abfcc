import { MemoryStore } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { Worker } from './child';
import { entries, folder } from './stores';

// Processors that others use too may take their time.
describe('a process that is killed in the middle of its work', () => {
  test.each(['batched', 'durable'] as const)('leaves whole chains (reads %s)', async (reads) => {
    const path = folder();
    for (let round = 1; round <= 3; round++) {
      const worker = new Worker(path, reads);
      await worker.until(() => worker.read.length >= 20 * round);
      await worker.kill();
      await using store = await MemoryStore.open(path, { audit: { reads } });
      expect(await store.audit.verify()).toMatchObject({ ok: true, anchored: false });
      const gaps = await entries(store, { action: 'gap' });
      expect(gaps).toHaveLength(reads === 'batched' ? round : 0);
      const written = new Set((await entries(store, { action: 'remember' })).map(({ memories }) => memories[0]?.id));
      expect(worker.wrote.filter((id) => !written.has(id))).toEqual([]);
      const read = (await entries(store, { action: 'get' })).map(({ memories }) => memories[0]?.id);
      if (reads === 'durable') {
        for (const id of worker.read) expect(read.filter((each) => each === id).length).toBe(2);
      }
      for (const id of read) expect(written).toContain(id);
    }
  });
});

describe('a process that reads beside the owner', () => {
  test('writes into the same chain of accesses, and the owner sees what it read', async () => {
    const path = folder();
    await using owner = await MemoryStore.open(path);
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) {
      ids.push((await owner.admin.remember(`Note ${i}.`, { namespace: ['x'] })).id);
      await owner.admin.access.allow({ agentId: 'a' }, 'reader', ['x']);
    }
    const readers = [new Worker(path, 'durable', 'readOnly'), new Worker(path, 'batched', 'readOnly')];
    await Promise.all(
      readers.map(async (reader) => {
        await reader.until(() => reader.said.includes('open'));
        reader.tell('read');
        await Promise.all(ids.map((id) => owner.admin.get(id)));
        await reader.until(() => reader.said.includes('done'));
        reader.tell('close');
        await reader.ended();
      }),
    );
    const found = await entries(owner, { action: 'get' });
    const by = (who: object) => found.filter((each) => JSON.stringify(each.by) === JSON.stringify(who)).length;
    expect([by({ agentId: 'a' }), by({ serviceId: 'root' })]).toEqual([10, 10]);
    expect(await owner.audit.verify({ head: await owner.audit.checkpoint() })).toMatchObject({
      ok: true,
      anchored: true,
    });
    expect(await entries(owner, { action: 'gap' })).toEqual([]);
  });

  test('and dies leaves a gap, which the next to open tells of', async () => {
    const path = folder();
    await using owner = await MemoryStore.open(path);
    await owner.admin.remember('A note.', { namespace: ['x'] });
    const reader = new Worker(path, 'batched', 'readOnly');
    await reader.until(() => reader.said.includes('open'));
    await reader.kill();
    await using again = await MemoryStore.open(path, { readOnly: true });
    expect(await entries(again, { action: 'gap' })).toHaveLength(1);
    expect(await entries(owner, { action: 'gap' })).toHaveLength(1);
  });
});
