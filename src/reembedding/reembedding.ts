import type { CallOptions, Progress } from '../domain/calls';
import { MemoryError } from '../domain/errors';
import type { EmbeddingSpace } from '../embedding/embedder';
import type { Space } from '../state/tables/interning';
import { host, submit } from '../write/submit';
import { type Filling, fillRows, fillSome } from './fill-space';
import type { Pace } from './pace';
import type { SpaceContext } from './space-context';

/** How far `reembed` has come. */
export interface ReembedProgress extends Progress {
  /** 'embed' the texts, 'index' the new vectors. */
  phase: 'embed' | 'index';
  total: number;
  /** An estimate from the pace so far; absent until there is one, and while the index is built. */
  remainingMs?: number;
}

/** How `reembed` works. */
export interface ReembedOptions extends CallOptions {
  /** How many texts are embedded at a time. Default: 32. */
  batchSize?: number;
  /** How many memories are embedded in a second, at most. Default: as many as it can. */
  maxPerSecond?: number;
  onProgress?: (progress: ReembedProgress) => void;
}

/** What `reembed` has done. */
export interface ReembedResult {
  /** The space that is searched from now on. */
  space: EmbeddingSpace;
  /** How many memories got vectors in it by this call. */
  embedded: number;
}

export interface ReembeddingOptions {
  readonly space: Space;
  readonly batchSize: number;
  readonly pace: Pace;
  /** How fast searches are to be before they move: as fast as they get, or fast enough. */
  readonly until: 'ready' | 'settled';
  readonly signal: AbortSignal;
  readonly onProgress: ((progress: ReembedProgress) => void) | undefined;
  readonly elapsedMs: () => number;
}

/** How many texts are embedded at a time, unless it is said. */
export const defaultBatchSize = 32;

// Each has fewer texts than the one before, unless they come as fast as they are embedded.
const freeRounds = 2;
const fewBatches = 4;
// A refused key refuses every text: who asked is told soon.
const mostRefusedInARow = 64;
// An error names so many of them.
const mostNamed = 10;

/**
 * Moves a store to a space that it is on its way to: every memory that has vectors gets them there, the index of them is made
 * ready, and one command makes it the space that is searched. What was done before, by a call that was broken off, is not done
 * again. What is written meanwhile gets its vectors there at the end: no write waits for the new embedder, unless writes come faster
 * than it takes them, and then only for the last few.
 */
export class ReembeddingRun {
  readonly #context: SpaceContext;
  readonly #options: ReembeddingOptions;
  readonly #filling: Filling;
  readonly #refused = new Map<string, MemoryError>();
  #refusedInARow = 0;
  #isPrepared = false;
  #total = 0;
  #done = 0;
  #failed = 0;
  #embedded = 0;

  constructor(context: SpaceContext, options: ReembeddingOptions) {
    this.#context = context;
    this.#options = options;
    const { space, batchSize, pace, signal } = options;
    this.#filling = {
      space,
      batchSize,
      pace,
      signal,
      onDone: (rows, failed) => this.#progressed(rows, failed),
      onEmbedded: (memories) => {
        this.#embedded += memories;
      },
      onRefused: (id, error) => this.#onRefused(id, error),
      onAccepted: () => {
        this.#refusedInARow = 0;
      },
    };
  }

  /** @throws the signal's reason, EMBEDDING_FAILED, EMBEDDER_MISSING, DISK_FULL, STORE_CLOSED; what was done stays done. */
  async run(): Promise<ReembedResult> {
    const { state } = this.#context;
    const { space, batchSize } = this.#options;
    let checkedThrough = state.lastChangeSeq;
    this.#total = state.columns.last;
    await fillRows(this.#context, this.#filling, { after: 0, upTo: state.columns.last });
    let release: (() => void) | undefined;
    let before = this.#total;
    try {
      for (let round = 1; ; round++) {
        const upTo = state.lastChangeSeq;
        const lacking = this.#lackingSince(checkedThrough);
        // Writers that never rest would keep the store from moving for ever: they wait for the last few texts, and where they are
        // faster than the embedder, for all that it has yet to do.
        const isNearlyDone = round > freeRounds && lacking.length <= fewBatches * batchSize;
        if (isNearlyDone || lacking.length > before) release ??= this.#context.embedder.hold();
        before = lacking.length;
        await fillSome(this.#context, this.#filling, lacking);
        checkedThrough = upTo;
        if (this.#refused.size > 0) throw refusedBy(space, this.#refused);
        await this.#prepare();
        if (await this.#switch(checkedThrough)) return { space: { ...space.name }, embedded: this.#embedded };
      }
    } finally {
      release?.();
    }
  }

  /** What was written without its vectors there. */
  #lackingSince(checked: number): number[] {
    const { embeddedTable } = this.#context.state;
    return embeddedTable.missingSince(this.#options.space.id, checked).filter((row) => this.#isOpen(row));
  }

  /** Whether a row can be filled: one that is damaged cannot, and is not found in any space. */
  #isOpen(row: number): boolean {
    return this.#context.state.records.intactByRow(row) !== undefined;
  }

  async #prepare(): Promise<void> {
    if (this.#isPrepared) return;
    const { space, signal, until } = this.#options;
    this.#report('index');
    // Who waits for an index to be built would wait for seconds.
    const abandon = () => void this.#context.abandonSearch();
    signal.addEventListener('abort', abandon, { once: true });
    try {
      signal.throwIfAborted();
      await this.#context.prepareSearch(space.id, { until, signal });
    } finally {
      signal.removeEventListener('abort', abandon);
    }
    this.#isPrepared = true;
    signal.throwIfAborted();
  }

  async #switch(checkedThrough: number): Promise<boolean> {
    const { space } = this.#options;
    const { writing } = this.#context;
    return (await submit(writing, host, { type: 'switch-space', space: space.name, checkedThrough })).switched;
  }

  #onRefused(id: string, error: MemoryError): void {
    this.#refused.set(id, error);
    if (++this.#refusedInARow >= mostRefusedInARow) throw error;
  }

  #progressed(rows: number, failed: number): void {
    this.#done += rows;
    this.#failed += failed;
    this.#report('embed');
  }

  #report(phase: ReembedProgress['phase']): void {
    const { onProgress, elapsedMs } = this.#options;
    if (onProgress === undefined) return;
    const total = Math.max(this.#total, this.#done);
    const perSecond = (this.#embedded / elapsedMs()) * 1000;
    const remainingMs = ((total - this.#done) / perSecond) * 1000;
    const isKnown = phase === 'embed' && Number.isFinite(remainingMs);
    onProgress({
      phase,
      done: this.#done,
      failed: this.#failed,
      total,
      perSecond,
      ...(isKnown ? { remainingMs } : {}),
    });
  }
}

function refusedBy({ name }: Space, refused: ReadonlyMap<string, MemoryError>): MemoryError {
  const ids = [...refused.keys()].slice(0, mostNamed).join(', ');
  const more = refused.size > mostNamed ? `, and ${refused.size - mostNamed} more` : '';
  const message = `${name.model} refuses the texts of ${ids}${more}: the store stays in its space, and all others have their vectors in the new one. Change or forget those memories, and call reembed again.`;
  return new MemoryError('EMBEDDING_FAILED', message, { cause: refused.values().next().value });
}
