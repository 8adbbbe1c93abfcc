import type { Database } from 'better-sqlite3';
import type { Command, MemoryDraft } from '../../src/domain/command';
import { type Actor, root } from '../../src/domain/principal';
import { StateStore } from '../../src/state/state-store';
import { openDatabase } from '../../src/state/tables/database';
import { loadChecksum } from '../../src/state/tables/memory-row';

const checksum = await loadChecksum();

/** The truth of a new store, in memory. */
export function emptyTruth(): StateStore {
  return new StateStore(openDatabase({ path: ':memory:', readOnly: false }), checksum);
}

/** The truth as a process would find it that opens the same database now. */
export function reopened({ database }: StateStore): StateStore {
  return new StateStore(database, checksum);
}

/** Every row of every table, as JSON; with the columns that are given left out. */
export function contents(database: Database): Record<string, unknown[]> {
  const tables = database
    .prepare("select name from sqlite_master where type = 'table' and name not like 'tokens%' and name != 'postings'")
    .pluck()
    .all() as string[];
  const all = tables.sort().map((table) => [table, database.prepare(`select * from ${table}`).all()]);
  const words = database.prepare('select term, doc from postings order by term, doc, offset').all();
  return { ...Object.fromEntries(all), words };
}

export const agentA: Actor = { party: { kind: 'agent', id: 'a' } };
export const agentB: Actor = { party: { kind: 'agent', id: 'b' }, onBehalfOf: { kind: 'user', id: 'u' } };

/** A draft with every default, and what is given. */
export function draft(given: Partial<MemoryDraft> & Pick<MemoryDraft, 'id'>): MemoryDraft {
  return {
    text: 'note',
    kind: 'episodic',
    tags: [],
    priority: 0.5,
    metadata: {},
    validFrom: 0,
    namespace: ['n'],
    visibility: 'shared',
    accessTags: [],
    source: { channel: 'agent' },
    ...given,
  };
}

/** A command that stores drafts. */
export function remember(by: Actor, at: number, ...drafts: MemoryDraft[]): Command {
  return { type: 'remember', drafts, stamp: { at, by, scope: {}, seed: new Uint8Array(16) } };
}

/** A command that lets everybody do everything, and so leaves decisions to what a test is about. */
export const openToAll: Command = {
  type: 'declare',
  declarations: [{ id: 'all', declaration: { effect: 'allow', to: 'everyone', actions: 'curator', at: [] } }],
  stamp: { at: 0, by: root, scope: {}, seed: new Uint8Array(16) },
};
