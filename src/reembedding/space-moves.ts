import { invalidInput, MemoryError } from '../domain/errors';
import type { Embedder } from '../embedding/embedder';
import { isSame } from '../embedding/space-embedder';
import { nextTurn, startStopwatch } from '../environment/timers';
import type { Space } from '../state/tables/interning';
import { host, submit } from '../write/submit';
import { dropSpace } from './drop-space';
import type { Pace } from './pace';
import { ReembeddingRun, type ReembedProgress, type ReembedResult } from './reembedding';
import type { SpaceContext } from './space-context';
import { SpaceFollower } from './space-follower';

export interface SpaceMove {
  readonly batchSize: number;
  readonly pace: Pace;
  readonly signal: AbortSignal;
  readonly onProgress?: ((progress: ReembedProgress) => void) | undefined;
}

type DropListener = (done: number, total: number) => void;

const rowsAtOnce = 512;

/** Moves of a store between embedding spaces: one at a time. */
export class SpaceMoves {
  readonly #context: SpaceContext;
  readonly #follower: SpaceFollower;
  readonly #ending = new AbortController();
  #running: Promise<unknown> | undefined;
  /** The space that the latest move went to; absent where it was refused. */
  #begun: number | undefined;

  constructor(context: SpaceContext) {
    this.#context = context;
    this.#follower = new SpaceFollower(context);
  }

  /** Told of every change. */
  changed(): void {
    this.#follower.changed();
  }

  /** @throws INVALID_INPUT where a move is under way, EMBEDDING_FAILED, DISK_FULL, STORE_CLOSED, the signal's reason */
  reembed(embedder: Embedder, move: SpaceMove): Promise<ReembedResult> {
    return this.#alone(move, async (signal) => {
      this.#begun = undefined;
      const { state } = this.#context;
      const { currentSpace } = state.interning;
      if (currentSpace === undefined || isSame(currentSpace.name, embedder.space)) {
        this.#context.embedder.use(embedder);
        return { space: { ...embedder.space }, embedded: 0 };
      }
      return this.#to(await this.#begin(embedder.space), { ...move, signal }, embedder);
    });
  }

  /** @throws INVALID_INPUT where there is none to go back to, EMBEDDER_MISSING, and what `reembed` throws */
  rollback(move: SpaceMove): Promise<ReembedResult> {
    return this.#alone(move, async (signal) => {
      const { state, embedder } = this.#context;
      const previous = state.interning.spaceInRole('previous');
      if (previous === undefined) {
        const message = 'has no vectors of another embedding space: there is nothing to go back to.';
        throw invalidInput([{ path: [], message }], 'store');
      }
      if (embedder.of(previous.name) === undefined) await this.#assertComplete(previous, signal);
      return this.#to(await this.#begin(previous.name), { ...move, signal });
    });
  }

  /** Drops the vectors of every space but the one that is searched. */
  dropUnused(signal: AbortSignal, onDone?: DropListener): Promise<void> {
    return this.#drop(['previous', 'next', 'dropping'], signal, onDone);
  }

  /** Drops what was made in the space that the latest move was on its way to. */
  async dropNext(signal: AbortSignal): Promise<void> {
    const next = this.#context.state.interning.spaceInRole('next');
    // A move that was refused has begun nothing.
    if (next === undefined || next.id !== this.#begun) return;
    await this.#drop(['next', 'dropping'], signal);
  }

  /** Ends what is under way: what it has done stays. */
  async close(): Promise<void> {
    this.#ending.abort(
      new MemoryError('STORE_CLOSED', 'The store was closed: reembed goes on when it is called again.'),
    );
    await this.#running?.catch(() => undefined);
    await this.#follower.close();
  }

  async #alone<T>({ signal }: Pick<SpaceMove, 'signal'>, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#running !== undefined) {
      const message = 'is on its way to another embedding space: one move at a time.';
      throw invalidInput([{ path: [], message }], 'store');
    }
    const either = AbortSignal.any([signal, this.#ending.signal]);
    either.throwIfAborted();
    const running = this.#follower.hold().then(() => run(either));
    this.#running = running;
    try {
      return await running;
    } finally {
      this.#running = undefined;
      this.#follower.release();
    }
  }

  #drop(
    roles: readonly ('previous' | 'next' | 'dropping')[],
    signal: AbortSignal,
    onDone?: DropListener,
  ): Promise<void> {
    return this.#alone({ signal }, async (either) => {
      const { interning } = this.#context.state;
      for (;;) {
        const unused = roles.map((role) => interning.spaceInRole(role)).find((space) => space !== undefined);
        if (unused === undefined) return;
        await dropSpace(this.#context, unused.id, either, onDone);
      }
    });
  }

  async #begin({ model, dimensions, normalized }: Embedder['space']): Promise<Space> {
    const { writing, state } = this.#context;
    await submit(writing, host, { type: 'begin-space', space: { model, dimensions, normalized } });
    const space = state.interning.findSpace({ model, dimensions, normalized }) as Space;
    this.#begun = space.id;
    return space;
  }

  async #to(
    space: Space,
    { batchSize, pace, signal, onProgress }: SpaceMove,
    embedder?: Embedder,
  ): Promise<ReembedResult> {
    // Only now: what is written from here on finds the space begun.
    if (embedder !== undefined) this.#context.embedder.use(embedder);
    // Who goes back wants to be there at once.
    const until = space.role === 'previous' ? ('ready' as const) : ('settled' as const);
    const options = { space, batchSize, pace, signal, onProgress, until, elapsedMs: startStopwatch() };
    try {
      return await new ReembeddingRun(this.#context, options).run();
    } catch (error) {
      await this.#context.abandonSearch();
      // What was under way may have ended in other words.
      throw signal.aborted ? signal.reason : error;
    }
  }

  /** @throws EMBEDDER_MISSING where memories lack their vectors in a space for which there is no embedder. */
  async #assertComplete({ id, name }: Space, signal: AbortSignal): Promise<void> {
    const { embeddedTable, columns } = this.#context.state;
    for (let after = 0; after < columns.last; after += rowsAtOnce) {
      signal.throwIfAborted();
      if (embeddedTable.missing(id, { after, upTo: after + rowsAtOnce }).length > 0) {
        const message = `Memories that were written since lack their vectors of ${name.model}: go back with reembed and that embedder.`;
        throw new MemoryError('EMBEDDER_MISSING', message);
      }
      await nextTurn();
    }
  }
}
