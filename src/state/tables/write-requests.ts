import type { Database } from 'better-sqlite3';
import type { Outcome, WriteRequest } from '../../domain/command';
import { MemoryError } from '../../domain/errors';
import type { Memory, RememberResult } from '../../domain/memory';
import type { TrustLevel } from '../../domain/trust';
import { prepare, type Statement } from '../../sqlite/sqlite';
import type { ChangeQueries } from '../queries/change-queries';
import type { MemoryQueries } from '../queries/memory-queries';
import type { Declarations } from './declarations';
import type { Interning } from './interning';
import { type MemoryRow, memoryOf } from './memory-row';
import { queries, type Tables } from './schema';
import type { StoreMeta } from './store-meta';

/** An outcome as it is stored. It contains no memory text, because a forgotten text must not remain anywhere. */
type KeptOutcome =
  | { readonly type: 'remember'; readonly remembered: readonly RememberResult[] }
  | { readonly type: 'update' | 'share' | 'endorse'; readonly id: string; readonly revision: number }
  | { readonly type: 'forget'; readonly forgotten: readonly string[] }
  | { readonly type: 'add-declaration'; readonly id: string }
  | { readonly type: 'end-declaration'; readonly ended: boolean };

interface Deps {
  readonly records: MemoryQueries;
  readonly changes: ChangeQueries;
  readonly interning: Interning;
  readonly declarations: Declarations;
  readonly meta: StoreMeta;
  trustOf(record: MemoryRow): TrustLevel;
}

const dayMs = 24 * 60 * 60 * 1000;
// A process that lost an answer repeats its request within seconds. After 30 days no process repeats a request.
const keptMs = 30 * dayMs;
// One command with the time of a wrong clock must not make all outcomes look old.
const maxStepMs = dayMs;
const timeKey = 'request_time';

/** Stores the outcomes of writes that other processes requested. A repeated request is not run again but gets the first outcome. */
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

  /** Looks up the outcome of a request. Undefined if the request was not run, or if its process has received the answer. */
  outcomeOf({ client, number }: WriteRequest): Outcome | undefined {
    const found = this.#find.get({ client, number });
    return found && this.#outcomeFrom(JSON.parse(found.outcome));
  }

  /** Stores the outcome of a request, and deletes outcomes that its process has received. Only `apply` calls this, in its transaction. */
  keep({ client, number, answered }: WriteRequest, outcome: Outcome & { ok: true }, at: number): void {
    const kept = keptOf(outcome);
    if (kept === undefined) return;
    const time = this.#time(number === 0, at);
    if (number === 0) this.#dropOld.run({ at: time - keptMs });
    if (answered > 0) this.#drop.run({ client, number: answered });
    this.#insert.run({ client, number, outcome: JSON.stringify(kept), at: time });
  }

  /**
   * The time by which outcomes grow old. It belongs to the log, because the clocks of the processes that write to it may be wrong: it never
   * goes back, and the first command of a client moves it to the time of this command, but by one day at most.
   */
  #time(isFirstOfClient: boolean, at: number): number {
    const { meta } = this.#deps;
    const before = meta.get(timeKey);
    if (typeof before === 'number' && !isFirstOfClient) return before;
    const time = typeof before === 'number' ? Math.min(Math.max(before, at), before + maxStepMs) : at;
    if (time !== before) meta.put(timeKey, time);
    return time;
  }

  /**
   * With peers, damage to the time must not decide which outcomes are old. A store without peers then takes the time of the next request.
   *
   * @throws RECORD_DAMAGED
   */
  assertIntactTime(): void {
    const time = this.#deps.meta.get(timeKey);
    if (time === undefined || typeof time === 'number') return;
    const message = 'The time of the requests in the database is damaged. Restore the folder from a backup.';
    throw new MemoryError('RECORD_DAMAGED', message);
  }

  #outcomeFrom(kept: KeptOutcome): Outcome | undefined {
    switch (kept.type) {
      case 'update':
      case 'share':
      case 'endorse': {
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

  /** Reads a memory as it was at a revision. Undefined if the memory was forgotten. */
  #memoryAt(id: string, revision: number): Memory | undefined {
    const { records, changes, interning } = this.#deps;
    const record = records.tombstoneOrRecord(id);
    const then = record?.revision === revision ? record : record && changes.revision(record.row, revision);
    return then && memoryOf(then, interning, this.#deps.trustOf(then));
  }
}

function keptOf(outcome: Outcome & { ok: true }): KeptOutcome | undefined {
  switch (outcome.type) {
    case 'remember':
      return { type: outcome.type, remembered: outcome.remembered };
    case 'update':
    case 'share':
    case 'endorse':
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
