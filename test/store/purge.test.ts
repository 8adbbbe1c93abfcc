import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite from 'better-sqlite3';
import { MemoryStore, type Progress } from 'multi-agent-memory';
import { describe, expect, onTestFinished, test } from 'vitest';
import { shell, values } from '../cli/shell';
import { codeOf, openFolder, openInMemory, temporaryFolder } from './stores';

const namespace = ['clinic'];
const notes = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ text: `note ${i} `.repeat(50), namespace, embed: false as const }));

describe('purge', () => {
  test('shrinks the folder, keeps what was not forgotten, and reports its steps', async () => {
    const folder = await temporaryFolder();
    const store = await openFolder(folder);
    const { results } = await store.admin.rememberMany(notes(400));
    const ids = results.flatMap((each) => (each.ok ? [each.id] : []));
    await Promise.all(ids.slice(100).map((id) => store.admin.forget(id)));
    const told: Progress[] = [];
    const { bytesBefore, bytesAfter, pending } = await store.purge({ onProgress: (progress) => told.push(progress) });
    expect(bytesAfter).toBeLessThan(bytesBefore);
    expect(pending).toEqual([]);
    expect([told.at(-1)?.phase, told.at(-1)?.done]).toEqual(['database', told.at(-1)?.total]);
    expect(await store.admin.count()).toBe(100);
    expect((await store.admin.recall('note 7', { mode: 'keyword', topK: 1 }))[0]?.text).toMatch(/^note 7 /);
    expect((await store.verify()).problems).toEqual([]);
    expect((await store.audit.verify()).ok).toBe(true);
    expect((await store.audit.query({ action: 'purge' })).items).toMatchObject([
      { decision: 'allowed', by: { serviceId: 'root' } },
    ]);
    await store.close();
    expect(await (await openFolder(folder)).admin.count()).toBe(100);
  });

  test('loses no write that is made meanwhile, and fails none', async () => {
    const store = await openFolder(await temporaryFolder());
    await store.admin.rememberMany(notes(500));
    const purging = store.purge();
    let isOver = false;
    void purging.finally(() => {
      isOver = true;
    });
    const written: string[] = [];
    while (!isOver) {
      const burst = notes(3).map((note) => store.admin.remember(note.text, { namespace, embed: false }));
      for (const { id } of await Promise.all(burst)) written.push(id);
    }
    await purging;
    expect(written.length).toBeGreaterThan(0);
    expect(await store.admin.count()).toBe(500 + written.length);
    expect((await store.verify()).problems).toEqual([]);
  });

  test('says what a reader of an earlier state keeps, and removes it when the reader has ended', async () => {
    const folder = await temporaryFolder();
    const store = await openFolder(folder);
    await store.admin.rememberMany(notes(50));
    const reader = new BetterSqlite(join(folder, 'memory.db'), { readonly: true });
    onTestFinished(() => void reader.close());
    reader.exec('begin');
    reader.prepare('select count(*) from memories').get();
    expect((await store.purge()).pending).toMatchObject([{ part: 'log', reason: expect.stringContaining('reader') }]);
    reader.exec('commit');
    expect((await store.purge()).pending).toEqual([]);
  });

  test('changes nothing with `dryRun`, and removes what interrupted snapshots and unused indexes left without it', async () => {
    const folder = await temporaryFolder();
    const store = await openFolder(folder);
    await store.admin.remember('note', { namespace });
    await store.settled();
    const [left, generation] = [
      join(folder, `snapshot-${2 ** 22 + 7}-00.part`),
      join(folder, 'index', 'generation-00'),
    ];
    for (const path of [left, generation]) {
      mkdirSync(path, { recursive: true });
      writeFileSync(join(path, 'vectors'), Buffer.alloc(100_000));
    }
    const dry = await store.purge({ dryRun: true });
    expect((await store.audit.query({ action: 'purge' })).items).toEqual([]);
    expect(dry.bytesBefore).toBeGreaterThan(200_000);
    expect(dry.bytesAfter).toBe(dry.bytesBefore);
    expect(readdirSync(folder)).toEqual(expect.arrayContaining(['index', left.split('/').at(-1)]));
    const { bytesBefore, bytesAfter } = await store.purge();
    expect(bytesBefore - bytesAfter).toBeGreaterThan(190_000);
    expect(readdirSync(folder)).not.toContain('index');
    expect(readdirSync(folder).join()).not.toContain('.part');
  });

  test('is refused in a read-only store, does nothing in memory, and stops before it begins if it is aborted', async () => {
    const folder = await temporaryFolder();
    const store = await openFolder(folder);
    const reader = await openFolder(folder, { readOnly: true });
    expect(await codeOf(() => reader.purge())).toBe('STORE_READ_ONLY');
    expect(await codeOf(() => store.purge({ dryRum: true } as never))).toBe('INVALID_INPUT');
    expect(await (await openInMemory()).purge()).toEqual({ bytesBefore: 0, bytesAfter: 0, pending: [] });
    const signal = AbortSignal.abort(new Error('Enough.'));
    await expect(store.purge({ signal })).rejects.toThrow('Enough.');
  });

  test('and snapshot work over a connection, with progress and with a key', async () => {
    const folder = await temporaryFolder();
    const store = await openFolder(folder, { serve: true });
    await store.admin.remember('note', { namespace, embed: false });
    const connected = await MemoryStore.connect(folder);
    onTestFinished(() => connected.close());
    const phases: string[] = [];
    expect((await connected.purge({ onProgress: ({ phase }) => phases.push(phase) })).pending).toEqual([]);
    expect(phases).toContain('database');
    const to = await temporaryFolder();
    const snapshot = await connected.snapshot(to, { encryptionKey: Buffer.alloc(32, 7) });
    expect(snapshot).toMatchObject({ isEncrypted: true, changeSeq: 1, at: expect.any(Date) });
    expect(await codeOf(() => connected.snapshot(to, { encryptionKey: 'short' }))).toBe('INVALID_INPUT');
    const [dry] = values<{ bytesBefore: number }>(await shell(['purge', folder, '--dry-run']));
    expect(dry?.bytesBefore).toBeGreaterThan(0);
    expect(values(await shell(['purge', folder]))).toMatchObject([{ pending: [] }]);
  });
});
