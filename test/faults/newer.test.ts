import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MemoryError, MemoryStore } from 'multi-agent-memory';
import { describe, expect, test, vi } from 'vitest';
import { behindItsBack, databaseIn, filesBelow, temporaryFolder } from './folders';
import { Random } from './random';

// Disks and processors that others use too may take their time.
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

describe('a folder that a newer release wrote', () => {
  test.each(['wal', 'delete'])('is refused and left as it is, also where its journal mode is %s', async (journal) => {
    const folder = await stored();
    const version = behindItsBack(folder, (database) => {
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
    // The refusals hold nothing: once the version is known, it opens.
    behindItsBack(folder, (database) => database.pragma(`user_version = ${version}`));
    expect(await refusal(folder)).toBeUndefined();
  });
});

/** Opening it either works or is refused with an error of the library, and what can be read is right. */
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

describe('a database file that is none', () => {
  test('of random bytes, or of text, is refused', async () => {
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
    'cut off at %f of its length, it is refused or what is left is right',
    async (share) => {
      const folder = await stored();
      const bytes = readFileSync(databaseIn(folder));
      writeFileSync(databaseIn(folder), bytes.subarray(0, Math.floor(bytes.length * share)));
      await isRefusedOrWhole(folder);
    },
  );

  test.each([0.05, 0.2, 0.6])(
    'overwritten from %f of its length on, it is refused or what is left is right',
    async (share) => {
      const folder = await stored();
      const bytes = readFileSync(databaseIn(folder));
      bytes.fill(0x5a, Math.floor(bytes.length * share));
      writeFileSync(databaseIn(folder), bytes);
      await isRefusedOrWhole(folder);
    },
  );

  test('a folder in its place is refused', async () => {
    const folder = temporaryFolder();
    mkdirSync(databaseIn(folder));
    for (const readOnly of [false, true]) expect(await refusal(folder, readOnly)).toSatisfy(MemoryError.is);
  });
});

describe('a database of somebody else', () => {
  test('is refused and left as it is', async () => {
    const folder = temporaryFolder();
    behindItsBack(folder, (database) =>
      database.exec('create table orders (id integer); insert into orders values (1)'),
    );
    const before = readFileSync(databaseIn(folder));
    const error = await refusal(folder);
    expect(error).toSatisfy(MemoryError.is);
    expect(readFileSync(databaseIn(folder)).equals(before)).toBe(true);
  });
});

describe('the path of a store', () => {
  test('that is a file is refused', async () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, 'a file');
    for (const readOnly of [false, true]) expect(await refusal(file, readOnly)).toSatisfy(MemoryError.is);
  });

  test.skipIf(process.getuid?.() === 0)('that may not be written is refused', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'closed'), { mode: 0o500 });
    expect(await refusal(join(folder, 'closed', 'store'))).toSatisfy(MemoryError.is);
  });

  test('whose lock is garbage, or half written, opens all the same: nobody holds it', async () => {
    const folder = await stored();
    for (const garbage of ['garbage, and more of it. '.repeat(400), '', 'SQLite format 3\0']) {
      writeFileSync(join(folder, 'lock.db'), garbage);
      expect(await refusal(folder)).toBeUndefined();
    }
  });
});
