import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MemoryError, MemoryStore } from 'multi-agent-memory';
import { describe, expect, test, vi } from 'vitest';
import { alterDatabase, databaseIn, filesBelow, temporaryFolder } from './folders';
import { Random } from './random';

// Leaves time for a machine that is busy with other work.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

async function stored(): Promise<string> {
  const folder = temporaryFolder();
  await using store = await MemoryStore.open(folder);
  const texts = Array.from({ length: 200 }, (_, i) => `Parcel ${i} left the warehouse.`);
  await store.admin.rememberMany(texts.map((text) => ({ text, namespace: ['parcels'] })));
  return folder;
}

const refusal = async (folder: string, readOnly = false): Promise<unknown> => {
  try {
    await (await MemoryStore.open(folder, { readOnly })).close();
    return undefined;
  } catch (error) {
    return error;
  }
};

describe('a folder from a newer release', () => {
  test.each(['wal', 'delete'])(
    'is rejected with STORE_NEWER and not changed, with journal mode %s',
    async (journal) => {
      const folder = await stored();
      const version = alterDatabase(folder, (database) => {
        const known = database.pragma('user_version', { simple: true });
        database.pragma('user_version = 1000');
        database.pragma(`journal_mode = ${journal}`);
        return known;
      });
      const before = readFileSync(databaseIn(folder));
      expect(await refusal(folder)).toMatchObject({ code: 'STORE_NEWER' });
      expect(filesBelow(folder).filter((file) => file.startsWith('memory.db'))).toEqual(['memory.db']);
      expect(readFileSync(databaseIn(folder)).equals(before)).toBe(true);
      expect(await refusal(folder, true)).toMatchObject({ code: 'STORE_NEWER' });
      expect(readFileSync(databaseIn(folder)).equals(before)).toBe(true);
      // A refusal keeps no lock: with a known version the folder opens.
      alterDatabase(folder, (database) => database.pragma(`user_version = ${version}`));
      expect(await refusal(folder)).toBeUndefined();
    },
  );
});

/** Expects that open works or rejects with a MemoryError, and that everything which can be read is correct. */
async function isRefusedOrWhole(folder: string): Promise<void> {
  const error = await refusal(folder);
  if (error !== undefined) {
    expect(error).toSatisfy(MemoryError.is);
    expect(error).toMatchObject({ code: 'RECORD_DAMAGED' });
    return;
  }
  await using store = await MemoryStore.open(folder);
  const { ok } = await store.verify();
  try {
    const { items } = await store.admin.list({ limit: 1000 });
    for (const { text } of items) expect(text).toMatch(/^Parcel \d+ left the warehouse\.$/);
    if (ok) expect(items).toHaveLength(200);
  } catch (failure) {
    expect(failure).toMatchObject({ code: 'RECORD_DAMAGED' });
    expect(ok).toBe(false);
  }
}

describe('a damaged database file', () => {
  test('is rejected if it holds random bytes or text', async () => {
    const random = new Random(3);
    for (const bytes of [
      Buffer.from(Array.from({ length: 50_000 }, () => random.whole(0, 255))),
      Buffer.from('Not a database.\n'.repeat(99)),
    ]) {
      const folder = temporaryFolder();
      writeFileSync(databaseIn(folder), bytes);
      for (const readOnly of [false, true]) {
        const error = await refusal(folder, readOnly);
        expect(error).toSatisfy(MemoryError.is);
        expect(error).toMatchObject({ code: 'RECORD_DAMAGED' });
      }
      expect(readFileSync(databaseIn(folder)).equals(bytes)).toBe(true);
    }
  });

  test.each([0.02, 0.1, 0.3, 0.5, 0.9, 0.999])(
    'is rejected, or returns only correct data, if it is cut off at %f of its length',
    async (share) => {
      const folder = await stored();
      const bytes = readFileSync(databaseIn(folder));
      writeFileSync(databaseIn(folder), bytes.subarray(0, Math.floor(bytes.length * share)));
      await isRefusedOrWhole(folder);
    },
  );

  test.each([0.05, 0.2, 0.6])(
    'is rejected, or returns only correct data, if it is overwritten from %f of its length',
    async (share) => {
      const folder = await stored();
      const bytes = readFileSync(databaseIn(folder));
      bytes.fill(0x5a, Math.floor(bytes.length * share));
      writeFileSync(databaseIn(folder), bytes);
      await isRefusedOrWhole(folder);
    },
  );

  test('is rejected if it is a folder', async () => {
    const folder = temporaryFolder();
    mkdirSync(databaseIn(folder));
    for (const readOnly of [false, true]) expect(await refusal(folder, readOnly)).toSatisfy(MemoryError.is);
  });
});

describe('a database from another program', () => {
  test('is rejected and not changed', async () => {
    const folder = temporaryFolder();
    alterDatabase(folder, (database) =>
      database.exec('create table orders (id integer); insert into orders values (1)'),
    );
    const before = readFileSync(databaseIn(folder));
    const error = await refusal(folder);
    expect(error).toSatisfy(MemoryError.is);
    expect(readFileSync(databaseIn(folder)).equals(before)).toBe(true);
  });
});

describe('the path of a store', () => {
  test('is rejected if it is a file', async () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, 'a file');
    for (const readOnly of [false, true]) expect(await refusal(file, readOnly)).toSatisfy(MemoryError.is);
  });

  test.skipIf(process.getuid?.() === 0)('is rejected if it may not be written to', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'closed'), { mode: 0o500 });
    expect(await refusal(join(folder, 'closed', 'store'))).toSatisfy(MemoryError.is);
  });

  test('can be opened even if its lock file is damaged or half written, because no process holds the lock', async () => {
    const folder = await stored();
    for (const garbage of ['garbage, and more of it. '.repeat(400), '', 'SQLite format 3\0']) {
      writeFileSync(join(folder, 'lock.db'), garbage);
      expect(await refusal(folder)).toBeUndefined();
    }
  });
});
