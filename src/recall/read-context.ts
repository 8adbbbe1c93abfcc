import type { ReadableCaches } from '../access/readable-caches';
import type { Limits } from '../domain/limits';
import type { Actor } from '../domain/principal';
import type { ParsedScope } from '../domain/scope';
import type { SpaceEmbedder } from '../embedding/space-embedder';
import type { Clock } from '../environment/environment';
import type { KeywordIndex } from '../keyword-index/keyword-index';
import type { StateStore } from '../state/state-store';
import type { VectorIndex } from '../vector-index/vector-index';
import type { CursorSigner } from './cursor';
import type { VisibleCache } from './visible-cache';

/** What the life of a read needs. */
export interface ReadContext {
  readonly limits: Limits;
  readonly clock: Clock;
  readonly state: StateStore;
  readonly visible: VisibleCache;
  readonly embedder: SpaceEmbedder;
  readonly keywords: KeywordIndex;
  /** Proposes the nearest vectors. Absent while the store has none. */
  vectors(): VectorIndex | undefined;
  /** Up to so many visible vectors are searched exactly. */
  readonly exactUpTo: number;
  readonly cursors: CursorSigner;
  /** A store that is read beside its owner looks for what the owner changed. */
  refresh(): void;
  /** Runs a read on one snapshot: rules, labels and records are those of one moment, be it another process that changes them. */
  snapshot<T>(read: () => T): T;
  /** Told of a record that passed the compiled filter and not the check on the way out, without a change of rules between. */
  recheckRejected(): void;
}

/** Who reads, and inside which bounds. */
export interface Reader {
  readonly actor: Actor;
  readonly scope: ParsedScope;
  /** What actors may read inside a namespace. */
  readonly readables: ReadableCaches;
}
