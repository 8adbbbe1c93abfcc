import BetterSqlite, { type Database } from 'better-sqlite3';
import { allow, MemoryStore, type Selection } from 'multi-agent-memory';
import { afterEach, describe, expect, test, vi } from 'vitest';

afterEach(() => vi.restoreAllMocks());

/** Runs calls on a store with many memories, and returns the plans of the statements that SQLite prepared meanwhile. */
async function plansOf(run: (store: MemoryStore) => PromiseLike<unknown>): Promise<string[]> {
  const prepare = vi.spyOn(BetterSqlite.prototype as unknown as Database, 'prepare');
  const store = await MemoryStore.inMemory({ access: [allow('everyone', 'curator', [])] });
  const memories = Array.from({ length: 400 }, (_, i) => ({
    text: `note ${i}`,
    namespace: [`team ${i % 20}`],
    userId: `user ${i % 50}`,
    sessionId: `session ${i % 100}`,
    tags: [`tag ${i % 40}`],
  }));
  await store.as({ agentId: 'writer' }).rememberMany(memories);
  prepare.mockClear();
  await run(store);
  const texts = prepare.mock.calls.map(([sql]) => sql).filter((sql) => sql.includes('"memories"'));
  const database = prepare.mock.contexts[0] as unknown as Database;
  prepare.mockRestore();
  const explained = texts.map((sql) => {
    const bound = Array.from(sql.matchAll(/\?/g), () => null);
    const steps = database.prepare(`explain query plan ${sql}`).all(...bound) as { detail: string }[];
    return steps.map(({ detail }) => detail).join('; ');
  });
  await store.close();
  return explained;
}

const few: readonly Selection[] = [
  { userId: 'user 1' },
  { sessionId: 'session 1' },
  { tags: ['tag 1'] },
  { namespace: ['team 1'] },
  { filter: { userId: 'user 1' } },
  { filter: { and: [{ priority: { gte: 0 } }, { tags: { contains: 'tag 1' } }] } },
  { userId: 'user 1', filter: { metadata: { size: 1 } } },
  { userId: 'user 1', asOf: new Date(Date.UTC(2026, 5, 1)) },
];

describe('SQLite looks up the rows of a few memories, and goes through no table', () => {
  test.each(few.map((selection) => [JSON.stringify(selection), selection] as const))('%s', async (_, selection) => {
    const plans = await plansOf(async ({ admin }) => {
      await admin.list(selection);
      await admin.list({ ...selection, orderBy: 'validFrom', order: 'oldest' });
      await admin.count(selection);
      await admin.recall('note', selection);
      await admin.forgetWhere(selection, { dryRun: true });
    });
    expect(plans.length).toBeGreaterThan(0);
    for (const plan of plans) expect(plan).not.toMatch(/SCAN memories/);
    expect(plans.join()).toContain('SEARCH memories USING INTEGER PRIMARY KEY');
  });

  test('also for the audit of a user', async () => {
    const plans = await plansOf(({ audit }) => audit.query({ userId: 'user 1' }));
    for (const plan of plans) expect(plan).not.toMatch(/SCAN memories/);
  });
});

test('a selection of most memories goes through them in their order, until the page is full', async () => {
  const plans = await plansOf(({ admin }) => admin.list({ namespace: [], limit: 5 }));
  expect(plans.join()).toContain('memories_created_at');
});
