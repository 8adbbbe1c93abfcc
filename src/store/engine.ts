import { createHmac } from 'node:crypto';
import { ReadableCaches } from '../access/readable-caches';
import type { Audit } from '../audit/audit';
import { MemoryError } from '../domain/errors';
import type { Limits } from '../domain/limits';
import type { Namespace } from '../domain/namespace';
import type { Actor } from '../domain/principal';
import type { SpaceEmbedder } from '../embedding/space-embedder';
import type { Environment } from '../environment/environment';
import { nextTurn } from '../environment/turn';
import { KeywordIndex } from '../keyword-index/keyword-index';
import { Postings } from '../keyword-index/postings';
import type { SpaceContext } from '../lifecycle/space-context';
import { SpaceMoves } from '../lifecycle/space-moves';
import type { ReplicatedLog } from '../log/replicated-log';
import { CursorSeal } from '../recall/cursor';
import type { ReadContext } from '../recall/read-context';
import { VisibleCache } from '../recall/visible-cache';
import type { Feed } from '../recall/watch';
import type { Applied } from '../state/apply';
import { findDuplicate } from '../state/apply-remember';
import type { EmbeddedRows } from '../state/apply-space';
import { DecidingRules } from '../state/deciding-rules';
import type { RowChange } from '../state/row-change';
import type { PartsInSpace } from '../state/space-parts';
import type { Truth } from '../state/truth';
import type { SpaceSearch } from '../vector-index/space-search';
import type { VectorSearch } from '../vector-index/vector-search';
import { Seeds } from '../write/seeds';
import type { WriteContext } from '../write/write-context';
import { AuditCursors } from './audit-cursor';
import { type CallShapes, callShapes } from './call-shapes';
import type { EventSource } from './events';
import type { Options } from './open-options';
import { ReadsUnderWay } from './reads-under-way';

// Of which one turn reads how many vectors they have.
const rowsAtOnce = 1024;

/** What the composition root puts together. */
export interface EngineParts {
  readonly options: Options;
  readonly environment: Environment;
  readonly truth: Truth;
  readonly embedder: SpaceEmbedder;
  readonly log: ReplicatedLog;
  readonly vectors: SpaceSearch;
  /** A search in another space of the store. */
  searchIn(space: number): { readonly search: VectorSearch; readonly parts: PartsInSpace };
  /** Removes what a search in another space has left on disk. */
  removeIndex(space: number): Promise<void>;
  readonly events: EventSource;
  readonly changed: Feed & { changed(): void; close(): void };
  readonly audit: Audit;
  readonly storeKey: Uint8Array;
  /** Gives back everything that was opened, after the last commit. */
  release(): Promise<void>;
}

/** One opened folder: everything that the handles of a process share. */
export class Engine {
  readonly truth: Truth;
  readonly environment: Environment;
  readonly limits: Limits;
  readonly shapes: CallShapes;
  readonly embedder: SpaceEmbedder;
  readonly vectors: SpaceSearch;
  readonly events: EventSource;
  readonly changed: Feed;
  readonly readOnly: boolean;
  readonly readables = new ReadableCaches();
  readonly audit: Audit;
  readonly auditCursors: AuditCursors;
  readonly deciding = new DecidingRules();
  readonly reads = new ReadsUnderWay();
  /** Records that passed a compiled filter and not the check on the way out: every one is a mistake of ours. */
  recheckRejected = 0;
  /** The ways to other embedding spaces. */
  readonly moves: SpaceMoves;
  readonly #parts: EngineParts;
  #nextParts: PartsInSpace | undefined;
  readonly #postings: Postings;
  readonly #reading: ReadContext;
  readonly #writing: WriteContext;
  // The refusals of which `apply` has written an entry.
  readonly #proposed = new WeakSet<MemoryError>();

  constructor(parts: EngineParts) {
    this.#parts = parts;
    const { options, truth, environment } = parts;
    this.truth = truth;
    this.environment = environment;
    this.limits = options.limits;
    this.shapes = callShapes(options.limits);
    this.embedder = parts.embedder;
    this.vectors = parts.vectors;
    this.events = parts.events;
    this.changed = parts.changed;
    this.readOnly = options.readOnly;
    this.audit = parts.audit;
    this.auditCursors = new AuditCursors(parts.storeKey);
    this.#postings = new Postings({ read: (term) => truth.readPostings(term) });
    this.#reading = this.#readContext();
    this.#writing = this.#writeContext();
    this.moves = new SpaceMoves(this.#spaceContext());
  }

  reading(): ReadContext {
    this.#reading.refresh();
    return this.#reading;
  }

  /** @throws STORE_READ_ONLY */
  writing(): WriteContext {
    if (!this.readOnly) return this.#writing;
    throw new MemoryError(
      'STORE_READ_ONLY',
      'The store was opened with readOnly: write through the process that owns the folder.',
    );
  }

  /** Told of every frame, after its commit and before its callers are answered. */
  applied({ outcomes, changes, damagedWords, spaceSwitched, embedded }: Applied): void {
    for (const outcome of outcomes) if (!outcome.ok) this.#proposed.add(outcome.error);
    this.audit.changed();
    if (damagedWords) this.#postings.clear();
    this.#follow(changes);
    for (const each of embedded) this.#followNext(each);
    if (spaceSwitched) this.#switchSearch();
    if (changes.length === 0) return;
    this.moves.changed();
    this.#parts.changed.changed();
    if (this.events.has('committed')) {
      this.events.emit('committed', { index: this.truth.lastEntry, ids: changes.map(({ id }) => id) });
    }
  }

  /** Another text after every change of rules or memories. */
  version(): string {
    this.#reading.refresh();
    return `${this.truth.policy.version} ${this.truth.lastEntry}`;
  }

  /** Whether a refusal came from `apply`, so that the audit has it. */
  wasProposed(error: MemoryError): boolean {
    return this.#proposed.has(error);
  }

  /** Where a memory is, forgotten or not: for the audit alone. Undefined where there is none, or none that is intact. */
  placeOf(id: string): { namespace: Namespace; accessTags: readonly string[] } | undefined {
    try {
      const record = this.truth.records.tombstoneOrRecord(id);
      return record && this.truth.interning.scope(record.scope);
    } catch (error) {
      if (MemoryError.is(error)) return undefined;
      throw error;
    }
  }

  /** Indexes the words of all texts anew. */
  forgetWords(): void {
    this.#postings.clear();
  }

  async close(): Promise<void> {
    await this.moves.close();
    await this.#parts.log.close();
    this.#parts.changed.close();
    await this.vectors.close();
    try {
      this.audit.close();
    } finally {
      await this.#parts.release();
    }
  }

  #follow(changes: readonly RowChange[]): void {
    for (const { row, tokensBefore, tokens } of changes) {
      if (tokensBefore !== undefined) this.#postings.removed(row, tokensBefore);
      if (tokens !== undefined) this.#postings.added(row, tokens);
    }
    const rows = changes.flatMap(({ row, reindex }) => (reindex ? [row] : []));
    if (rows.length === 0) return;
    this.#nextParts?.follow(rows);
    this.vectors.applied(this.truth.lastEntry, rows);
  }

