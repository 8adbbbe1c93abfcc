import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import BetterSqlite, { type Database } from 'better-sqlite3';
import { type AuditEntry, type AuditQuery, MemoryStore, type OpenOptions } from 'multi-agent-memory';
import { onTestFinished } from 'vitest';

/** A path for a store. It is removed when the test ends. */
export function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'audit-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return join(made, 'store');
}

/** A store in memory. It is closed when the test ends. */
export async function inMemory(options: OpenOptions = {}): Promise<MemoryStore> {
  const store = await MemoryStore.inMemory(options);
  onTestFinished(() => store.close());
  return store;
}

/** Changes a database without the store. */
export function editDatabase<T>(path: string, file: 'memory.db' | 'audit.db', run: (database: Database) => T): T {
  const database = new BetterSqlite(join(path, file));
  try {
    return run(database);
  } finally {
    database.close();
  }
}

/** All entries that the host sees, oldest first. */
export async function entries(store: MemoryStore, query: AuditQuery = {}): Promise<AuditEntry[]> {
  const found: AuditEntry[] = [];
  for await (const entry of store.audit.query({ order: 'oldest', limit: 1_000, ...query })) found.push(entry);
  return found;
}

/** An entry as one line: principal, action, error code, memory ids. */
export function line({ by, action, decision, code, memories }: AuditEntry): string {
  const { onBehalfOf, ...own } = by ?? { onBehalfOf: undefined };
  const principal = [...Object.values(own), ...(onBehalfOf === undefined ? [] : [onBehalfOf.userId])].join(' for ');
  const ids = memories.map(({ id }) => id).join(' ');
  return [principal || '(erased)', action, decision === 'allowed' ? '' : code, ids]
    .filter((part) => part !== '')
    .join(', ');
}
