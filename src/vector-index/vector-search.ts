import type { VectorIndex } from './vector-index';

/** The search for near vectors as a store drives it: which index answers is decided behind it. */
export interface VectorSearch {
  /** The index to search; absent while the store has no vectors. */
  index(): VectorIndex | undefined;
  /** The vectors or labels of those rows changed, up to that entry. Cheap. */
  applied(entry: number, rows: readonly number[]): void;
  /** How many changes the derived index has yet to follow. */
  readonly behind: number;
  /** Resolves when searches need no index that is yet to be built: vectors may still be read as they are searched. */
  ready(): Promise<void>;
  /** Resolves when the derived index has followed everything applied before. */
  settled(): Promise<void>;
  /** What is wrong with the derived index; empty where all is well. */
  check(): Promise<readonly string[]>;
  /** Makes the derived index anew from the truth. */
  rebuild(): Promise<void>;
  close(): Promise<void>;
}
