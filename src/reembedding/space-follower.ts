import type { SpaceEmbedder } from '../embedding/space-embedder';
import { nextTurn } from '../environment/timers';
import type { ReadModel } from '../state/read-model';
import type { StateStore } from '../state/state-store';
import type { Space } from '../state/tables/interning';
import { type FillContext, type FillOptions, fillRange, fillRows } from './fill-space';
import { unpaced } from './pace';
import { defaultBatchSize } from './reembedding-run';

/** What following needs of its store. */
export interface FollowContext extends FillContext {
  readonly state: Pick<StateStore, 'coverage' | 'rowChecksum' | 'interning' | 'lastChangeSeq'>;
  readonly model: Pick<ReadModel, 'columns'>;
  readonly embedder: Pick<SpaceEmbedder, 'into' | 'of'>;
}

/**
 * Keeps the space that the store came from complete while its embedder is available, so that a rollback takes no time. It works after
 * the writes: no write waits for it. If it fails, the rollback embeds what is missing.
 */
export class SpaceFollower {
  readonly #context: FollowContext;
  readonly #closing = new AbortController();
  /** Ends the fill that is running, because the embedder may never answer. */
  #holding = new AbortController();
  /** The space that is complete up to this change. Another space is filled from its first row. */
  #followed: { readonly space: number; through: number } | undefined;
  #running: Promise<void> | undefined;
  #isHeld = false;
  #hasChanged = false;

  constructor(context: FollowContext) {
    this.#context = context;
  }

  /** To be called after each change while there is a previous space, and after a switch. */
  changed(): void {
    this.#hasChanged = true;
    if (this.#isHeld || this.#running !== undefined || this.#closing.signal.aborted) return;
    if (this.#previous() === undefined) return;
    this.#running = this.#follow().finally(() => {
      this.#running = undefined;
    });
  }

  /** Stops until `release`, because a move between spaces is running. */
  async hold(): Promise<void> {
    this.#isHeld = true;
    this.#holding.abort();
    await this.#running;
  }

  release(): void {
    this.#isHeld = false;
    this.#holding = new AbortController();
    this.changed();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#holding.abort();
    await this.#running;
  }

  /** The space that the store came from, if its embedder is available. */
  #previous(): Space | undefined {
    const { state, embedder } = this.#context;
    const previous = state.interning.spaceInRole('previous');
    return previous !== undefined && embedder.of(previous.name) !== undefined ? previous : undefined;
  }

  async #follow(): Promise<void> {
    // Callers who were just answered go first.
    await nextTurn();
    while (this.#hasChanged && !this.#isHeld && !this.#closing.signal.aborted) {
      this.#hasChanged = false;
      const space = this.#previous();
      if (space === undefined) return;
      try {
        await this.#catchUp(space);
      } catch {
        // An error of the embedder was reported as 'degraded'. The next change tries again.
        return;
      }
    }
  }

  async #catchUp(space: Space): Promise<void> {
    const { state, model } = this.#context;
    const through = state.lastChangeSeq;
    const options = this.#options(space);
    if (this.#followed?.space === space.id) {
      await fillRows(this.#context, options, state.coverage.missingSince(space.id, this.#followed.through));
    } else {
      await fillRange(this.#context, options, { after: 0, upTo: model.columns.last });
    }
    this.#followed = { space: space.id, through };
  }

  #options(space: Space): FillOptions {
    return {
      space,
      batchSize: defaultBatchSize,
      pace: unpaced,
      signal: this.#holding.signal,
      onDone: () => undefined,
      onEmbedded: () => undefined,
      onRejected: () => undefined,
      onAccepted: () => undefined,
    };
  }
}