  #followNext({ space, rows, entry }: EmbeddedRows): void {
    if (this.#nextParts?.space() !== space) return;
    this.#nextParts.follow(rows);
    this.vectors.appliedNext(entry, rows);
  }

  #switchSearch(): void {
    const { interning } = this.truth;
    this.vectors.switch(() => this.#parts.searchIn(interning.currentSpace?.id as number).search);
    this.#nextParts = undefined;
  }

  /** Follows what the owner of the folder has changed. */
  #refresh(): void {
    if (!this.readOnly) return;
    const space = this.truth.interning.currentSpace?.id;
    const changes = this.truth.refresh();
    // A store gets its first vectors without a switch.
    if (space !== undefined && this.truth.interning.currentSpace?.id !== space) this.#switchSearch();
    if (changes.length === 0) return;
    // Which words came and went is not known here: they are read again when they are next asked for.
    this.#postings.clear();
    this.#follow(changes);
  }

  /** A write that is answered without a proposal leaves its entry here. */
  #answeredDuplicate(by: Actor, id: string): void {
    const { policy, lastEntry } = this.truth;
    const place = this.placeOf(id);
    void this.audit.record({
      ...{ at: this.environment.clock.now(), by, action: 'remember', decision: 'allowed', asked: place?.namespace },
      ...{ touched: [{ namespace: place?.namespace, ids: [id] }], policyVersion: policy.version, index: lastEntry },
      rules: place === undefined ? [] : this.deciding.of(policy, by, 'write', place.namespace),
    });
  }

  #readContext(): ReadContext {
    const { truth, storeKey } = this.#parts;
    return {
      limits: this.limits,
      clock: this.environment.clock,
      truth,
      visible: new VisibleCache(truth),
      embedder: this.embedder,
      keywords: new KeywordIndex(this.#postings),
      vectors: () => this.vectors.index(),
      exactUpTo: this.#parts.options.exactUpTo,
      cursors: new CursorSeal(storeKey),
      refresh: () => this.#refresh(),
      snapshot: (read) =>
        truth.snapshot(() => {
          this.#refresh();
          return read();
        }),
      recheckRejected: () => {
        this.recheckRejected++;
      },
    };
  }

  #spaceContext(): SpaceContext {
    const { truth, searchIn, removeIndex } = this.#parts;
    return {
      truth,
      embedder: this.embedder,
      writing: this.#writing,
      readsEnd: () => this.reads.end(),
      prepareSearch: async (space, { until, signal }) => {
        const { search, parts } = searchIn(space);
        // What is applied from here on is followed, what was before is read.
        this.#nextParts = parts;
        for (let after = 0; after < truth.columns.last; after += rowsAtOnce) {
          parts.read({ after, upTo: after + rowsAtOnce });
          await nextTurn();
          signal.throwIfAborted();
        }
        truth.prepared = parts;
        await this.vectors.prepare(search, until);
      },
      abandonSearch: () => {
        this.#nextParts = undefined;
        truth.prepared = undefined;
        return this.vectors.abandon();
      },
      removeIndex: async (space) => {
        await this.vectors.left();
        await removeIndex(space);
      },
    };
  }

  #writeContext(): WriteContext {
    const { truth, environment, log, storeKey, options } = this.#parts;
    return {
      limits: this.limits,
      clock: environment.clock,
      newId: () => environment.newId(),
      seeds: new Seeds((length) => environment.randomBytes(length)),
      policy: () => truth.policy,
      log,
      embedder: this.embedder,
      findDuplicate: (actor, idempotency) => {
        const found = findDuplicate(truth, { idempotency }, truth.interning.findActor(actor));
        if (found !== undefined) this.#answeredDuplicate(actor, found.id);
        return found;
      },
      digest: (content) => createHmac('sha256', storeKey).update(content).digest('base64url'),
      metadataSchema: options.metadata,
      newMemory: this.shapes.newMemory,
    };
  }
}
