import type { ReadableLabelSetCache } from '../access/readable-label-sets';
import type { Limits } from '../domain/limits';
import type { SpaceEmbedder } from '../embedding/space-embedder';
import type { Clock } from '../environment/environment';
import type { KeywordIndex } from '../keyword-index/keyword-index';
import type { ScanningIndex } from '../vector-index/vector-index';
import type { CursorSigner } from './cursor';
import type { StateView } from './state-view';
import type { VisibleSetCache } from './visible-set';

/** The parts of the store that every read needs. */
export interface ReadContext {
  readonly limits: Limits;
  readonly clock: Clock;
  readonly state: StateView;
  readonly readable: ReadableLabelSetCache;
  readonly visible: VisibleSetCache;
  readonly embedder: SpaceEmbedder;
  readonly keywords: KeywordIndex;
  /** Returns the index that finds the nearest vectors. Undefined while the store has no vectors. */
  vectors(): ScanningIndex | undefined;
  /** Up to this number of visible vectors, searches are exact. */
  readonly exactUpTo: number;
  readonly cursors: CursorSigner;
  /** Loads changes that another process has written. Does nothing in the writer process. */
  refresh(): void;
  /** Runs a read on one snapshot: rules, labels and records belong to the same moment, even if another process writes. */
  snapshot<T>(read: () => T): T;
  /** How long to wait for a change that another peer may have applied, in milliseconds. 0 in a store without peers. */
  maxLagMs(): number;
  /** Counts a record that passed the access filter in a query but failed the second check. */
  recheckRejected(): void;
}
