import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryStore } from 'multi-agent-memory';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { openSqlite, sqliteUnavailable } from '../../src/sqlite/open-sqlite';

const fault = vi.hoisted(() => ({ error: undefined as Error | undefined }));
vi.mock('better-sqlite3', async (original) => {
  const { default: Original } = (await original()) as { default: new (path: string, options: object) => object };
  class Database extends Original {
    constructor(path: string, options: object) {
      if (fault.error !== undefined) throw fault.error;
      super(path, options);
    }
  }
  return { default: Database };
});

afterEach(() => {
  fault.error = undefined;
});

const node = { node: '24.1.0' };
const missing = new Error('Could not locate the bindings file. Tried:\n → /home/alice/secret/better_sqlite3.node');

describe('a native part of SQLite that cannot be loaded', () => {
  test('makes open and inMemory reject with SQLITE_UNAVAILABLE', async () => {
    fault.error = missing;
    const folder = mkdtempSync(join(tmpdir(), 'mam-'));
    try {
      for (const opening of [MemoryStore.open(folder), MemoryStore.inMemory()]) {
        await expect(opening).rejects.toMatchObject({ code: 'SQLITE_UNAVAILABLE', retryable: false, cause: missing });
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('leads to an error with the command to run if packages were installed without their scripts, and no path', () => {
    const { message } = sqliteUnavailable(missing, node);
    expect(message).toContain('--ignore-scripts');
    expect(message).toContain('npm rebuild better-sqlite3');
    expect(message).toContain('Could not locate the bindings file.');
    expect(message).not.toContain('alice');
  });

  test('leads to an error that names the settings of bundlers', () => {
    const { message } = sqliteUnavailable(missing, node);
    for (const setting of ['external', 'externals', 'serverExternalPackages']) expect(message).toContain(setting);
  });

  test('leads to an error that says that the part was built for another version of Node', () => {
    const cause = Object.assign(
      new Error('The module was compiled against a different Node.js version using\nNODE_MODULE_VERSION 115.'),
      { code: 'ERR_DLOPEN_FAILED' },
    );
    const { message } = sqliteUnavailable(cause, node);
    expect(message).toContain('another version of Node');
    expect(message).not.toContain('bundler');
  });

  test('leads to an error that says that the part was built for another system', () => {
    const cause = Object.assign(new Error('invalid ELF header'), { code: 'ERR_DLOPEN_FAILED' });
    expect(sqliteUnavailable(cause, node).message).toContain('another system');
  });

  test.each([
    ['Bun', { bun: '1.4.5', node: '24.0.0' }],
    ['Deno', { deno: '2.9.6', node: '24.0.0' }],
  ])('names %s, which cannot load it, and Node, which can', (name, versions) => {
    const { message } = sqliteUnavailable(new Error('not yet supported'), versions);
    expect(message).toContain(`${name} ${Object.values(versions)[0]}`);
    expect(message).toContain('Node 20 or later');
    expect(message).not.toContain('npm rebuild');
  });
});

test('an error about the database file is passed on unchanged', () => {
  const path = join(tmpdir(), 'mam-no-such-folder', 'memory.db');
  expect(() => openSqlite(path)).toThrow('directory does not exist');
});
