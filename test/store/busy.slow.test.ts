import { join } from 'node:path';
import BetterSqlite from 'better-sqlite3';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openFolder, temporaryFolder } from './stores';

const namespace = ['support'];

describe('while another program locks the database', () => {
  test('a write fails with a retryable STORE_BUSY after 5 seconds, and stores nothing', async () => {
    const folder = await temporaryFolder();
    const store = await openFolder(folder);
    const other = new BetterSqlite(join(folder, 'memory.db'));
    onTestFinished(() => void other.close());
    other.exec('begin immediate');
    const writes = ['a', 'b'].map((text) => store.admin.remember(text, { namespace, embed: false }));
    for (const { reason } of (await Promise.allSettled(writes)) as PromiseRejectedResult[])
      expect(reason).toMatchObject({ code: 'STORE_BUSY', retryable: true });
    other.exec('rollback');
    expect(await store.admin.count()).toBe(0);
    await store.admin.remember('a', { namespace, embed: false });
    expect(await store.admin.count()).toBe(1);
  });
});
