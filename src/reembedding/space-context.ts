import type { SpaceEmbedder } from '../embedding/space-embedder';
import type { StateStore } from '../state/state-store';
import type { WriteContext } from '../write/write-context';

/** What the move from one embedding space to another needs. */
export interface SpaceContext {
  readonly state: StateStore;
  readonly embedder: SpaceEmbedder;
  readonly writing: WriteContext;
  /** Resolves when nobody reads any more. Undefined where nobody does. */
  readsEnd(): Promise<void> | undefined;
  /** Makes the search in a space ready, beside the one in use. Rejects with the signal's reason, or ends soon, when it is aborted. */
  prepareSearch(
    space: number,
    how: { readonly until: 'ready' | 'settled'; readonly signal: AbortSignal },
  ): Promise<void>;
  /** Gives up the search that was prepared. */
  abandonSearch(): Promise<void>;
  /** Removes the index of a space that is not searched. */
  removeIndex(space: number): Promise<void>;
}
