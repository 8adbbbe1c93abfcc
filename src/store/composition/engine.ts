import { createHmac } from 'node:crypto';
import { DecidingRuleCache } from '../../access/explain';
import { ReadableLabelSetCache } from '../../access/readable-label-sets';
import type { Audit } from '../../audit/audit';
import { MemoryError } from '../../domain/errors';
import type { Limits } from '../../domain/limits';
import type { Namespace } from '../../domain/namespace';
import type { Actor } from '../../domain/principal';
import type { SpaceEmbedder } from '../../embedding/space-embedder';
import type { Environment } from '../../environment/environment';
import { nextTurn } from '../../environment/timers';
import { KeywordIndex } from '../../keyword-index/keyword-index';
import { Postings } from '../../keyword-index/postings';
import type { ReplicatedLog } from '../../log/replicated-log';
import { CursorSigner } from '../../recall/cursor';
import type { ReadContext } from '../../recall/read-context';
import { VisibleSetCache } from '../../recall/visible-set';
import type { ChangeFeed } from '../../recall/watch';
import type { SpaceContext } from '../../reembedding/space-context';
import { SpaceMoves } from '../../reembedding/space-moves';
import type { AppliedBatch } from '../../state/apply/applier';
import type { RowChange } from '../../state/apply/apply-context';
import { findDuplicate } from '../../state/apply/apply-remember';
import type { EmbeddedRows } from '../../state/apply/apply-space';
import type { ChunkCounts } from '../../state/chunk-counts';
import type { StateStore } from '../../state/state-store';
import type { SpaceSearch } from '../../vector-index/space-search';
import type { VectorSearch } from '../../vector-index/vector-index';
import { Seeds } from '../../write/submit';
import type { WriteContext } from '../../write/write-context';
import { AuditCursorCipher } from '../audit-cursor';
import { type CallShapes, callShapes } from '../call-shapes';
import type { EventSource } from '../events';
import { ActiveReads } from '../lifetime';
import type { Options } from '../open-options';

// Of which one turn reads how many vectors they have.
const rowsAtOnce = 1024;

/** What the composition root puts together. */
export interface EngineDeps {
  readonly options: Options;
  readonly environment: Environment;
  readonly state: StateStore;
  readonly embedder: SpaceEmbedder;
  readonly log: ReplicatedLog;
  readonly vectors: SpaceSearch;
  /** A search in another space of the store. */
  searchIn(space: number): { readonly search: VectorSearch; readonly chunks: ChunkCounts };
  /** Removes what a search in another space has left on disk. */
  removeIndex(space: number): Promise<void>;
  readonly events: EventSource;
  readonly changed: ChangeFeed & { changed(): void; close(): void };
  readonly audit: Audit;
  readonly storeKey: Uint8Array;
  /** Gives back everything that was opened, after the last commit. */
  release(): Promise<void>;
}

/** One opened folder: everything that the handles of a process share. */
export class Engine {
  readonly state: StateStore;
  readonly environment: Environment;
  readonly limits: Limits;
  readonly shapes: CallShapes;
  readonly embedder: SpaceEmbedder;
  readonly vectors: SpaceSearch;
  readonly events: EventSource;
  readonly changed: ChangeFeed;
  readonly readOnly: boolean;
  readonly audit: Audit;
  readonly auditCursors: AuditCursorCipher;
  readonly deciding = new DecidingRuleCache();
  readonly reads = new ActiveReads();
  /** Records that passed a compiled filter and not the check on the way out: every one is a mistake of ours. */
  recheckRejected = 0;
  /** The ways to other embedding spaces. */
  readonly moves: SpaceMoves;
  readonly #deps: EngineDeps;
  #nextChunks: ChunkCounts | undefined;
  readonly #postings: Postings;
  readonly #reading: ReadContext;
  readonly #writing: WriteContext;
  // The refusals of which `apply` has written an entry.
  readonly #proposed = new WeakSet<MemoryError>();

