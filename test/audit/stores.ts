import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import BetterSqlite, { type Database } from 'better-sqlite3';
import { type AuditEntry, type AuditQuery, MemoryStore, type OpenOptions } from 'multi-agent-memory';
import { onTestFinished } from 'vitest';

/** A folder for a store, gone when the test is over. */
export function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'audit-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return join(made, 'store');
}

/** A store in memory, closed when the test is over. */
export async function inMemory(options: OpenOptions = {}): Promise<MemoryStore> {
  const store = await MemoryStore.inMemory(options);
  onTestFinished(() => store.close());
  return store;
}

/** Does something to a database of a closed store, behind its back. */
export function behindItsBack<T>(path: string, file: 'memory.db' | 'audit.db', run: (database: Database) => T): T {
  const database = new BetterSqlite(join(path, file));
  try {
    return run(database);
  } finally {
    database.close();
  }
}

/** All entries of the audit, oldest first, as the host sees them. */
export async function entries(store: MemoryStore, question: AuditQuery = {}): Promise<AuditEntry[]> {
  const found: AuditEntry[] = [];
  for await (const entry of store.audit.query({ order: 'oldest', limit: 1_000, ...question })) found.push(entry);
  return found;
}

/** An entry in one line: who did what to what. */
export function line({ by, action, decision, code, memories }: AuditEntry): string {
  const { onBehalfOf, ...own } = by ?? { onBehalfOf: undefined };
  const who = [...Object.values(own), ...(onBehalfOf === undefined ? [] : [onBehalfOf.userId])].join(' for ');
  const ids = memories.map(({ id }) => id).join(' ');
  return [who || '(erased)', action, decision === 'allowed' ? '' : code, ids].filter((part) => part !== '').join(', ');
}
