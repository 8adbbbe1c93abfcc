import BetterSqlite from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { restoreSchema9 } from '../store/earlier-schema';
import { changeDatabase } from '../store/old-release';
import { openFolder, temporaryFolder } from '../store/stores';

describe('a memory of a release without trust', () => {
  test('is intact, and keeps its revisions, after the columns of trust were added', async () => {
    const folder = await temporaryFolder();
    const store = await openFolder(folder);
    const { id } = await store.admin.remember('Refunds take 5 days', { namespace: ['support'] });
    await store.admin.update(id, { text: 'Refunds take 3 days' });
    await store.close();
    const database = new BetterSqlite(`${folder}/memory.db`);
    restoreSchema9(database);
    database.close();
    const later = await openFolder(folder);
    expect(await later.admin.get(id)).toMatchObject({ text: 'Refunds take 3 days', trust: 'verified' });
    const texts = (await later.admin.history(id)).map(({ memory }) => memory?.text);
    expect(texts).toEqual(['Refunds take 5 days', 'Refunds take 3 days']);
    expect((await later.verify()).ok).toBe(true);
  });

  test('is reported as damaged if its trust is changed in the database', async () => {
    const folder = await temporaryFolder();
    const store = await openFolder(folder);
    const { id } = await store.admin.remember('Refunds take 5 days', { namespace: ['support'] });
    await store.close();
    changeDatabase(folder, 'update memories set trust = 3 - coalesce(trust, 0)');
    const later = await openFolder(folder);
    await expect(later.admin.get(id)).rejects.toMatchObject({ code: 'RECORD_DAMAGED' });
  });
});
