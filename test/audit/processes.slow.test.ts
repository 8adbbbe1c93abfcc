import { MemoryStore } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { entries, folder } from './stores';
import { WorkerProcess } from './worker-process';

// Generous, for machines whose processors are busy.
describe('a process that is killed during reads and writes', () => {
  test.each(['batched', 'durable'] as const)(
    'leaves intact chains, and a gap entry if reads are recorded in batches (reads: %s)',
    async (reads) => {
      const path = folder();
      for (let round = 1; round <= 3; round++) {
        const worker = new WorkerProcess(path, reads);
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
    },
  );
});

describe('a process that reads while the writer process has the store open', () => {
  test('appends to the same access chain as the writer process, which sees its entries', async () => {
    const path = folder();
    await using writer = await MemoryStore.open(path);
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) {
      ids.push((await writer.admin.remember(`Note ${i}.`, { namespace: ['x'] })).id);
      await writer.admin.access.allow({ agentId: 'a' }, 'reader', ['x']);
    }
    const readers = [new WorkerProcess(path, 'durable', 'readOnly'), new WorkerProcess(path, 'batched', 'readOnly')];
    await Promise.all(
      readers.map(async (reader) => {
        await reader.until(() => reader.messages.includes('open'));
        reader.send('read');
        await Promise.all(ids.map((id) => writer.admin.get(id)));
        await reader.until(() => reader.messages.includes('done'));
        reader.send('close');
        await reader.ended;
      }),
    );
    const found = await entries(writer, { action: 'get' });
    const countBy = (principal: object) =>
      found.filter((each) => JSON.stringify(each.by) === JSON.stringify(principal)).length;
    expect([countBy({ agentId: 'a' }), countBy({ serviceId: 'root' })]).toEqual([10, 10]);
    expect(await writer.audit.verify({ head: await writer.audit.checkpoint() })).toMatchObject({
      ok: true,
      anchored: true,
    });
    expect(await entries(writer, { action: 'gap' })).toEqual([]);
  });

  test('leads to a gap entry if it is killed, made by the next process that opens the audit', async () => {
    const path = folder();
    await using writer = await MemoryStore.open(path);
    await writer.admin.remember('A note.', { namespace: ['x'] });
    const reader = new WorkerProcess(path, 'batched', 'readOnly');
    await reader.until(() => reader.messages.includes('open'));
    await reader.kill();
    await using again = await MemoryStore.open(path, { readOnly: true });
    expect(await entries(again, { action: 'gap' })).toHaveLength(1);
    expect(await entries(writer, { action: 'gap' })).toHaveLength(1);
  });
});
