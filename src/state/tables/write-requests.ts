import type { Database } from 'better-sqlite3';
import type { Outcome, WriteRequest } from '../../domain/command';
import type { Memory, RememberResult } from '../../domain/memory';
import { prepare, type Statement } from '../../sqlite/sqlite';
import type { ChangeQueries } from '../queries/change-queries';
import type { MemoryQueries } from '../queries/memory-queries';
import type { Declarations } from './declarations';
import type { Interning } from './interning';
import { memoryOf } from './memory-row';
import { queries, type Tables } from './schema';

/** An outcome without the words of a memory: what is forgotten must stay nowhere. */
type Kept =
  | { readonly type: 'remember'; readonly remembered: readonly RememberResult[] }
  | { readonly type: 'update' | 'share'; readonly id: string; readonly revision: number }
  | { readonly type: 'forget'; readonly forgotten: readonly string[] }
  | { readonly type: 'add-declaration'; readonly id: string }
  | { readonly type: 'end-declaration'; readonly ended: boolean };

interface Deps {
  readonly records: MemoryQueries;
  readonly changes: ChangeQueries;
  readonly interning: Interning;
  readonly declarations: Declarations;
}

// A process whose answer was lost asks again within seconds; what it did not ask for by then it never will.
const keptMs = 30 * 24 * 60 * 60 * 1000;

/** What became of the writes that other processes asked for: one that is asked for again is answered, and not done again. */
export class WriteRequests {
  readonly #deps: Deps;
  readonly #find: Statement<Pick<WriteRequest, 'client' | 'number'>, { outcome: string }>;
  readonly #insert: Statement<Tables['requests'], unknown>;
  readonly #drop: Statement<Pick<WriteRequest, 'client' | 'number'>, unknown>;
  readonly #dropOld: Statement<{ at: number }, unknown>;

  constructor(database: Database, deps: Deps) {
    this.#deps = deps;
    this.#find = prepare(database, (p) =>
      queries
        .selectFrom('requests')
        .select('outcome')
        .where('client', '=', p('client'))
        .where('number', '=', p('number')),
    );
    this.#insert = prepare(database, (p) =>
      queries
        .insertInto('requests')
        .values({ client: p('client'), number: p('number'), outcome: p('outcome'), at: p('at') }),
    );
    this.#drop = prepare(database, (p) =>
      queries.deleteFrom('requests').where('client', '=', p('client')).where('number', '<', p('number')),
    );
    this.#dropOld = prepare(database, (p) => queries.deleteFrom('requests').where('at', '<', p('at')));
  }

  /** What became of a write. Undefined where it was not done, or its asker had the answer. */
  outcomeOf({ client, number }: WriteRequest): Outcome | undefined {
    const found = this.#find.get({ client, number });
    return found && this.#opened(JSON.parse(found.outcome));
  }

  /** Keeps what became of a write, and drops what its asker needs no more. Only `apply` calls it, inside its transaction. */
  keep({ client, number, answered }: WriteRequest, outcome: Outcome & { ok: true }, at: number): void {
    const kept = keptOf(outcome);
    if (kept === undefined) return;
    if (number === 0) this.#dropOld.run({ at: at - keptMs });
    if (answered > 0) this.#drop.run({ client, number: answered });
    this.#insert.run({ client, number, outcome: JSON.stringify(kept), at });
  }

  #opened(kept: Kept): Outcome | undefined {
    switch (kept.type) {
      case 'update':
      case 'share': {
        const memory = this.#memoryAt(kept.id, kept.revision);
        return memory && { ok: true, type: kept.type, memory };
      }
      case 'add-declaration': {
        const declared = this.#deps.declarations.all(true).find(({ id }) => id === kept.id);
        return declared && { ok: true, type: kept.type, declared };
      }
      default:
        return { ok: true, ...kept };
    }
  }

  /** Undefined once it is forgotten. */
  #memoryAt(id: string, revision: number): Memory | undefined {
    const { records, changes, interning } = this.#deps;
    const record = records.tombstoneOrRecord(id);
    const then = record?.revision === revision ? record : record && changes.revision(record.row, revision);
    return then && memoryOf(then, interning);
  }
}

function keptOf(outcome: Outcome & { ok: true }): Kept | undefined {
  switch (outcome.type) {
    case 'remember':
      return { type: outcome.type, remembered: outcome.remembered };
    case 'update':
    case 'share':
      return { type: outcome.type, id: outcome.memory.id, revision: outcome.memory.revision };
    case 'forget':
      return { type: outcome.type, forgotten: outcome.forgotten };
    case 'add-declaration':
      return { type: outcome.type, id: outcome.declared.id };
    case 'end-declaration':
      return { type: outcome.type, ended: outcome.ended };
    default:
      return undefined;
  }
}
