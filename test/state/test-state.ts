import type { Database } from 'better-sqlite3';
import type { Command, MemoryDraft } from '../../src/domain/command';
import { type Actor, root } from '../../src/domain/principal';
import { ReadModel } from '../../src/state/read-model';
import { type AppliedBatch, StateStore } from '../../src/state/state-store';
import { loadChecksum } from '../../src/state/tables/checksum';
import { openDatabase } from '../../src/state/tables/database';
import { storedWords } from './stored-words';

const checksum = await loadChecksum();

/** A state, and the read model that follows it. */
export interface TestState {
  readonly state: StateStore;
  readonly model: ReadModel;
  /** Applies a batch, and lets the read model follow it. */
  apply(batch: readonly Command[]): AppliedBatch;
}

/** The state of a new store in memory. */
export function emptyState(): TestState {
  return stateOf(openDatabase({ path: ':memory:', readOnly: false }));
}

/** The state of a new store in a file. */
export function stateInFile(path: string): TestState {
  return stateOf(openDatabase({ path, readOnly: false }));
}

/** The state that a process finds which opens the same database now. */
export function reopened({ state }: TestState): TestState {
  return stateOf(state.database);
}

function stateOf(database: Database): TestState {
  const state = new StateStore(database, checksum);
  const model = new ReadModel(state);
  return {
    state,
    model,
    apply: (batch) => {
      const applied = state.apply(batch);
      model.follow(applied);
      return applied;
    },
  };
}

/** Every row of every table, and every posting. */
export function contents(database: Database): Record<string, unknown[]> {
  const tables = database
    .prepare("select name from sqlite_master where type = 'table' and name not like 'word_%'")
    .pluck()
    .all() as string[];
  const all = tables.sort().map((table) => [table, database.prepare(`select * from ${table}`).all()]);
  return { ...Object.fromEntries(all), words: storedWords(database) };
}

export const agentA: Actor = { party: { kind: 'agent', id: 'a' } };
export const agentB: Actor = { party: { kind: 'agent', id: 'b' }, onBehalfOf: { kind: 'user', id: 'u' } };

/** A draft with the given fields, and defaults for all others. */
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

/** A command that stores these drafts. */
export function remember(by: Actor, at: number, ...drafts: MemoryDraft[]): Command {
  return { type: 'remember', drafts, stamp: { at, by, scope: {}, seed: new Uint8Array(16) } };
}

/** A command that allows everybody everything, for tests that are not about rules. */
export const openToAll: Command = {
  type: 'declare',
  declarations: [{ id: 'all', declaration: { effect: 'allow', to: 'everyone', actions: 'curator', at: [] } }],
  stamp: { at: 0, by: root, scope: {}, seed: new Uint8Array(16) },
};
