import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Options } from 'better-sqlite3';
import type * as library from 'multi-agent-memory';
import { MemoryStore } from 'multi-agent-memory';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { version } from '../../package.json';
import { secondCopy } from './copies';
import { refusal, temporaryFolder } from './stores';

const require = createRequire(import.meta.url);
const otherVersion = '99.0.0';
const namespace = ['support'];
let nativeFolder: string;
let other: typeof library;

beforeAll(async () => {
  nativeFolder = mkdtempSync(join(tmpdir(), 'multi-agent-memory-native-'));
  const nativeBinding = join(nativeFolder, 'better_sqlite3.node');
  copyFileSync(require.resolve('better-sqlite3/build/Release/better_sqlite3.node'), nativeBinding);
  vi.doMock('../../package.json', () => ({ version: otherVersion }));
  vi.doMock('better-sqlite3', async (original) => {
    const { default: Sqlite } = await original<{ default: typeof import('better-sqlite3') }>();
    class OtherSqlite extends Sqlite {
      constructor(path: string | Buffer, options: Options) {
        super(path, { ...options, nativeBinding });
      }
    }
    return { default: OtherSqlite };
  });
  other = await secondCopy();
});

afterAll(() => {
  vi.doUnmock('../../package.json');
  vi.doUnmock('better-sqlite3');
  try {
    rmSync(nativeFolder, { recursive: true, force: true });
  } catch {
    // Windows deletes no library that a process has loaded.
  }
});

describe('two versions of the library in one process, each with its own copy of SQLite', () => {
  test.each([
    ['writes', 'writes', {}, {}],
    ['writes', 'reads', {}, { readOnly: true }],
    ['reads', 'writes', { readOnly: true }, {}],
    ['reads', 'reads', { readOnly: true }, { readOnly: true }],
  ])('cannot have a folder open at the same time: one %s, the other %s', async (_, __, ours, theirs) => {
    const folder = await temporaryFolder();
    await (await MemoryStore.open(folder)).close();
    const first = await MemoryStore.open(folder, ours);
    const error = await refusal(() => other.MemoryStore.open(folder, theirs));
    expect(error).toMatchObject({ code: 'STORE_HELD', retryable: true });
    expect(error.message).toContain(`in version ${version} of this library`);
    expect(error.message).toContain(`in version ${otherVersion} too`);
    await first.close();
    await (await other.MemoryStore.open(folder, theirs)).close();
  });

  test('keep the lock of the first one: another process still cannot lock the folder after the refusal', async () => {
    const folder = await temporaryFolder();
    const first = await MemoryStore.open(folder);
    await refusal(() => other.MemoryStore.open(folder));
    await refusal(() => other.MemoryStore.open(folder, { readOnly: true }));
    expect(lockInOtherProcess(folder)).toBe('SQLITE_BUSY');
    await first.close();
    expect(lockInOtherProcess(folder)).toBe('locked');
  });

  test('see the same folder through a symbolic link', async () => {
    const folder = await temporaryFolder();
    const link = join(await temporaryFolder(), 'link');
    symlinkSync(folder, link, 'junction');
    await (await MemoryStore.open(folder)).close();
    await using _reader = await MemoryStore.open(link, { readOnly: true });
    expect((await refusal(() => other.MemoryStore.open(folder))).code).toBe('STORE_HELD');
  });

  test('can connect to each other, if one serves the folder', async () => {
    const folder = await temporaryFolder();
    await using first = await MemoryStore.open(folder, { serve: true });
    await using connected = await other.MemoryStore.connect(folder, { takeOver: true });
    const { id } = await connected.admin.remember('The refund.', { namespace });
    expect((await first.admin.get(id))?.text).toBe('The refund.');
  });

  test('can open the folder after an open in the other one has failed', async () => {
    const folder = await temporaryFolder();
    expect((await refusal(() => MemoryStore.open(folder, { readOnly: true }))).code).toBe('INVALID_INPUT');
    await (await other.MemoryStore.open(folder)).close();
    await (await MemoryStore.open(folder)).close();
  });
});

/** Tries to lock a folder as a store does, in another process. Returns 'locked', or the code of SQLite's error. */
function lockInOtherProcess(folder: string): string {
  const source = `
    const Database = require(process.argv[1]);
    const database = new Database(process.argv[2], { timeout: 0 });
    try { database.exec('begin immediate'); console.log('locked'); } catch (error) { console.log(error.code); }`;
  const { stdout } = spawnSync(
    process.execPath,
    ['-e', source, require.resolve('better-sqlite3'), join(folder, 'lock.db')],
    { encoding: 'utf8' },
  );
  return stdout.trim();
}
