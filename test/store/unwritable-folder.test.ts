import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type MemoryError, MemoryStore } from 'multi-agent-memory';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { all, openFolder, refusal, temporaryFolder } from './stores';
import { as, canActAsOthers, give, nobody } from './users';

const namespace = ['support'];
const isRoot = process.getuid?.() === 0;

let folder: string;
beforeEach(async () => {
  folder = join(await temporaryFolder(), 'store');
  const store = await MemoryStore.open(folder);
  await store.admin.remember('The refund goes to the card.', { namespace, tags: ['refund'] });
  await store.admin.remember('The parcel is late.', { namespace });
  await store.close();
});

const contents = () => readdirSync(folder).map((file) => [file, readFileSync(join(folder, file), 'latin1')]);

/** Reads the store in every way, and checks that nothing in the folder changes. */
async function expectReadable(): Promise<void> {
  const before = contents();
  const store = await MemoryStore.open(folder, { readOnly: true });
  expect((await store.admin.recall('How is the customer paid back?', { topK: 1 }))[0]?.text).toContain('refund');
  expect((await store.admin.recall('parcel', { mode: 'keyword' })).map(({ text }) => text)).toEqual([
    'The parcel is late.',
  ]);
  expect((await all(store.admin.list())).length).toBe(2);
  expect((await store.stats()).memories).toBe(2);
  expect(await store.verify()).toEqual({ ok: true, problems: [] });
  expect(await store.audit.verify()).toMatchObject({ ok: true });
  expect((await refusal(() => store.admin.remember('note', { namespace }))).code).toBe('STORE_READ_ONLY');
  await store.close();
  expect(contents()).toEqual(before);
}

/** A mount of the folder that nobody can write. Undefined if this process may not mount. */
function readOnlyMount(): boolean {
  try {
    execFileSync('mount', ['--bind', '-o', 'ro', folder, folder], { stdio: 'ignore' });
    execFileSync('mount', ['-o', 'remount,ro,bind', folder], { stdio: 'ignore' });
  } catch {
    return false;
  }
  onTestFinished(() => void execFileSync('umount', ['--lazy', folder]));
  return true;
}

describe('a closed store can be read', () => {
  test.skipIf(isRoot)('in a folder without write permission', async () => {
    chmodSync(folder, 0o500);
    onTestFinished(() => chmodSync(folder, 0o700));
    await expectReadable();
  });

  test.skipIf(!canActAsOthers)('in a folder without write permission (by another user, as root)', async () => {
    give(folder, nobody);
    chmodSync(join(folder, '..'), 0o755);
    chmodSync(folder, 0o500);
    await as(nobody, expectReadable);
  });

  test.skipIf(!canActAsOthers)('in a readable folder that another user owns', async () => {
    chmodSync(join(folder, '..'), 0o755);
    chmodSync(folder, 0o755);
    for (const file of readdirSync(folder)) chmodSync(join(folder, file), 0o644);
    await as(nobody, expectReadable);
  });

  test.skipIf(!canActAsOthers)(
    'by root in a folder that another user owns, and root creates no file there',
    async () => {
      give(folder, nobody);
      await expectReadable();
    },
  );

  test.skipIf(!isRoot)('on a read-only mount (skipped if it cannot be mounted)', async ({ skip }) => {
    if (!readOnlyMount()) skip();
    await expectReadable();
  });

  test.skipIf(!canActAsOthers)('including the commits that its last writer left in the write-ahead log', async () => {
    const killed = join(folder, '..', 'killed');
    const store = await openFolder(folder);
    await store.admin.remember('The invoice is paid.', { namespace });
    cpSync(folder, killed, { recursive: true });
    expect(statSync(join(killed, 'memory.db-wal')).size).toBeGreaterThan(0);
    for (const file of ['memory.db-shm', 'audit.db-shm']) rmSync(join(killed, file));
    give(killed, nobody);
    chmodSync(join(folder, '..'), 0o755);
    chmodSync(killed, 0o500);
    await as(nobody, async () => {
      const copy = await MemoryStore.open(killed, { readOnly: true });
      expect(await copy.admin.count()).toBe(3);
      await copy.close();
    });
  });

  test('while its writer process is running, including later commits', async () => {
    const writer = await openFolder(folder);
    const reader = await openFolder(folder, { readOnly: true });
    await writer.admin.remember('The invoice is paid.', { namespace });
    expect(await reader.admin.count()).toBe(3);
  });

  test.skipIf(!canActAsOthers)(
    'by root in a folder of another user while its writer process is running, including later commits, even if the write-ahead log is empty',
    async () => {
      give(folder, nobody);
      const logBytes = () => statSync(join(folder, 'memory.db-wal')).size;
      const writer = await openFolder(folder, { trustFolder: true });
      const early = await openFolder(folder, { readOnly: true });
      const { id } = await writer.admin.remember('The invoice is paid.', { namespace });
      expect(await early.admin.count()).toBe(3);
      await early.close();
      await writer.admin.forget(id);
      await expect.poll(logBytes, { timeout: 10_000 }).toBe(0);
      const reader = await openFolder(folder, { readOnly: true });
      await writer.admin.remember('The invoice was sent.', { namespace });
      expect(await reader.admin.count()).toBe(3);
    },
  );
});

