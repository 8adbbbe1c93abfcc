import type { CallOptions, Progress } from '../domain/calls';
import { defined } from '../domain/defined';
import { MemoryError } from '../domain/errors';
import type { EmbeddingSpace } from '../embedding/embedder';
import type { SpaceEmbedder } from '../embedding/space-embedder';
import type { ReadModel } from '../state/read-model';
import type { StateStore } from '../state/state-store';
import type { Space } from '../state/tables/interning';
import { host, submit } from '../write/submit';
import { type FillContext, type FillOptions, fillRange, fillRows } from './fill-space';
import type { Pace } from './pace';

/** The progress of `reembed`. */
export interface ReembedProgress extends Progress {
  /** 'embed' while texts are embedded, 'index' while the index of the new vectors is built. */
  phase: 'embed' | 'index';
  total: number;
  /** An estimate from the pace so far. Absent until there is one, and in the phase 'index'. */
  remainingMs?: number;
}

/** How `reembed` works. */
export interface ReembedOptions extends CallOptions {
  /** The number of texts that are embedded in one call of the embedder. Default: 32. */
  batchSize?: number;
  /** The largest number of memories that are embedded in a second. Default: no limit. */
  maxPerSecond?: number;
  onProgress?: (progress: ReembedProgress) => void;
}

/** The result of `reembed`. */
export interface ReembedResult {
  /** The space that is searched from now on. */
  space: EmbeddingSpace;
  /** The number of memories that got vectors in it by this call. */
  embedded: number;
}

/** What a run needs of its store. */
export interface RunContext extends FillContext {
  readonly state: Pick<StateStore, 'coverage' | 'rowChecksum' | 'records' | 'lastChangeSeq'>;
  readonly model: Pick<ReadModel, 'columns'>;
  readonly embedder: Pick<SpaceEmbedder, 'into' | 'hold'>;
  /**
   * Prepares the search in a space, beside the search in use. When the signal is aborted it rejects with the reason of the signal, or
   * ends soon.
   */
  prepareSearch(space: number, until: 'ready' | 'settled', signal: AbortSignal): Promise<void>;
  /** Drops the search that was prepared. */
  abandonSearch(): Promise<void>;
}

export interface RunOptions {
  readonly space: Space;
  readonly batchSize: number;
  readonly pace: Pace;
  /** 'settled': switches when searches are as fast as they get. 'ready': switches when they need no index that is yet to be built. */
  readonly until: 'ready' | 'settled';
  readonly signal: AbortSignal;
  readonly onProgress: ((progress: ReembedProgress) => void) | undefined;
  readonly elapsedMs: () => number;
}

/** The default of `batchSize`. */
export const defaultBatchSize = 32;

// Each round has fewer texts than the round before, unless writers add texts as fast as they are embedded.
const freeRounds = 2;
const fewBatches = 4;
// An invalid API key rejects every text: the caller learns it after a few batches.
const maxRejectedInARow = 64;
// The number of ids that an error message names.
const maxNamed = 10;

/**
 * Moves a store to the space that it has begun: every memory with vectors gets vectors in the new space, the index of these vectors is
 * prepared, and one command makes the new space the searched one. Work that an aborted call has done is not done again.
 *
 * Writes go on meanwhile and are embedded at the end. Only if they arrive faster than they are embedded, or a few are left, writes wait
 * until the store has switched.
 */
export class ReembeddingRun {
  readonly #context: RunContext;
  readonly #options: RunOptions;
  readonly #fill: FillOptions;
  readonly #rejected = new Map<string, MemoryError>();
  #rejectedInARow = 0;
  #isPrepared = false;
  #total = 0;
  #done = 0;
  #failed = 0;
  #embedded = 0;

