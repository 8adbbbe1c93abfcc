import { randomBytes } from 'node:crypto';
import { copyFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite from 'better-sqlite3';
import type { MemoryStore } from 'multi-agent-memory';
import { beforeEach, describe, expect, test } from 'vitest';
import { migrate } from '../../src/state/tables/migrations';
import { restoreSchema9 } from '../store/earlier-schema';
import { openFolder, temporaryFolder } from '../store/stores';

const namespace = ['clinic'];
// Words that nothing else contains, and that no other word completes.
const secrets = {
  // A single word too, which would stay in the keyword index.
  text: 'xylophonquarz',
  earlier: 'kranichsprung',
  key: 'wq8zkey',
  idempotencyKey: 'vj4xonce',
  metadata: 'zz9plural',
  ref: 'yy7origin',
};

let folder: string;
beforeEach(async () => {
  folder = await temporaryFolder();
});

/** The secrets that are in any file of a folder. */
function found(within = folder): string[] {
  const files = readdirSync(within, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const bytes = files.map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'latin1').toLowerCase());
  return Object.entries(secrets).flatMap(([name, secret]) =>
    bytes.some((content) => content.includes(secret.toLowerCase())) ? [name] : [],
  );
}

async function remember(store: MemoryStore): Promise<string> {
  const { text, earlier, key, idempotencyKey, metadata, ref } = secrets;
  const options = {
    namespace,
    key,
    idempotencyKey,
    metadata: { note: metadata },
    source: { channel: 'tool', ref },
  } as const;
  const { id } = await store.admin.remember(`The diagnosis is ${earlier}.`, { ...options, embed: false });
  await store.admin.update(id, { text: `The diagnosis is ${text}.` });
  return id;
}

describe('the bytes of a forgotten memory', () => {
  test('are in no file of an open store or of its backup a few seconds after forget', async () => {
    const store = await openFolder(folder);
    const ids = [await remember(store)];
    for (let i = 0; i < 40; i++)
      ids.push((await store.admin.remember(`Another note ${i}.`, { namespace, embed: false })).id);
    expect(found()).toEqual(['text', 'earlier', 'key', 'metadata', 'ref']);
    await store.admin.forget(ids[0] as string);
    await expect.poll(() => found()).toEqual([]);
    await store.backup(join(folder, '..', `${folder.split('/').at(-1)}-copy`));
    expect(found(`${folder}-copy`)).toEqual([]);
    expect(await store.admin.get(ids[0] as string)).toBeUndefined();
    expect(await store.verify()).toEqual({ ok: true, problems: [] });
  });

  test('are in no file, whenever its words were written to the keyword index and merged there', async () => {
    const store = await openFolder(folder);
    const others = (count: number) =>
      store.admin.rememberMany(
        Array.from({ length: count }, (_, i) => ({
          namespace,
          text: `Another note ${i} of ${count}.`,
          embed: false as const,
        })),
      );
    const { text, earlier } = secrets;
    // One is forgotten while its words wait, one after they were written, one after a merge, and one is revised.
    for (const more of [0, 200, 3_000]) {
      const { id } = await store.admin.remember(`The ${text} and the ${earlier}.`, { namespace, embed: false });
      const revised = await store.admin.remember(`The ${text}.`, { namespace, embed: false });
      if (more > 0) await others(more);
      await store.admin.forget(id);
      await store.admin.update(revised.id, { text: 'Nothing.' });
      expect(found().includes('text')).toBe(true);
      await store.admin.forget(revised.id);
      await expect.poll(() => found()).toEqual([]);
      expect(await store.verify()).toEqual({ ok: true, problems: [] });
    }
  });

  test('are in no file after close, even while a reader has the folder open', async () => {
    const store = await openFolder(folder);
    const id = await remember(store);
    const reader = await openFolder(folder, { readOnly: true });
    expect(await reader.admin.count()).toBe(1);
    await store.admin.forget(id);
    await store.close();
    expect(found()).toEqual([]);
    expect(await reader.admin.count()).toBe(0);
  });

  test('stay in the log while a reader keeps an old state open, which delays no write, and go when it ends', async () => {
    const store = await openFolder(folder);
    const id = await remember(store);
    const reader = new BetterSqlite(join(folder, 'memory.db'), { readonly: true });
    reader.exec('begin');
    reader.prepare('select count(*) from memories').get();
    await store.admin.forget(id);
    const start = performance.now();
    let longest = 0;
    // The first attempt to empty the log is made after a second. With a wait for the reader, it stopped writes for another second.
    while (performance.now() - start < 2_300) {
      const before = performance.now();
      await store.admin.remember('Another note.', { namespace, embed: false });
      longest = Math.max(longest, performance.now() - before);
    }
    expect(longest).toBeLessThan(800);
    expect(found()).not.toEqual([]);
    reader.close();
    await expect.poll(() => found(), { timeout: 10_000 }).toEqual([]);
  });

  test('are in no file a few seconds after the next open, if the process was killed before it could remove them', async () => {
    const store = await openFolder(folder);
    await store.admin.forget(await remember(store));
    const copy = await temporaryFolder();
    for (const file of ['memory.db', 'memory.db-wal', 'audit.db', 'audit.db-wal'])
      copyFileSync(join(folder, file), join(copy, file));
    expect(found(copy)).not.toEqual([]);
    await openFolder(copy);
    await expect.poll(() => found(copy)).toEqual([]);
  });

  test('are not needed to recognize a repeated call, or a call that reuses its idempotency key with other content', async () => {
    const store = await openFolder(folder);
    const id = await remember(store);
    await store.admin.forget(id);
    await store.close();
    const again = await openFolder(folder);
    const { text, earlier, key, idempotencyKey, metadata, ref } = secrets;
    const options = {
      namespace,
      key,
      idempotencyKey,
      metadata: { note: metadata },
      source: { channel: 'tool', ref },
    } as const;
    expect(await again.admin.remember(`The diagnosis is ${earlier}.`, { ...options, embed: false })).toMatchObject({
      id,
      outcome: 'duplicate',
    });
    const other = again.admin.remember(`The diagnosis is ${text}.`, { ...options, embed: false });
    await expect(other).rejects.toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' });
    await expect(other).rejects.not.toThrow(idempotencyKey);
  });
});

