import { mkdirSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type ErasureReceipt, MemoryError, MemoryStore, type OpenOptions } from '../../src/index';
import { fillUp, isPermitted, makeRoom, smallDisk } from '../faults/small-disk';
import { gate, words } from '../reembedding/spaces';
import { temporaryFolder } from '../store/stores';
import { addSubject, everybodyWrites, leaks, type Subject } from './canaries';

const namespace = ['support'];

async function opened(folder: string, options: OpenOptions = {}): Promise<MemoryStore> {
  const store = await MemoryStore.open(folder, { access: everybodyWrites, ...options });
  onTestFinished(() => store.close());
  return store;
}

async function addOthers(store: MemoryStore, count: number): Promise<void> {
  await store.admin.rememberMany(
    Array.from({ length: count }, (_, i) => ({ text: `Parcel number${i} left the warehouse.`, namespace })),
  );
}

/** More memories about a subject, so that its erasure takes several commands. */
async function addMore(store: MemoryStore, { canaries }: Subject, count: number): Promise<void> {
  const about = { namespace, userId: canaries.get('user') as string };
  await store.admin.rememberMany(
    Array.from({ length: count }, (_, i) => ({ text: `Note ${i}: ${canaries.get('text')}.`, ...about })),
  );
}

/** Erases again if a receipt is not complete. Then no file has anything of the subject, and the store is whole. */
async function expectErased(
  store: MemoryStore,
  { folder, subject, first }: { folder: string; subject: Subject; first?: ErasureReceipt },
): Promise<void> {
  const receipt = first?.complete === true ? first : await store.erase(subject.target);
  expect([receipt.scan?.found, receipt.complete]).toEqual([[], true]);
  for (const each of await store.receipts()) expect(each.complete).toBe(true);
  for (const id of subject.ids) expect(await store.admin.get(id)).toBeUndefined();
  expect(leaks(folder, [subject])).toEqual([]);
  expect((await store.verify()).problems).toEqual([]);
  expect((await store.audit.verify()).ok).toBe(true);
}

describe('an erasure', () => {
  test.skipIf(!isPermitted)(
    'on a full disk never claims to be complete too early, and is completed when there is room',
    async () => {
      const small = smallDisk(64) as string;
      const folder = join(small, 'store');
      fillUp(small, 24 * 2 ** 20);
      const store = await opened(folder);
      const subject = await addSubject(store, 'on a full disk', 'user');
      await addMore(store, subject, 50);
      await addOthers(store, 1_000);
      expect(leaks(folder, [subject])).not.toEqual([]);
      fillUp(small);
      const first: unknown = await store.erase(subject.target).catch((error: unknown) => error);
      if (MemoryError.is(first)) expect(first.code).toBe('DISK_FULL');
      else if ((first as { complete: boolean }).complete) expect(leaks(folder, [subject])).toEqual([]);
      makeRoom(small);
      await expectErased(store, { folder, subject });
    },
  );

  test('while the store moves to another model leaves nothing in either space, and the move ends', async () => {
    const folder = await temporaryFolder();
    const store = await opened(folder, { embedder: words('old') });
    const subject = await addSubject(store, 'during a move', 'user');
    await addOthers(store, 200);
    const [begun, released] = [gate(), gate()];
    const next = words('new');
    next.before = async () => {
      begun.open();
      await released.passed;
    };
    const move = store.reembed(next);
    await begun.passed;
    expect(leaks(folder, [subject])).not.toEqual([]);
    const first = await store.erase(subject.target);
    // The texts that the embedder has been given are still in the RAM of this process, and in no file.
    expect(first.scan?.found).toEqual([]);
    expect(leaks(folder, [subject])).toEqual([]);
    released.open();
    await move;
    await store.settled();
    await expectErased(store, { folder, subject, first });
    expect((await store.stats()).space.model).toBe('new');
    expect(await store.admin.count({ filter: { text: { contains: 'Parcel' } } })).toBe(200);
  });

  test('while an index is being built leaves nothing in it', async () => {
    const folder = await temporaryFolder();
    const store = await opened(folder, { exactUpTo: 50 });
    const subject = await addSubject(store, 'during a build', 'user');
    await addMore(store, subject, 20);
    // The build begins with these writes, and nobody waits for it.
    await addOthers(store, 600);
    expect(leaks(folder, [subject])).not.toEqual([]);
    const first = await store.erase(subject.target);
    await store.settled();
    await expectErased(store, { folder, subject, first });
    expect(await store.admin.recall('Parcel number17', { topK: 3 })).toHaveLength(3);
  });

  test('of which a backup was made in the middle is done again each time the backup is restored', async () => {
    const parent = await temporaryFolder();
    const [folder, backup] = [join(parent, 'store'), join(parent, 'backup')];
    for (const path of [folder, backup]) mkdirSync(path);
    const store = await opened(folder);
    const subject = await addSubject(store, 'in the middle', 'user');
    await addMore(store, subject, 100);
    let copied: Promise<void> | undefined;
    const onProgress = () => {
      copied ??= store.backup(backup);
    };
    const first = await store.erase(subject.target, { onProgress });
    await copied;
    await expectErased(store, { folder, subject, first });
    expect(leaks(backup, [subject])).not.toEqual([]);
    const erased = JSON.parse(JSON.stringify(await store.receipts()));
    await store.close();
    for (const round of [1, 2]) {
      const copy = join(parent, `restored-${round}`);
      await cp(backup, copy, { recursive: true });
      for (const again of [1, 2]) {
        const restored = await opened(copy, { erased });
        for (const id of subject.ids) expect(await restored.admin.get(id), `${round} ${again}`).toBeUndefined();
        expect(await restored.admin.count({ userId: subject.canaries.get('user') as string })).toBe(0);
        expect(leaks(copy, [subject])).toEqual([]);
        expect((await restored.verify()).problems).toEqual([]);
        await restored.close();
      }
    }
  });
});
