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
  /** The estimated remaining time, from the rate so far. Absent until it can be estimated, and in the phase 'index'. */
  remainingMs?: number;
}

/** The options of `reembed`. */
export interface ReembedOptions extends CallOptions {
  /** The number of texts in one call of the embedder. Default: 32. */
  batchSize?: number;
  /** The largest number of memories to embed per second. Default: no limit. */
  maxPerSecond?: number;
  onProgress?: (progress: ReembedProgress) => void;
}

/** The result of `reembed`. */
export interface ReembedResult {
  /** The embedding space that the store uses for searches from now on. */
  space: EmbeddingSpace;
  /** The number of memories to which this call gave vectors in that space. */
  embedded: number;
}

/** The parts of a store that a run uses. */
export interface RunContext extends FillContext {
  readonly state: Pick<StateStore, 'coverage' | 'rowChecksum' | 'records' | 'lastChangeSeq'>;
  readonly model: Pick<ReadModel, 'columns'>;
  readonly embedder: Pick<SpaceEmbedder, 'into' | 'hold'>;
  /**
   * Prepares the search in a space, while the current search stays in use. When the signal is aborted, rejects with the reason of
   * the signal or resolves soon.
   */
  prepareSearch(space: number, until: 'ready' | 'settled', signal: AbortSignal): Promise<void>;
  /** Drops the search that `prepareSearch` prepared. */
  abandonSearch(): Promise<void>;
}

export interface RunOptions {
  readonly space: Space;
  readonly batchSize: number;
  readonly pace: Pace;
  /**
   * 'settled': switches when searches in the new space are as fast as possible. 'ready': switches when they no longer wait for an
   * index to be built.
   */
  readonly until: 'ready' | 'settled';
  readonly signal: AbortSignal;
  readonly onProgress: ((progress: ReembedProgress) => void) | undefined;
  readonly elapsedMs: () => number;
}

/** The default for `batchSize`. */
export const defaultBatchSize = 32;

// In these first rounds writers are not stopped. Each round has fewer texts than the one before, unless writers add texts as fast as
// they are embedded.
const freeRounds = 2;
const fewBatches = 4;
// If, for example, the API key is invalid, every text is rejected. The run then fails after a few batches.
const maxRejectedInARow = 64;
// The largest number of ids in an error message.
const maxNamed = 10;

/**
 * Moves a store to the embedding space that it has begun. First every memory with vectors gets vectors in the new space, then the
 * index of the new vectors is prepared. At the end one command makes searches use the new space. If a call is aborted, the next call
 * continues its work.
 *
 * Memories that are written during a move are embedded in further rounds. New writes wait until the store has switched only in two
 * cases: if they arrive faster than they are embedded, or if few texts are left.
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

  /**
   * Runs the move. Finished work is kept if it fails.
   *
   * @throws the reason of the signal, EMBEDDING_FAILED, EMBEDDER_MISSING, DISK_FULL, STORE_CLOSED
   */
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
        // If writers never pause, the store could never switch. So they must wait while the last few texts are embedded. If they are
        // faster than the embedder, they must wait for all remaining texts.
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

  /** Finds the rows that were written after this change and have no vectors in the new space. */
  #missingSince(changeSeq: number): number[] {
    const { coverage, records } = this.#context.state;
    const rows = coverage.missingSince(this.#options.space.id, changeSeq);
    // Leaves out damaged memories. They cannot be embedded, and no search finds them.
    return rows.filter((row) => records.intactByRow(row) !== undefined);
  }

  async #prepare(): Promise<void> {
    if (this.#isPrepared) return;
    const { space, signal, until } = this.#options;
    this.#report('index');
    // Ends the preparation if the call is aborted, because building an index takes seconds.
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
