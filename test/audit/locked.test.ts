import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import BetterSqlite from 'better-sqlite3';
import { allow, MemoryStore } from 'multi-agent-memory';
import { expect, onTestFinished, test } from 'vitest';
import { folder } from './stores';

const auditor = { userId: 'inspector' };

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

const calls: [string, (store: MemoryStore) => PromiseLike<unknown>][] = [
  ['query', (store) => store.as(auditor).audit.query()],
  ['export', (store) => all(store.as(auditor).audit.export())],
  ['checkpoint', (store) => store.audit.checkpoint()],
  ['retain', (store) => store.audit.retain({ since: new Date() })],
  ['verify', (store) => store.audit.verify()],
];

test.each(calls)('%s waits while another program locks the audit', async (_, call) => {
  const path = folder();
  const store = await MemoryStore.open(path, { access: [allow(auditor, 'auditor', [])] });
  onTestFinished(() => store.close());
  await store.admin.remember('note', { namespace: ['n'], embed: false });
  const other = new BetterSqlite(join(path, 'audit.db'));
  onTestFinished(() => void other.close());
  other.exec('begin immediate');
  const outcome = Promise.resolve(call(store)).then(
    () => 'answered',
    (error: { code?: string }) => error.code,
  );
  const first = await Promise.race([outcome, setTimeout(100, 'waits')]);
  other.exec('rollback');
  expect([first, await outcome]).toEqual(['waits', 'answered']);
});