  constructor(deps: EngineDeps) {
    this.#deps = deps;
    const { options, state, environment } = deps;
    this.state = state;
    this.environment = environment;
    this.limits = options.limits;
    this.shapes = callShapes(options.limits);
    this.embedder = deps.embedder;
    this.vectors = deps.vectors;
    this.events = deps.events;
    this.changed = deps.changed;
    this.readOnly = options.readOnly;
    this.audit = deps.audit;
    this.auditCursors = new AuditCursorCipher(deps.storeKey);
    this.#postings = new Postings({ read: (term) => state.readPostings(term) });
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
  applied({ outcomes, changes, wordsDamaged, spaceSwitched, embedded }: AppliedBatch): void {
    for (const outcome of outcomes) if (!outcome.ok) this.#proposed.add(outcome.error);
    this.audit.changed();
    if (wordsDamaged) this.#postings.clear();
    this.#follow(changes);
    for (const each of embedded) this.#followNext(each);
    if (spaceSwitched) this.#switchSearch();
    if (changes.length === 0) return;
    this.moves.changed();
    this.#deps.changed.changed();
    if (this.events.has('committed')) {
      this.events.emit('committed', { changeSeq: this.state.lastChangeSeq, ids: changes.map(({ id }) => id) });
    }
  }

  /** Another text after every change of rules or memories. */
  version(): string {
    this.#reading.refresh();
    return `${this.state.policy.version} ${this.state.lastChangeSeq}`;
  }

  /** Whether a refusal came from `apply`, so that the audit has it. */
  wasProposed(error: MemoryError): boolean {
    return this.#proposed.has(error);
  }

  /** Where a memory is, forgotten or not: for the audit alone. Undefined where there is none, or none that is intact. */
  placeOf(id: string): { namespace: Namespace; accessTags: readonly string[] } | undefined {
    try {
      const record = this.state.records.tombstoneOrRecord(id);
      return record && this.state.interning.labelSet(record.label_set);
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
    await this.#deps.log.close();
    this.#deps.changed.close();
    await this.vectors.close();
    try {
      this.audit.close();
    } finally {
      await this.#deps.release();
    }
  }

  #follow(changes: readonly RowChange[]): void {
    for (const { row, tokensBefore, tokens } of changes) {
      if (tokensBefore !== undefined) this.#postings.removed(row, tokensBefore);
      if (tokens !== undefined) this.#postings.added(row, tokens);
    }
    const rows = changes.flatMap(({ row, reindex }) => (reindex ? [row] : []));
    if (rows.length === 0) return;
    this.#nextChunks?.follow(rows);
    this.vectors.applied(this.state.lastChangeSeq, rows);
  }

  #followNext({ space, rows, changeSeq }: EmbeddedRows): void {
    if (this.#nextChunks?.space() !== space) return;
    this.#nextChunks.follow(rows);
    this.vectors.appliedNext(changeSeq, rows);
  }

  #switchSearch(): void {
    const { interning } = this.state;
    this.vectors.switch(() => this.#deps.searchIn(interning.currentSpace?.id as number).search);
    this.#nextChunks = undefined;
  }

  /** Follows what the owner of the folder has changed. */
  #refresh(): void {
    if (!this.readOnly) return;
    const space = this.state.interning.currentSpace?.id;
    const changes = this.state.refresh();
    // A store gets its first vectors without a switch.
    if (space !== undefined && this.state.interning.currentSpace?.id !== space) this.#switchSearch();
    if (changes.length === 0) return;
    // Which words came and went is not known here: they are read again when they are next asked for.
    this.#postings.clear();
    this.#follow(changes);
  }

  /** A write that is answered without a proposal leaves its entry here. */
  #answeredDuplicate(by: Actor, id: string): void {
    const { policy, lastChangeSeq } = this.state;
    const place = this.placeOf(id);
    void this.audit.record({
      ...{ at: this.environment.clock.now(), by, action: 'remember', decision: 'allowed', namespace: place?.namespace },
      ...{
        touched: [{ namespace: place?.namespace, ids: [id] }],
        policyVersion: policy.version,
        changeSeq: lastChangeSeq,
      },
      rules: place === undefined ? [] : this.deciding.idsFor(policy, by, 'write', place.namespace),
    });
  }

  #readContext(): ReadContext {
    const { state, storeKey } = this.#deps;
    return {
      limits: this.limits,
      clock: this.environment.clock,
      state,
      readable: new ReadableLabelSetCache(),
      visible: new VisibleSetCache(state),
      embedder: this.embedder,
      keywords: new KeywordIndex(this.#postings),
      vectors: () => this.vectors.index(),
      exactUpTo: this.#deps.options.exactUpTo,
      cursors: new CursorSigner(storeKey),
      refresh: () => this.#refresh(),
      snapshot: (read) =>
        state.snapshot(() => {
          this.#refresh();
          return read();
        }),
      recheckRejected: () => {
        this.recheckRejected++;
      },
    };
  }

  #spaceContext(): SpaceContext {
    const { state, searchIn, removeIndex } = this.#deps;
    return {
      state,
      embedder: this.embedder,
      writing: this.#writing,
      readsEnd: () => this.reads.idle(),
      prepareSearch: async (space, { until, signal }) => {
        const { search, chunks } = searchIn(space);
        // What is applied from here on is followed, what was before is read.
        this.#nextChunks = chunks;
        for (let after = 0; after < state.columns.last; after += rowsAtOnce) {
          chunks.read({ after, upTo: after + rowsAtOnce });
          await nextTurn();
          signal.throwIfAborted();
        }
        state.preparedChunks = chunks;
        await this.vectors.prepare(search, until);
      },
      abandonSearch: () => {
        this.#nextChunks = undefined;
        state.preparedChunks = undefined;
        return this.vectors.abandon();
      },
      removeIndex: async (space) => {
        await this.vectors.left();
        await removeIndex(space);
      },
    };
  }

  #writeContext(): WriteContext {
    const { state, environment, log, storeKey, options } = this.#deps;
    return {
      limits: this.limits,
      clock: environment.clock,
      newId: () => environment.newId(),
      seeds: new Seeds((length) => environment.randomBytes(length)),
      policy: () => state.policy,
      log,
      embedder: this.embedder,
      findDuplicate: (actor, idempotency) => {
        const found = findDuplicate(state, { idempotency }, state.interning.findActor(actor));
        if (found !== undefined) this.#answeredDuplicate(actor, found.id);
        return found;
      },
      digest: (content) => createHmac('sha256', storeKey).update(content).digest('base64url'),
      metadataSchema: options.metadata,
      newMemory: this.shapes.newMemory,
    };
  }
}
