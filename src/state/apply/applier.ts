import type { Database } from 'better-sqlite3';
import type { Policy } from '../../access/policy';
import type { AuditLog } from '../../audit/audit-log';
import type { Command, Outcome, Stamp } from '../../domain/command';
import type { StoredDeclaration } from '../../domain/declaration';
import { MemoryError } from '../../domain/errors';
import { isRoot } from '../../domain/principal';
import { analyze } from '../../keyword-index/analyzer';
import { prepare, type Statement } from '../../sqlite/sqlite';
import type { MemoryQueries } from '../queries/memory-queries';
import type { DeclarationsTable } from '../tables/declarations-table';
import type { EmbeddedTable } from '../tables/embedded-table';
import type { Interning } from '../tables/interning';
import { type Checksum, memoryOf, type RowChecksum } from '../tables/memory-row';
import { queries, type Tables } from '../tables/schema';
import { copyMark, type StoreMeta } from '../tables/store-meta';
import type { WriteRequests } from '../tables/write-requests';
import { ChangesAudit, TouchedByNamespace } from './apply-audit';
import type { ApplyContext, RowChange } from './apply-context';
import { addDeclaration, declare, endDeclaration } from './apply-declaration';
import { applyForget } from './apply-forget';
import { applyRemember } from './apply-remember';
import { applyShare } from './apply-share';
import { beginSpace, dropSpace, type EmbeddedRows, embedRows, switchSpace } from './apply-space';
import { applyUpdate } from './apply-update';
import { TableWriter } from './table-writer';

export interface AppliedBatch {
  /** In the order of the commands. */
  readonly outcomes: readonly Outcome[];
  /** In the order in which they happened. */
  readonly changes: readonly RowChange[];
  readonly wordsDamaged: boolean;
  /** The store searches another embedding space from now on. */
  readonly spaceSwitched: boolean;
  /** Memories that were stored before and got vectors in spaces that are not searched. */
  readonly embedded: readonly EmbeddedRows[];
}

interface State {
  wordsDamaged: boolean;
  spaceSwitched: boolean;
  readonly embedded: EmbeddedRows[];
}

interface Deps {
  readonly database: Database;
  readonly meta: StoreMeta;
  readonly auditLog: AuditLog;
  readonly interning: Interning;
  readonly records: MemoryQueries;
  readonly declarations: DeclarationsTable;
  readonly checksum: Checksum;
  readonly rowChecksum: RowChecksum;
  readonly embeddedTable: EmbeddedTable;
  readonly requests: WriteRequests;
}

type Idempotent = { digest: string; id: string; revision: number };

