import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import BetterSqlite from 'better-sqlite3';
import { MemoryStore } from 'multi-agent-memory';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { openFolder, refusal, temporaryFolder } from './stores';
import { as, canActAsOthers, give, nobody } from './users';

const namespace = ['support'];
const isWindows = process.platform === 'win32';

/** The mode of each file and folder below a folder, and of the folder itself as ''. Sockets are left out: their folder is closed. */
function modesBelow(folder: string): Record<string, string> {
  const paths = ['', ...readdirSync(folder, { recursive: true, encoding: 'utf8' })];
  return Object.fromEntries(
    paths.flatMap((path) => {
      const found = lstatSync(join(folder, path));
      return found.isSocket() ? [] : [[path, (found.mode & 0o777).toString(8)]];
    }),
  );
}

function expectPrivate(folder: string): void {
  for (const [path, mode] of Object.entries(modesBelow(folder))) {
    const isFolder = lstatSync(join(folder, path)).isDirectory();
    expect(`${path}: ${mode}`).toBe(`${path}: ${isFolder ? '700' : '600'}`);
  }
}

function withUmask(umask: number): void {
  const before = process.umask(umask);
  onTestFinished(() => void process.umask(before));
}

let base: string;
let folder: string;
beforeEach(async () => {
  base = await temporaryFolder();
  folder = join(base, 'store');
});

async function makeStore(): Promise<void> {
  const store = await MemoryStore.open(folder);
  await store.admin.remember('note', { namespace, embed: false });
  await store.close();
}

describe.skipIf(isWindows)('the folder of a store and everything in it', () => {
  test.each([0o000, 0o022, 0o277])(
    'is closed to other users with the umask %i: while the store is open, after it is closed, and in a backup',
    async (umask) => {
      withUmask(umask);
      const store = await openFolder(folder, { serve: true });
      await store.admin.remember('note', { namespace, embed: false });
      await store.admin.count();
      await store.backup(join(base, 'backup'));
      expect(Object.keys(modesBelow(folder))).toEqual(
        expect.arrayContaining([
          '',
          'memory.db',
          'memory.db-wal',
          'memory.db-shm',
          'audit.db',
          'lock.db',
          'connect/address.json',
        ]),
      );
      expectPrivate(folder);
      expectPrivate(join(base, 'backup'));
      await store.close();
      expectPrivate(folder);
    },
  );

  test('includes the vector index', async () => {
    withUmask(0);
    const store = await openFolder(folder, { exactUpTo: 5 });
    await store.admin.rememberMany(Array.from({ length: 300 }, (_, i) => ({ text: `note number ${i}`, namespace })));
    await store.admin.recall('note');
    await store.settled();
    expect(Object.keys(modesBelow(folder))).toContain('index/manifest.json');
    expectPrivate(folder);
  });

  test('is closed to other users when a folder from an earlier release is opened for writing, but not when it is only read', async () => {
    withUmask(0o022);
    await makeStore();
    chmodSync(folder, 0o775);
    for (const file of readdirSync(folder)) chmodSync(join(folder, file), 0o664);
    const before = modesBelow(folder);
    await (await MemoryStore.open(folder, { readOnly: true, audit: { reads: 'off' } })).close();
    expect(modesBelow(folder)).toMatchObject(before);
    await (await MemoryStore.open(folder)).close();
    expectPrivate(folder);
  });

  test('keeps its modes with the option `trustFolder`, and new files get their modes from the umask', async () => {
    withUmask(0o002);
    const store = await openFolder(folder, { trustFolder: true });
    await store.admin.remember('note', { namespace, embed: false });
    expect(modesBelow(folder)).toMatchObject({ '': '775', 'memory.db': '664', 'memory.db-wal': '664' });
  });
});

describe.skipIf(isWindows)('open is rejected', () => {
  test.each(['memory.db', 'memory.db-wal', 'audit.db', 'audit.db-shm', 'lock.db', 'holder.json', 'index', 'index-2'])(
    'if %s is a symbolic link, and leaves the target of the link unchanged',
    async (name) => {
      await makeStore();
      const target = join(base, 'target');
      if (name.startsWith('index')) {
        mkdirSync(target);
        writeFileSync(join(target, 'file'), 'mine');
      } else writeFileSync(target, 'mine');
      rmSync(join(folder, name), { force: true });
      symlinkSync(target, join(folder, name));
      const error = await refusal(() => MemoryStore.open(folder));
      expect(error).toMatchObject({ code: 'INVALID_INPUT', message: expect.stringContaining(join(folder, name)) });
      expect(error.message).toContain('trustFolder');
      expect((await refusal(() => MemoryStore.open(folder, { readOnly: true }))).code).toBe('INVALID_INPUT');
      expect(readFileSync(name.startsWith('index') ? join(target, 'file') : target, 'utf8')).toBe('mine');
    },
  );

  test('if a file is a link to a path that does not exist, and does not create that path', async () => {
    mkdirSync(folder);
    for (const name of ['memory.db', 'holder.json', 'audit.db']) symlinkSync(join(base, name), join(folder, name));
    const error = await refusal(() => MemoryStore.open(folder));
    expect(error.issues).toHaveLength(3);
    expect(readdirSync(base)).toEqual(['store']);
  });

  test.skipIf(!canActAsOthers)(
    'for writing if another user owns the folder or a file in it, unless `trustFolder` is set',
    async () => {
      await makeStore();
      give(folder, nobody);
      const error = await refusal(() => MemoryStore.open(folder));
      expect(error.message).toMatch(/user 65534 owns.*trustFolder/);
      await (await MemoryStore.open(folder, { trustFolder: true })).close();
      chmodSync(base, 0o755);
      writeFileSync(join(folder, 'audit.db-wal'), '');
      await as(nobody, async () => {
        expect((await refusal(() => MemoryStore.open(folder))).message).toContain('audit.db-wal, which user 0 owns');
      });
    },
  );
});

