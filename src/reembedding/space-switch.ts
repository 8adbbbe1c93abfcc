import type { SpaceName } from '../domain/command';
import { invalidInput, MemoryError } from '../domain/errors';
import type { CachingEmbedder } from '../embedding/batching/batching-embedder';
import { type BuiltIns, isSameSpace, type SpaceEmbedder, type SpacesInUse } from '../embedding/space-embedder';
import { nextTurn, startStopwatch } from '../environment/timers';
import type { FollowedBatch, ReadModel, SpaceVectors } from '../state/read-model';
import type { StateStore } from '../state/state-store';
import type { ReadonlyInterning, Space } from '../state/tables/interning';
import type { SpaceSearch } from '../vector-index/planned-search';
import type { VectorSearch } from '../vector-index/vector-index';
import { host, submit } from '../write/submit';
import type { FillContext } from './fill-space';
import type { Pace } from './pace';
import { ReembeddingRun, type ReembedProgress, type ReembedResult, type RunContext } from './reembedding-run';
import { SpaceFollower } from './space-follower';

/** The parts of a store that a move between embedding spaces uses. */
export interface SpaceSwitchDeps extends FillContext {
  readonly state: Pick<StateStore, 'interning' | 'coverage' | 'rowChecksum' | 'records' | 'lastChangeSeq'>;
  readonly model: Pick<ReadModel, 'columns' | 'vectorsIn' | 'nextSpace' | 'countNext' | 'abandonNext'>;
  readonly embedder: Pick<SpaceEmbedder, 'into' | 'of' | 'use' | 'hold'>;
  /** The search of the store. It also contains the prepared search in the next space. */
  readonly search: SpaceSearch;
  /** Makes a search in the vectors of one space. */
  searchIn(space: SpaceVectors): VectorSearch;
  /** Removes the index files of a space that searches do not use. */
  removeIndex(space: number): Promise<void>;
}

/** The options of a move to another space. */
export interface MoveOptions {
  readonly batchSize: number;
  readonly pace: Pace;
  readonly signal: AbortSignal;
  readonly onProgress?: ((progress: ReembedProgress) => void) | undefined;
}

type DropListener = (done: number, total: number) => void;

// Each is a few milliseconds of work in one turn of the event loop.
const rowsPerCheck = 512;
const rowsPerDrop = 64;

/**
 * Moves a store from one embedding space to another, one move at a time: memories get vectors in the new space, then searches switch
 * to it. Searches in the current and in the prepared space follow every batch of changes. After a switch the previous space is kept
 * complete for a rollback.
 */
export class SpaceSwitch {
  readonly #deps: SpaceSwitchDeps;
  readonly #follower: SpaceFollower;
  readonly #closing = new AbortController();
  #running: Promise<unknown> | undefined;
  /** The target space of the latest move. Undefined if that move was rejected. */
  #target: number | undefined;
  /** The previous space when the indexes of unused spaces were removed last. */
  #previous: number | undefined;

  constructor(deps: SpaceSwitchDeps) {
    this.#deps = deps;
    this.#follower = new SpaceFollower(deps);
  }

  /** Adds vectors that are missing in the previous space. Call it in the writer process, when the store opens and after each change. */
  changed(): void {
    if (this.hasPrevious) this.#follower.changed();
  }

  /** Whether there is a previous space, which `changed` keeps complete. */
  get hasPrevious(): boolean {
    return this.#deps.state.interning.spaceInRole('previous') !== undefined;
  }

  /** Passes a committed batch of changes to the searches. */
  follow({ changes, changeSeq, embedded, spaceSwitched }: FollowedBatch): void {
    const { model, search } = this.#deps;
    const rows = changes.flatMap(({ row, reindex }) => (reindex ? [row] : []));
    if (rows.length > 0) search.applied(changeSeq, rows);
    for (const each of embedded) {
      if (each.space === model.nextSpace) search.appliedNext(each.changeSeq, each.rows);
    }
    if (spaceSwitched) this.#switchSearch();
  }