describe('a store of an earlier release', () => {
  test('keeps its idempotency keys, as hashes', async () => {
    // Schema 6 kept the key as it was given.
    const store = await openFolder(folder);
    const call = () =>
      store.admin.remember('note', { namespace, idempotencyKey: secrets.idempotencyKey, embed: false });
    const { id } = await call();
    await store.close();
    const database = new BetterSqlite(join(folder, 'memory.db'));
    restoreSchema9(database);
    database.exec(`update idempotency set key = '${secrets.idempotencyKey}'; pragma user_version = 6;`);
    database.close();
    expect(found()).toEqual(['idempotencyKey']);
    const again = await openFolder(folder);
    const repeated = await again.admin.remember('note', {
      namespace,
      idempotencyKey: secrets.idempotencyKey,
      embed: false,
    });
    expect(repeated).toMatchObject({ id, outcome: 'duplicate' });
    await expect.poll(() => found()).toEqual([]);
  });

  test('loses the words of memories that it forgot, which FTS5 still had', async () => {
    const store = await openFolder(folder);
    const id = await remember(store);
    await store.close();
    const database = new BetterSqlite(join(folder, 'memory.db'));
    restoreSchema9(database);
    database.close();
    const again = await openFolder(folder);
    expect(await again.admin.recall(secrets.text, { mode: 'keyword' })).toHaveLength(1);
    await again.admin.forget(id);
    await expect.poll(() => found()).toEqual([]);
  });

  test('loses its idempotency keys if it has no secret, because no repeated call could match', () => {
    const database = new BetterSqlite(':memory:');
    migrate(database, 6);
    const insert = database.prepare('insert into idempotency values (1, ?, ?, ?, 1)');
    insert.run(randomBytes(4).toString('hex'), 'digest', 'id');
    migrate(database);
    expect(database.prepare('select count(*) from idempotency').pluck().get()).toBe(0);
  });
});