describe('files from other programs', () => {
  test('in the folder of a store or of its index are kept, even if the index is removed', async () => {
    mkdirSync(join(folder, 'index', 'mine'), { recursive: true });
    chmodSync(folder, 0o700);
    const mine = ['notes.txt', 'index/notes.txt', 'index/mine/notes.txt'].map((path) => join(folder, path));
    for (const path of mine) writeFileSync(path, 'mine');
    const store = await openFolder(folder, { exactUpTo: 5 });
    await store.admin.rememberMany(Array.from({ length: 300 }, (_, i) => ({ text: `note number ${i}`, namespace })));
    await store.admin.recall('note');
    await store.settled();
    expect(existsSync(join(folder, 'index', 'manifest.json'))).toBe(true);
    await store.admin.rememberMany(Array.from({ length: 300 }, (_, i) => ({ text: `another ${i}`, namespace })));
    await store.settled();
    await store.close();
    for (const path of mine) expect(readFileSync(path, 'utf8')).toBe('mine');
  });

  test.each([
    ['memory.db', 'delete', 0],
    ['memory.db', 'wal', 0],
    ['memory.db', 'wal', 3],
    ['audit.db', 'delete', 0],
    ['audit.db', 'wal', 1],
  ])(
    'are not changed if one of them is a database with the name %s (journal: %s, version: %i)',
    async (name, journal, version) => {
      mkdirSync(folder);
      const database = new BetterSqlite(join(folder, name));
      database.exec(`pragma journal_mode = ${journal}; create table notes (note); pragma user_version = ${version}`);
      database.close();
      writeFileSync(join(folder, 'holder.json'), '{"mine":1}');
      writeFileSync(join(folder, 'memory.reserve'), 'mine');
      for (const path of readdirSync(folder)) chmodSync(join(folder, path), 0o664);
      // If others could write the folder, it would be refused for that.
      chmodSync(folder, name === 'memory.db' ? 0o775 : 0o755);
      const contents = () => readdirSync(folder).map((path) => [path, readFileSync(join(folder, path), 'latin1')]);
      const before = { modes: modesBelow(folder), contents: contents() };
      const { code, message } = await refusal(() => MemoryStore.open(folder));
      expect(message).toContain(join(folder, name));
      expect(code).toBe(version === 0 ? 'INVALID_INPUT' : 'RECORD_DAMAGED');
      expect({ modes: modesBelow(folder), contents: contents() }).toEqual(before);
    },
  );

  test('are kept in the folder of a project, also its mode, and the files of the store are private', async () => {
    withUmask(0o022);
    mkdirSync(folder);
    const mine = { 'app.js': 'mine', 'holder.json': '{"mine":1}' };
    for (const [name, content] of Object.entries(mine)) writeFileSync(join(folder, name), content);
    for (let time = 1; time <= 2; time++) {
      const store = await openFolder(folder, { exactUpTo: 5 });
      await store.admin.rememberMany(
        Array.from({ length: 300 }, (_, i) => ({ text: `note number ${i} of ${time}`, namespace })),
      );
      await store.admin.recall('note');
      await store.settled();
      await store.close();
      for (const [name, content] of Object.entries(mine))
        expect(readFileSync(join(folder, name), 'utf8')).toBe(content);
      if (isWindows) continue;
      const { '': own, 'app.js': app, 'holder.json': holder, ...ofStore } = modesBelow(folder);
      expect([own, app, holder]).toEqual(['755', '644', '644']);
      expect(ofStore).toMatchObject({ 'memory.db': '600', 'audit.db': '600', 'lock.db': '600', index: '700' });
    }
  });

  test.skipIf(isWindows)(
    'are not changed in a folder that others may write, such as /tmp, and the folder is refused',
    async () => {
      mkdirSync(folder);
      writeFileSync(join(folder, 'notes.txt'), 'mine');
      chmodSync(folder, 0o1777);
      expect((await refusal(() => MemoryStore.open(folder))).message).toMatch(/other users may write.*chmod go-w/);
      expect(lstatSync(folder).mode & 0o7777).toBe(0o1777);
      expect(readdirSync(folder)).toEqual(['notes.txt']);
    },
  );

  test('whose name is that of the lock file are kept in a folder without a store', async () => {
    mkdirSync(folder);
    writeFileSync(join(folder, 'lock.db'), 'a lock of another program, which is no database at all'.repeat(20));
    expect((await refusal(() => MemoryStore.open(folder))).message).toContain('belongs to another program');
    expect(readFileSync(join(folder, 'lock.db'), 'utf8')).toContain('another program');
  });
});
