import type { SpaceEmbedder } from '../embedding/space-embedder';
import { nextTurn } from '../environment/timers';
import type { ReadModel } from '../state/read-model';
import type { StateStore } from '../state/state-store';
import type { Space } from '../state/tables/interning';
import { type FillContext, type FillOptions, fillRange, fillRows } from './fill-space';
import { unpaced } from './pace';
import { defaultBatchSize } from './reembedding-run';

/** The parts of a store that the follower uses. */
export interface FollowContext extends FillContext {
  readonly state: Pick<StateStore, 'coverage' | 'rowChecksum' | 'interning' | 'lastChangeSeq'>;
  readonly model: Pick<ReadModel, 'columns'>;
  readonly embedder: Pick<SpaceEmbedder, 'into' | 'of'>;
}

/**
 * After a move, keeps the previous embedding space complete, so that a rollback takes no time. It adds vectors for each new memory
 * after the write, so writes do not wait for it. It works only while the embedder of that space is available. If vectors are
 * missing, the rollback adds them.
 */
export class SpaceFollower {
  readonly #context: FollowContext;
  readonly #closing = new AbortController();
  /** Aborts the running fill, because the embedder may never answer. */
  #holding = new AbortController();
  /** The space that is complete up to the change `through`. Any other space is filled from its first row. */
  #followed: { readonly space: number; through: number } | undefined;
  #running: Promise<void> | undefined;
  #isHeld = false;
  #hasChanged = false;

  constructor(context: FollowContext) {
    this.#context = context;
  }

  /** Starts to add missing vectors. Call it after each change while there is a previous space, and after a switch. */
  changed(): void {
    this.#hasChanged = true;
    if (this.#isHeld || this.#running !== undefined || this.#closing.signal.aborted) return;
    if (this.#previous() === undefined) return;
    this.#running = this.#follow().finally(() => {
      this.#running = undefined;
    });
  }

  /** Stops until `release` is called, because a move between spaces is running. */
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

  /** Returns the previous space, if its embedder is available. */
  #previous(): Space | undefined {
    const { state, embedder } = this.#context;
    const previous = state.interning.spaceInRole('previous');
    return previous !== undefined && embedder.of(previous.name) !== undefined ? previous : undefined;
  }

  async #follow(): Promise<void> {
    // Lets callers who were just answered run first.
    await nextTurn();
    while (this.#hasChanged && !this.#isHeld && !this.#closing.signal.aborted) {
      this.#hasChanged = false;
      const space = this.#previous();
      if (space === undefined) return;
      try {
        await this.#catchUp(space);
      } catch {
        // Errors of the embedder were already reported by the event 'degraded'. The next change tries again.
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