describe('a read-only store with an audit of reads cannot be opened in a folder that is not writable', () => {
  test.skipIf(!canActAsOthers)('if the host has set the option `audit.reads`', async () => {
    give(folder, nobody);
    const error = await refusal(() => MemoryStore.open(folder, { readOnly: true, audit: { reads: 'durable' } }));
    expect(error).toMatchObject({ code: 'INVALID_INPUT', message: expect.stringContaining('audit.db') });
  });
});

describe('an open that fails in the file system rejects with a MemoryError that names the path, for', () => {
  const failing = async (path: string, readOnly = false): Promise<MemoryError> => {
    const error = await refusal(() => MemoryStore.open(path, { readOnly }));
    expect(error.message).toContain(path);
    return error;
  };

  test('a file at the path of the folder or of a folder above it', async () => {
    const file = join(folder, 'memory.db');
    for (const path of [file, join(file, 'store'), join(file, 'a', 'b')]) {
      expect((await failing(path)).code).toBe('INVALID_INPUT');
      expect((await failing(path, true)).code).toBe('INVALID_INPUT');
    }
  });

  test('a folder at the path of a file', async () => {
    for (const file of ['memory.db', 'audit.db', 'lock.db']) {
      const other = join(folder, '..', file.slice(0, 3));
      mkdirSync(join(other, file), { recursive: true });
      expect((await failing(other)).code).toBe('INVALID_INPUT');
    }
  });

  test('a name that is too long', async () => {
    const path = join(folder, 'n'.repeat(300));
    expect((await failing(path)).code).toBe('INVALID_INPUT');
    expect((await failing(path, true)).code).toBe('INVALID_INPUT');
  });

  test('a folder without a store that is opened for reading, and creates nothing', async () => {
    const none = join(folder, '..', 'none');
    const error = await failing(none, true);
    expect(error.message).toMatch(/there is no store in .*none\. Check the path\./);
    writeFileSync(join(folder, '..', 'memory.db'), '');
    expect((await failing(join(folder, '..'), true)).message).toMatch(/there is no store/);
  });

  test.skipIf(!canActAsOthers)('a folder that this process may not write to, enter or create', async () => {
    chmodSync(join(folder, '..'), 0o755);
    give(folder, nobody);
    chmodSync(folder, 0o500);
    await as(nobody, async () => {
      expect((await failing(folder)).message).toMatch(/EACCES.*Give the user/);
      expect((await failing(join(folder, 'inner'))).message).toMatch(/EACCES.*Give the user/);
    });
    chmodSync(folder, 0o000);
    await as(nobody, async () => {
      await failing(folder);
      await failing(folder, true);
      await failing(join(folder, 'inner'), true);
    });
  });

  test.skipIf(!canActAsOthers)('a file that this process may not write or read', async () => {
    chmodSync(join(folder, '..'), 0o755);
    give(folder, nobody);
    for (const file of ['memory.db', 'audit.db', 'lock.db'])
      for (const mode of [0o400, 0o000]) {
        chmodSync(join(folder, file), mode);
        await as(nobody, async () => {
          const error = await refusal(() => MemoryStore.open(folder));
          expect(error.message).toContain(join(folder, file));
        });
        chmodSync(join(folder, file), 0o600);
      }
  });

  test.skipIf(!isRoot)(
    'a read-only mount, and advises opening with `readOnly` (skipped if it cannot be mounted)',
    async ({ skip }) => {
      if (!readOnlyMount()) skip();
      expect((await failing(folder)).message).toMatch(/EROFS.*readOnly: true/);
    },
  );
});

describe('a backup that fails in the file system', () => {
  test('rejects with a MemoryError that names the file', async () => {
    const store = await openFolder(folder);
    const file = join(folder, 'memory.db');
    for (const target of [file, join(file, 'inner'), join(folder, 'n'.repeat(300))]) {
      const error = await refusal(() => store.backup(target));
      expect(error.message).toContain(target.slice(0, folder.length));
    }
  });
});

afterEach(() => {
  if (isRoot) process.seteuid?.(0);
});