  /** Follows an entry of a cluster's log: another node may have dropped the previous space. */
  applied(): void {
    const previous = this.#deps.state.interning.spaceInRole('previous')?.id;
    if (previous !== this.#previous) this.removeUnusedIndexes();
  }

  /**
   * Removes the index files of spaces that were dropped, in the background. Only the node that drops a space does so itself, and each node
   * has an index of its own. What is left, for example because the process ends, is removed when the node is opened.
   */
  removeUnusedIndexes(): void {
    this.#previous = this.#deps.state.interning.spaceInRole('previous')?.id;
    this.#removeIndexesBut('current', 'previous', 'next').catch(() => undefined);
  }

  /** Removes the index files of every space that no search uses. That of the previous space is built again after a `rollback`. */
  removeIdleIndexes(): Promise<void> {
    return this.#removeIndexesBut('current', 'next');
  }

  async #removeIndexesBut(...roles: readonly ('current' | 'previous' | 'next')[]): Promise<void> {
    const { state, search, removeIndex } = this.#deps;
    const { interning } = state;
    const used = roles.map((role) => interning.spaceInRole(role)?.id);
    const ids = Array.from({ length: interning.spaceCount }, (_, at) => at + 1).filter((id) => !used.includes(id));
    if (ids.length === 0) return;
    await search.left();
    await Promise.all(ids.map((id) => removeIndex(id)));
  }

