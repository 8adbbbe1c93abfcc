import { nextTurn } from '../environment/timers';
import type { Space } from '../state/tables/interning';
import { type Filling, fillRows, fillSome } from './fill-space';
import { unpaced } from './pace';
import { defaultBatchSize } from './reembedding';
import type { SpaceContext } from './space-context';

/**
 * Keeps the space that the store came from complete while its embedder is at hand, so that going back takes an instant. Behind
 * the writes: none of them waits for it. What fails is left to whoever goes back.
 */
export class SpaceFollower {
  readonly #context: SpaceContext;
  readonly #ending = new AbortController();
  /** Ends what is under way: an embedder may never answer. */
  #holding = new AbortController();
  /** The space that was followed to that change; another one begins from nothing. */
  #followed: { readonly space: number; through: number } | undefined;
  #running: Promise<void> | undefined;
  #isHeld = false;
  #hasChanged = false;

  constructor(context: SpaceContext) {
    this.#context = context;
  }

  /** Told of every change, and when the store has moved. */
  changed(): void {
    this.#hasChanged = true;
    if (this.#isHeld || this.#running !== undefined || this.#ending.signal.aborted) return;
    if (this.#previous() === undefined) return;
    this.#running = this.#follow().finally(() => {
      this.#running = undefined;
    });
  }

  /** Stops, until it is let go: somebody else moves the store. */
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
    this.#ending.abort();
    this.#holding.abort();
    await this.#running;
  }

  /** The space to follow, where that is possible. */
  #previous(): Space | undefined {
    const { state, embedder } = this.#context;
    const previous = state.interning.spaceInRole('previous');
    return previous !== undefined && embedder.of(previous.name) !== undefined ? previous : undefined;
  }

  async #follow(): Promise<void> {
    // Those who were just answered go first.
    await nextTurn();
    while (this.#hasChanged && !this.#isHeld && !this.#ending.signal.aborted) {
      this.#hasChanged = false;
      const space = this.#previous();
      if (space === undefined) return;
      try {
        await this.#catchUp(space);
      } catch {
        // Told as 'degraded' where it was the embedder. The next change tries again.
        return;
      }
    }
  }

  async #catchUp(space: Space): Promise<void> {
    const { state } = this.#context;
    const upTo = state.lastChangeSeq;
    const filling = this.#filling(space);
    if (this.#followed?.space === space.id) {
      await fillSome(this.#context, filling, state.embeddedTable.missingSince(space.id, this.#followed.through));
    } else {
      await fillRows(this.#context, filling, { after: 0, upTo: state.columns.last });
    }
    this.#followed = { space: space.id, through: upTo };
  }

  #filling(space: Space): Filling {
    const ignored = () => undefined;
    return {
      space,
      batchSize: defaultBatchSize,
      pace: unpaced,
      signal: this.#holding.signal,
      ...{ onDone: ignored, onEmbedded: ignored, onRefused: ignored, onAccepted: ignored },
    };
  }
}
