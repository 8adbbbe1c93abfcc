import type { Membership } from './configuration';
import type { Entry } from './entry';
import type { HardState, Snapshot } from './messages';

/**
 * The durable part of a node's log, as the core reads it. The core never writes: it hands out what must be stored in `Ready`, and the
 * host stores it. All methods answer at once from memory or from a fast file. What they answer may only change while the host stores
 * something of a `Ready`, or purges entries that a snapshot holds.
 */
export interface LogStorage {
  /** What survived the last run. Read once, when the node is made. A new node has term 0, vote 0, commit 0 and no members. */
  initialState(): { readonly hardState: HardState; readonly membership: Membership };
  /** The index of the first entry that is still there; the last index plus 1 if there is none. */
  firstIndex(): number;
  /** The index of the last entry, or of the snapshot if there is no entry behind it. 0 if the log is new. */
  lastIndex(): number;
  /** The term of an entry. It also answers for `firstIndex() - 1`: the place of the snapshot. Undefined outside of that. */
  term(index: number): number | undefined;
  /**
   * The entries with `low <= index < high`, as many from the start as `maxBytes` allows and at least one. Undefined if the first of
   * them is purged. `high` is at most `lastIndex() + 1`.
   */
  entries(low: number, high: number, maxBytes: number): readonly Entry[] | undefined;
  /** The newest snapshot, or undefined if none can be sent now. The leader then asks again later. */
  snapshot(): Snapshot | undefined;
}