  /**
   * Moves the store to the space of the embedder.
   *
   * @throws INVALID_INPUT if a move is running, EMBEDDING_FAILED, DISK_FULL, STORE_CLOSED, the reason of the signal
   */
  reembed(embedder: CachingEmbedder, options: MoveOptions): Promise<ReembedResult> {
    return this.#exclusively(options.signal, async (signal) => {
      this.#target = undefined;
      const { currentSpace } = this.#deps.state.interning;
      if (currentSpace === undefined || isSameSpace(currentSpace.name, embedder.space)) {
        this.#deps.embedder.use(embedder);
        return { space: { ...embedder.space }, embedded: 0 };
      }
      const space = await this.#begin(embedder.space);
      // Sets the embedder only after the space was begun, so that writes from now on find the space.
      this.#deps.embedder.use(embedder);
      return this.#moveTo(space, { ...options, signal });
    });
  }

  /**
   * Moves the store back to the previous space.
   *
   * @throws INVALID_INPUT if there is no previous space, EMBEDDER_MISSING, and the errors of `reembed`
   */
  rollback(options: MoveOptions): Promise<ReembedResult> {
    return this.#exclusively(options.signal, async (signal) => {
      const { state, embedder } = this.#deps;
      const previous = state.interning.spaceInRole('previous');
      if (previous === undefined) {
        const message = 'expected a store with a previous embedding space, got one without.';
        throw invalidInput([{ path: [], message }], 'rollback');
      }
      if (embedder.of(previous.name) === undefined) await this.#assertComplete(previous, signal);
      return this.#moveTo(await this.#begin(previous.name), { ...options, signal });
    });
  }

  /** Deletes the vectors of every space except the one that searches use. */
  dropUnused(signal: AbortSignal, onDone?: DropListener): Promise<void> {
    return this.#drop(['previous', 'next', 'dropping'], signal, onDone);
  }

  /** Deletes the vectors in the target space of the latest move. */
  async dropNext(signal: AbortSignal): Promise<void> {
    const next = this.#deps.state.interning.spaceInRole('next');
    // A rejected move has begun no space.
    if (next === undefined || next.id !== this.#target) return;
    await this.#drop(['next', 'dropping'], signal);
  }

  /** Aborts the running move and keeps its finished work. */
  async close(): Promise<void> {
    const message = 'The store was closed during reembed. Open it and call reembed again to continue.';
    this.#closing.abort(new MemoryError('STORE_CLOSED', message));
    await this.#running?.catch(() => undefined);
    await this.#follower.close();
  }

  async #exclusively<T>(signal: AbortSignal, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#running !== undefined) {
      const message =
        'expected one move between embedding spaces at a time, but another is running. Wait for it, or cancel it.';
      throw invalidInput([{ path: [], message }], 'call');
    }
    const either = AbortSignal.any([signal, this.#closing.signal]);
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

  async #begin({ model, dimensions, normalized }: CachingEmbedder['space']): Promise<Space> {
    const { writing, state } = this.#deps;
    const name = { model, dimensions, normalized };
    await submit(writing, host, { type: 'begin-space', space: name });
    const space = state.interning.findSpace(name) as Space;
    this.#target = space.id;
    return space;
  }

  async #moveTo(space: Space, { batchSize, pace, signal, onProgress }: MoveOptions): Promise<ReembedResult> {
    // A rollback switches as soon as searches work, without waiting until they are fast.
    const until = space.role === 'previous' ? ('ready' as const) : ('settled' as const);
    const options = { space, batchSize, pace, signal, onProgress, until, elapsedMs: startStopwatch() };
    try {
      return await new ReembeddingRun(this.#runContext(), options).run();
    } catch (error) {
      await this.#abandonSearch();
      // After an abort the run may fail with another error. Throws the reason of the signal instead.
      throw signal.aborted ? signal.reason : error;
    }
  }

  #runContext(): RunContext {
    const { state, model, embedder, writing } = this.#deps;
    return {
      state,
      model,
      embedder,
      writing,
      readsEnd: () => this.#deps.readsEnd(),
      prepareSearch: (space, until, signal) => this.#prepareSearch(space, until, signal),
      abandonSearch: () => this.#abandonSearch(),
    };
  }

  async #prepareSearch(space: number, until: 'ready' | 'settled', signal: AbortSignal): Promise<void> {
    const { model, search, searchIn } = this.#deps;
    const vectors = model.vectorsIn(space);
    const next = searchIn(vectors);
    await model.countNext(vectors.chunks, signal);
    await search.prepare(next, until);
  }

  #abandonSearch(): Promise<void> {
    this.#deps.model.abandonNext();
    return this.#deps.search.abandon();
  }

  #switchSearch(): void {
    const { state, model, search, searchIn } = this.#deps;
    search.switch(() => searchIn(model.vectorsIn(state.interning.currentSpace?.id)));
  }

  /**
   * Checks that all memories have vectors in the space.
   *
   * @throws EMBEDDER_MISSING if some memories have no vector in the space. Call it only if the embedder of the space is not available.
   */
  async #assertComplete({ id, name }: Space, signal: AbortSignal): Promise<void> {
    const { state, model } = this.#deps;
    for (let after = 0; after < model.columns.last; after += rowsPerCheck) {
      signal.throwIfAborted();
      if (state.coverage.missing(id, { after, upTo: after + rowsPerCheck }).length > 0) {
        const message = `Memories that were written since the switch have no vectors from ${name.model}, and the store was opened without that embedder. Call reembed with that embedder instead of rollback.`;
        throw new MemoryError('EMBEDDER_MISSING', message);
      }
      await nextTurn();
    }
  }

  #drop(
    roles: readonly ('previous' | 'next' | 'dropping')[],
    signal: AbortSignal,
    onDone?: DropListener,
  ): Promise<void> {
    return this.#exclusively(signal, async (either) => {
      const { interning } = this.#deps.state;
      for (;;) {
        const unused = roles.map((role) => interning.spaceInRole(role)).find((space) => space !== undefined);
        if (unused === undefined) return;
        await this.#dropSpace(unused.id, either, onDone);
      }
    });
  }

  /** Deletes the vectors and the index of one space. After an abort it can be called again. */
  async #dropSpace(space: number, signal: AbortSignal, onDone?: DropListener): Promise<void> {
    const { model, search, writing, removeIndex } = this.#deps;
    await search.left();
    await removeIndex(space);
    const total = model.columns.last;
    for (let after = 0, isLast = false; !isLast; ) {
      signal.throwIfAborted();
      const upTo = Math.min(after + rowsPerDrop, total);
      isLast = upTo === total;
      await submit(writing, host, { type: 'drop-space', space, after, upTo, isLast });
      onDone?.(upTo, total);
      after = upTo;
      await nextTurn();
    }
  }
}

/** Returns the embedding spaces of a store, in the form that `SpaceEmbedder` reads. */
export function spacesInUse(interning: ReadonlyInterning, builtIns: BuiltIns): SpacesInUse {
  const nameIn = (role: 'next' | 'previous') => interning.spaceInRole(role)?.name ?? [];
  const current = interning.currentSpaceName.bind(interning);
  return {
    current,
    others: () => {
      // A store with an earlier built-in model will move to the model of this release. Its space is included even before the move
      // begins.
      const upgrade = isEarlierBuiltIn(builtIns, current()) ? builtIns.current.space : [];
      return [nameIn('next'), nameIn('previous'), upgrade].flat();
    },
  };
}

/** Returns whether a space belongs to the built-in model of an earlier release. */
export function isEarlierBuiltIn({ previous }: BuiltIns, name: SpaceName | undefined): boolean {
  return name !== undefined && previous.some(({ space }) => isSameSpace(space, name));
}
