import type { Database } from 'better-sqlite3';
import type { Policy } from '../access/policy';
import type { Trail } from '../audit/trail';
import type { Command, Outcome, Stamp } from '../domain/command';
import type { Declared } from '../domain/declaration';
import { MemoryError } from '../domain/errors';
import { isRoot } from '../domain/principal';
import { analyze } from '../keyword-index/analyzer';
import { prepare, type Statement } from '../sqlite/statement';
import { ChangesAudit, Touching } from './apply-audit';
import type { ApplyContext } from './apply-context';
import { addDeclaration, declare, endDeclaration } from './apply-declaration';
import { applyForget } from './apply-forget';
import { applyRemember } from './apply-remember';
import { applyShare } from './apply-share';
import { beginSpace, dropSpace, type EmbeddedRows, embedRows, switchSpace } from './apply-space';
import { applyUpdate } from './apply-update';
import type { Checksum } from './checksum';
import type { DeclarationsTable } from './declarations-table';
import type { EmbeddedTable } from './embedded';
import type { Interning } from './interning';
import { copyMark, type Meta } from './meta';
import { queries } from './queries';
import { memoryOf } from './record';
import type { RecordQueries } from './record-queries';
import type { RecordSeal } from './record-seal';
import type { Requests } from './requests';
import type { RowChange } from './row-change';
import type { Tables } from './schema';
import { Writer } from './writer';

export interface Applied {
  /** In the order of the commands. */
  readonly outcomes: readonly Outcome[];
  /** In the order in which they happened. */
  readonly changes: readonly RowChange[];
  readonly damagedWords: boolean;
  /** The store searches another embedding space from now on. */
  readonly spaceSwitched: boolean;
  /** Memories that were stored before and got vectors in spaces that are not searched. */
  readonly embedded: readonly EmbeddedRows[];
}

interface State {
  damagedWords: boolean;
  spaceSwitched: boolean;
  readonly embedded: EmbeddedRows[];
}

interface Parts {
  readonly database: Database;
  readonly meta: Meta;
  readonly audit: Trail;
  readonly interning: Interning;
  readonly records: RecordQueries;
  readonly declarations: DeclarationsTable;
  readonly checksum: Checksum;
  readonly seal: RecordSeal;
  readonly embedded: EmbeddedTable;
  readonly requests: Requests;
}

type Idempotent = { digest: string; id: string; revision: number };