  constructor(context: RunContext, options: RunOptions) {
    this.#context = context;
    this.#options = options;
    const { space, batchSize, pace, signal } = options;
    this.#fill = {
      space,
      batchSize,
      pace,
      signal,
      onDone: (rows, failed) => this.#onDone(rows, failed),
      onEmbedded: (memories) => {
        this.#embedded += memories;
      },
      onRejected: (id, error) => this.#onRejected(id, error),
      onAccepted: () => {
        this.#rejectedInARow = 0;
      },
    };
  }

  /** @throws the reason of the signal, EMBEDDING_FAILED, EMBEDDER_MISSING, DISK_FULL, STORE_CLOSED. Finished work is kept. */
  async run(): Promise<ReembedResult> {
    const { state, model } = this.#context;
    const { space, batchSize } = this.#options;
    let checkedThrough = state.lastChangeSeq;
    this.#total = model.columns.last;
    await fillRange(this.#context, this.#fill, { after: 0, upTo: this.#total });
    let release: (() => void) | undefined;
    let before = this.#total;
    try {
      for (let round = 1; ; round++) {
        const upTo = state.lastChangeSeq;
        const missing = this.#missingSince(checkedThrough);
        // Writers who never rest would keep the store from switching. They are held for the last few texts, and when they are faster
        // than the embedder, for all texts that are left.
        const isNearlyDone = round > freeRounds && missing.length <= fewBatches * batchSize;
        if (isNearlyDone || missing.length > before) release ??= this.#context.embedder.hold();
        before = missing.length;
        await fillRows(this.#context, this.#fill, missing);
        checkedThrough = upTo;
        if (this.#rejected.size > 0) throw rejectedBy(space, this.#rejected);
        await this.#prepare();
        if (await this.#switch(checkedThrough)) return { space: { ...space.name }, embedded: this.#embedded };
      }
    } finally {
      release?.();
    }
  }

  /** The rows that were written after this change and have no vectors in the new space. */
  #missingSince(changeSeq: number): number[] {
    const { coverage, records } = this.#context.state;
    const rows = coverage.missingSince(this.#options.space.id, changeSeq);
    // A damaged memory cannot be embedded, and is found in no space.
    return rows.filter((row) => records.intactByRow(row) !== undefined);
  }

  async #prepare(): Promise<void> {
    if (this.#isPrepared) return;
    const { space, signal, until } = this.#options;
    this.#report('index');
    // Building an index takes seconds: an abort ends it.
    const abandon = () => void this.#context.abandonSearch();
    signal.addEventListener('abort', abandon, { once: true });
    try {
      signal.throwIfAborted();
      await this.#context.prepareSearch(space.id, until, signal);
    } finally {
      signal.removeEventListener('abort', abandon);
    }
    this.#isPrepared = true;
    signal.throwIfAborted();
  }

  async #switch(checkedThrough: number): Promise<boolean> {
    const space = this.#options.space.name;
    return (await submit(this.#context.writing, host, { type: 'switch-space', space, checkedThrough })).switched;
  }

  #onRejected(id: string, error: MemoryError): void {
    this.#rejected.set(id, error);
    if (++this.#rejectedInARow >= maxRejectedInARow) throw error;
  }

  #onDone(rows: number, failed: number): void {
    this.#done += rows;
    this.#failed += failed;
    this.#report('embed');
  }

  #report(phase: ReembedProgress['phase']): void {
    const { onProgress, elapsedMs } = this.#options;
    if (onProgress === undefined) return;
    const total = Math.max(this.#total, this.#done);
    const perSecond = (this.#embedded / elapsedMs()) * 1000;
    const estimateMs = ((total - this.#done) / perSecond) * 1000;
    const remainingMs = phase === 'embed' && Number.isFinite(estimateMs) ? estimateMs : undefined;
    onProgress({ phase, done: this.#done, failed: this.#failed, total, perSecond, ...defined({ remainingMs }) });
  }
}

function rejectedBy({ name }: Space, rejected: ReadonlyMap<string, MemoryError>): MemoryError {
  const ids = [...rejected.keys()].slice(0, maxNamed).join(', ');
  const more = rejected.size > maxNamed ? ` and ${rejected.size - maxNamed} more` : '';
  const message = `${name.model} rejected the texts of these memories: ${ids}${more}. The store stays in its embedding space; all other memories have their vectors in the new one. Change or forget the rejected memories, then call reembed again.`;
  return new MemoryError('EMBEDDING_FAILED', message, { cause: rejected.values().next().value });
}
