import { cp } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { type ErasureReceipt, MemoryStore, type OpenOptions } from '../../src/index';
import { temporaryFolder } from '../store/stores';
import { addSubject, everybodyWrites, leaks, type Subject } from './canaries';

async function opened(folder: string, options: OpenOptions = {}): Promise<MemoryStore> {
  const store = await MemoryStore.open(folder, { access: everybodyWrites, ...options });
  onTestFinished(() => store.close());
  return store;
}

/** A store in which two subjects were erased after a backup, and the backup. */
async function erasedAfterBackup() {
  const store = await opened(await temporaryFolder());
  const subjects = [await addSubject(store, 'first', 'user'), await addSubject(store, 'second', 'ids')];
  const stays = await addSubject(store, 'third', 'user');
  const backup = await temporaryFolder();
  await store.backup(backup);
  const erased = [];
  for (const { target } of subjects)
    erased.push(JSON.parse(JSON.stringify(await store.erase(target))) as ErasureReceipt);
  return { store, subjects, stays, backup, erased };
}

test('erases again what a restored backup has brought back, before the first read, and nothing that was written later', async () => {
  const { subjects, stays, backup, erased } = await erasedAfterBackup();
  const copy = await temporaryFolder();
  await cp(backup, copy, { recursive: true });
  const between = await MemoryStore.open(copy);
  const [first, second] = subjects as [Subject, Subject];
  const userId = first.canaries.get('user') as string;
  const later = await between.admin.remember('They came back and said hello.', { namespace: ['support'], userId });
  await between.close();
  for (const round of [1, 2]) {
    const restored = await opened(copy, { erased });
    for (const { ids } of subjects) for (const id of ids) expect(await restored.admin.get(id)).toBeUndefined();
    expect(await restored.admin.get(later.id)).toMatchObject({ userId });
    for (const id of stays.ids) expect(await restored.admin.get(id)).toBeDefined();
    expect((await restored.receipts()).map(({ id, number }) => [id, number])).toEqual(
      erased.map(({ id, number }) => [id, number]),
    );
    expect((await restored.receipts())[1]).toMatchObject({ complete: true, scan: { found: [] } });
    // The name belongs to what was written later, too.
    const ofFirst = new Map([...first.canaries].filter(([field]) => field !== 'user'));
    expect([round, leaks(copy, [{ ...first, canaries: ofFirst }, second])]).toEqual([round, []]);
    expect((await restored.verify()).ok && (await restored.audit.verify()).ok).toBe(true);
    await restored.close();
  }
});

test('refuses receipts of another store, and those that were changed, and erases nothing then', async () => {
  const { backup, subjects, erased } = await erasedAfterBackup();
  const foreign = await opened(await temporaryFolder());
  const [changed] = structuredClone(erased) as [ErasureReceipt];
  changed.ids.pop();
  const receipts = [await foreign.erase({ userId: 'somebody' }), changed, { ...erased[1], ids: 3 } as never];
  await expect(MemoryStore.open(backup, { erased: receipts })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  await expect(MemoryStore.open(backup, { erased: receipts.slice(0, 2) })).rejects.toMatchObject({
    issues: [{ path: ['erased', 0] }, { path: ['erased', 1] }],
  });
  await expect(MemoryStore.open(backup, { erased, readOnly: true })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  const restored = await opened(backup);
  expect(await restored.admin.get(subjects[0]?.ids[0] as string)).toBeDefined();
});

test('warns of a restored copy that lacks an erasure, and of a receipt that is missing', async () => {
  const { store, backup, erased } = await erasedAfterBackup();
  const warnings: unknown[] = [];
  const logger = { warn: (_: string, details?: object) => warnings.push(details) };
  const later = await temporaryFolder();
  await store.backup(later);
  await (await MemoryStore.open(later, { logger })).close();
  expect(warnings.splice(0)).toEqual([{ erasures: 2 }]);
  await (await MemoryStore.open(backup, { logger, erased: erased.slice(1) })).close();
  expect(warnings.splice(0)).toEqual([{ missing: [1] }]);
  await (await MemoryStore.open(backup, { logger, erased })).close();
  expect(warnings).toEqual([]);
});