/** The only writer of the database. It reads no clock, no randomness and no network: the same commands give the same state. */
export class Applier {
  readonly #deps: Deps;
  readonly #writer: TableWriter;
  readonly #audit: ChangesAudit;
  readonly #findIdempotent: Statement<{ author: number; key: string }, Idempotent>;
  readonly #lastChange: Statement<{ row: number }, Tables['changes']>;
  #policy: Policy;
  #unreadable: { readonly cause: unknown } | undefined;
  #lastRow = 0;
  #lastChangeSeq = 0;
  /** Of changes and of whatever else is numbered in one order with them. */
  #lastSeq = 0;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#writer = new TableWriter(deps.database, deps.checksum);
    this.#audit = new ChangesAudit(deps.auditLog);
    this.#findIdempotent = prepare(deps.database, (p) =>
      queries
        .selectFrom('idempotency')
        .select(['digest', 'id', 'revision'])
        .where('author', '=', p('author'))
        .where('key', '=', p('key')),
    );
    this.#lastChange = prepare(deps.database, (p) =>
      queries.selectFrom('changes').selectAll().where('row', '=', p('row')).orderBy('revision', 'desc').limit(1),
    );
    this.#policy = deps.declarations.policy();
    this.#readCounters();
  }

  /** @throws what kept the rules from being read again after a batch had failed: nothing is decided by rules that may be others. */
  get policy(): Policy {
    if (this.#unreadable !== undefined) throw this.#unreadable.cause;
    return this.#policy;
  }

  /** The number of the latest change. */
  get lastChangeSeq(): number {
    return this.#lastChangeSeq;
  }

  findIdempotent(author: number, key: string): Idempotent | undefined {
    return this.#findIdempotent.get({ author, key });
  }

  /** Applies a batch in one transaction. A command that is refused leaves nothing behind and hinders no other. */
  apply(batch: readonly Command[]): AppliedBatch {
    const changes: RowChange[] = [];
    const state: State = { wordsDamaged: false, spaceSwitched: false, embedded: [] };
    try {
      const outcomes = this.#deps.database
        .transaction(() => batch.map((command) => this.#attempt(command, changes, state)))
        .immediate();
      return { outcomes, changes, ...state };
    } catch (error) {
      try {
        this.reload();
        this.#deps.auditLog.reload();
      } catch (cause) {
        this.#unreadable = { cause };
      }
      throw error;
    }
  }

  /** Forgets what is kept in memory and reads it again. */
  reload(): void {
    const { interning, declarations } = this.#deps;
    interning.reload();
    if (declarations.version !== this.#policy.version) this.#policy = declarations.policy();
    this.#readCounters();
  }

  #attempt(command: Command, changes: RowChange[], state: State): Outcome {
    const { request, at } = command.stamp;
    const done = request && this.#deps.requests.outcomeOf(request);
    if (done !== undefined) return done;
    const own: RowChange[] = [];
    const touching = new TouchedByNamespace();
    const context = this.#context(own, state, touching);
    const { policy } = context;
    const audited = (outcome: Outcome): Outcome => {
      this.#audit.record(command, outcome, touching, { policy, changeSeq: this.#lastChangeSeq });
      return outcome;
    };
    try {
      // A nested transaction is a savepoint: only a command of several memories can be refused halfway.
      const several = command.type === 'remember' && command.drafts.length > 1;
      const run = () => this.#dispatch(command, context, state);
      const outcome = several ? this.#deps.database.transaction(run)() : run();
      changes.push(...own);
      if (request !== undefined && outcome.ok) this.#deps.requests.keep(request, outcome, at);
      return audited(outcome);
    } catch (error) {
      if (!MemoryError.is(error)) throw error;
      if (own.length > 0) this.reload();
      return audited({ ok: false, error });
    }
  }

  #dispatch(command: Command, context: ApplyContext, state: State): Outcome {
    const { stamp } = command;
    switch (command.type) {
      case 'remember':
        return {
          ok: true,
          type: 'remember',
          remembered: command.drafts.map((draft) => applyRemember(context, draft, stamp)),
        };
      case 'update': {
        const record = applyUpdate(context, command.id, command.patch, command.ifRevision, stamp);
        return { ok: true, type: 'update', memory: memoryOf(record, this.#deps.interning) };
      }
      case 'forget':
        return { ok: true, type: 'forget', forgotten: applyForget(context, command.ids, command.ifRevision, stamp) };
      case 'share': {
        const record = applyShare(context, command.id, command.change, command.ifRevision, stamp);
        return { ok: true, type: 'share', memory: memoryOf(record, this.#deps.interning) };
      }
      case 'begin-space':
        beginSpace(context, command.space, stamp);
        return { ok: true, type: 'begin-space' };
      case 'embed': {
        const embedded = embedRows(context, command.space, command.memories, stamp);
        state.embedded.push(embedded);
        return { ok: true, type: 'embed', embedded: embedded.rows.length };
      }
      case 'switch-space': {
        const switched = switchSpace(context, command.space, command.checkedThrough, stamp);
        state.spaceSwitched ||= switched;
        return { ok: true, type: 'switch-space', switched };
      }
      case 'drop-space':
        dropSpace(context, command.space, command, stamp);
        return { ok: true, type: 'drop-space' };
      case 'declare':
        declare(context, command.declarations, stamp);
        return { ok: true, type: 'declare' };
      case 'add-declaration':
        return { ok: true, type: 'add-declaration', declared: addDeclaration(context, command.added, stamp) };
      case 'end-declaration':
        return { ok: true, type: 'end-declaration', ended: endDeclaration(context, command.id, stamp) };
      case 'epoch':
        assertRoot(stamp);
        this.#deps.meta.put(copyMark, 0);
        return { ok: true, type: 'epoch' };
      case 'retain':
        assertRoot(stamp);
        return { ok: true, type: 'retain', dropped: this.#deps.auditLog.chain.drop(command.upTo) };
    }
  }

  #changePolicy(added: readonly StoredDeclaration[], ended: readonly StoredDeclaration[], at: number): void {
    const version = this.#deps.declarations.change(added, ended, at);
    const gone = ended.map(({ id }) => id);
    this.#policy = this.#policy.changed(version, added, gone);
  }

  #context(own: RowChange[], state: State, touching: TouchedByNamespace): ApplyContext {
    return {
      policy: this.#policy,
      interning: this.#deps.interning,
      records: this.#deps.records,
      writer: this.#writer,
      rowChecksum: this.#deps.rowChecksum,
      embeddedTable: this.#deps.embeddedTable,
      isDeclared: (id) => this.#deps.declarations.isTaken(id),
      changePolicy: (added, ended, at) => this.#changePolicy(added, ended, at),
      lastChange: (row) => this.#lastChange.get({ row }),
      findIdempotent: (author, key) => this.findIdempotent(author, key),
      analyze,
      nextRow: () => ++this.#lastRow,
      nextChangeSeq: () => {
        this.#lastChangeSeq = ++this.#lastSeq;
        return this.#lastChangeSeq;
      },
      nextSeq: () => ++this.#lastSeq,
      report: (change) => own.push(change),
      touch: (id, namespace) => touching.touch(id, namespace),
      reportDamagedWords: () => {
        state.wordsDamaged = true;
      },
    };
  }

  #readCounters(): void {
    const max = (sql: string) => this.#deps.database.prepare(sql).pluck().get() as number;
    this.#lastRow = max('select coalesce(max(row), 0) from memories');
    this.#lastChangeSeq = max('select coalesce(max(change_seq), 0) from changes');
    this.#lastSeq = Math.max(this.#lastChangeSeq, max('select coalesce(max(change_seq), 0) from spaces'));
  }
}

function assertRoot({ by }: Stamp): void {
  if (!isRoot(by)) throw new MemoryError('FORBIDDEN', 'Only who opens the folder looks after its audit.');
}