/** The only writer of the database. It reads no clock, no randomness and no network: the same commands give the same state. */
export class Applier {
  readonly #parts: Parts;
  readonly #writer: Writer;
  readonly #audit: ChangesAudit;
  readonly #findIdempotent: Statement<{ author: number; key: string }, Idempotent>;
  readonly #lastChange: Statement<{ row: number }, Tables['changes']>;
  #policy: Policy;
  #unreadable: { readonly cause: unknown } | undefined;
  #lastRow = 0;
  #lastEntry = 0;
  /** Of changes and of whatever else is numbered in one order with them. */
  #lastNumber = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#writer = new Writer(parts.database, parts.checksum);
    this.#audit = new ChangesAudit(parts.audit);
    this.#findIdempotent = prepare(parts.database, (p) =>
      queries
        .selectFrom('idempotency')
        .select(['digest', 'id', 'revision'])
        .where('author', '=', p('author'))
        .where('key', '=', p('key')),
    );
    this.#lastChange = prepare(parts.database, (p) =>
      queries.selectFrom('changes').selectAll().where('row', '=', p('row')).orderBy('revision', 'desc').limit(1),
    );
    this.#policy = parts.declarations.policy();
    this.#readCounters();
  }

  /** @throws what kept the rules from being read again after a frame had failed: nothing is decided by rules that may be others. */
  get policy(): Policy {
    if (this.#unreadable !== undefined) throw this.#unreadable.cause;
    return this.#policy;
  }

  /** The number of the latest change. */
  get lastEntry(): number {
    return this.#lastEntry;
  }

  findIdempotent(author: number, key: string): Idempotent | undefined {
    return this.#findIdempotent.get({ author, key });
  }

  /** Applies a frame in one transaction. A command that is refused leaves nothing behind and hinders no other. */
  apply(frame: readonly Command[]): Applied {
    const changes: RowChange[] = [];
    const state: State = { damagedWords: false, spaceSwitched: false, embedded: [] };
    try {
      const outcomes = this.#parts.database
        .transaction(() => frame.map((command) => this.#attempt(command, changes, state)))
        .immediate();
      return { outcomes, changes, ...state };
    } catch (error) {
      try {
        this.reload();
        this.#parts.audit.reload();
      } catch (cause) {
        this.#unreadable = { cause };
      }
      throw error;
    }
  }

  /** Forgets what is kept in memory and reads it again. */
  reload(): void {
    const { interning, declarations } = this.#parts;
    interning.reload();
    if (declarations.version !== this.#policy.version) this.#policy = declarations.policy();
    this.#readCounters();
  }

  #attempt(command: Command, changes: RowChange[], state: State): Outcome {
    const { request, at } = command.stamp;
    const done = request && this.#parts.requests.outcomeOf(request);
    if (done !== undefined) return done;
    const own: RowChange[] = [];
    const touching = new Touching();
    const context = this.#context(own, state, touching);
    const { policy } = context;
    const audited = (outcome: Outcome): Outcome => {
      this.#audit.record(command, outcome, touching, { policy, index: this.#lastEntry });
      return outcome;
    };
    try {
      // A nested transaction is a savepoint: only a command of several memories can be refused halfway.
      const several = command.type === 'remember' && command.drafts.length > 1;
      const run = () => this.#dispatch(command, context, state);
      const outcome = several ? this.#parts.database.transaction(run)() : run();
      changes.push(...own);
      if (request !== undefined && outcome.ok) this.#parts.requests.keep(request, outcome, at);
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
        return { ok: true, type: 'update', memory: memoryOf(record, this.#parts.interning) };
      }
      case 'forget':
        return { ok: true, type: 'forget', forgotten: applyForget(context, command.ids, command.ifRevision, stamp) };
      case 'share': {
        const record = applyShare(context, command.id, command.change, command.ifRevision, stamp);
        return { ok: true, type: 'share', memory: memoryOf(record, this.#parts.interning) };
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
        this.#parts.meta.put(copyMark, 0);
        return { ok: true, type: 'epoch' };
      case 'retain':
        assertRoot(stamp);
        return { ok: true, type: 'retain', dropped: this.#parts.audit.chain.drop(command.upTo) };
    }
  }

  #changePolicy(added: readonly Declared[], ended: readonly Declared[], at: number): void {
    const version = this.#parts.declarations.change(added, ended, at);
    const gone = ended.map(({ id }) => id);
    this.#policy = this.#policy.changed(version, added, gone);
  }

  #context(own: RowChange[], state: State, touching: Touching): ApplyContext {
    return {
      policy: this.#policy,
      interning: this.#parts.interning,
      records: this.#parts.records,
      writer: this.#writer,
      seal: this.#parts.seal,
      embedded: this.#parts.embedded,
      isDeclared: (id) => this.#parts.declarations.isTaken(id),
      changePolicy: (added, ended, at) => this.#changePolicy(added, ended, at),
      lastChange: (row) => this.#lastChange.get({ row }),
      findIdempotent: (author, key) => this.findIdempotent(author, key),
      analyze,
      nextRow: () => ++this.#lastRow,
      nextEntry: () => {
        this.#lastEntry = ++this.#lastNumber;
        return this.#lastEntry;
      },
      nextNumber: () => ++this.#lastNumber,
      report: (change) => own.push(change),
      touch: (id, namespace) => touching.touch(id, namespace),
      reportDamagedWords: () => {
        state.damagedWords = true;
      },
    };
  }

  #readCounters(): void {
    const max = (sql: string) => this.#parts.database.prepare(sql).pluck().get() as number;
    this.#lastRow = max('select coalesce(max(row), 0) from memories');
    this.#lastEntry = max('select coalesce(max(entry), 0) from changes');
    this.#lastNumber = Math.max(this.#lastEntry, max('select coalesce(max(entry), 0) from spaces'));
  }
}

function assertRoot({ by }: Stamp): void {
  if (!isRoot(by)) throw new MemoryError('FORBIDDEN', 'Only who opens the folder looks after its audit.');
}
