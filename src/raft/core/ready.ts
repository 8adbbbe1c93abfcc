import type { Entry } from './entry';
import type { HardState, Message, PeerMessage, Snapshot } from './messages';
import type { NodeId } from './node-id';

/** What a node is in its term. */
export type Role = 'follower' | 'pre-candidate' | 'candidate' | 'leader';

/** What changes often and need not survive a crash. */
export interface SoftState {
  readonly leader: NodeId;
  readonly role: Role;
}

/** The answer to a `requestReadIndex`: the read may be served as soon as `index` is applied on this node. */
export interface ReadState {
  readonly index: number;
  readonly context: number;
}

/** The answer to a `requestBarrier`: no member can serve a read with a lease from a state before `index` any more. */
export interface BarrierState {
  readonly index: number;
  readonly context: number;
}

/**
 * Work for the storage, in asynchronous mode. Works are done one after the other, in the order in which they were handed out, and each
 * stores its snapshot, then its entries, then its hard state, as `Ready` says. When everything in it is durable, each of the `responses` goes where its `to` says: to a peer, or to this node's own `step`.
 */
export interface StorageAppend {
  readonly hardState?: HardState;
  readonly snapshot?: Snapshot;
  readonly entries: readonly Entry[];
  readonly responses: readonly Message[];
}

/** Work for the state machine, in asynchronous mode, in order. The responses go to this node's own `step`. */
export interface StorageApply {
  readonly entries: readonly Entry[];
  readonly responses: readonly Message[];
}

/**
 * What the host has to do next.
 *
 * Synchronous mode, the default:
 * 1. `messages` may be sent at once, also while the storage is still writing.
 * 2. Store `snapshot` if there is one, then `entries`, then `hardState`: its commit index may be that of one of these entries, and a node
 *    whose log ends before its commit index does not start. Storing entries drops everything from the first one's index on. With
 *    `mustSync`, or with a snapshot, wait until all of it is durable.
 * 3. Send `messagesAfterSync`. They say that this node has stored something, and must never leave earlier.
 * 4. Apply `committed` in order. Call `applyConfigurationChange` for each entry of the kind `configuration`.
 * 5. Call `advance()`.
 *
 * Asynchronous mode: send `messages`, queue `append` for the storage and `apply` for the state machine, and go on; there is no
 * `advance`. `messagesAfterSync` is empty, because they are among the responses of `append`. An entry of the kind `configuration` in
 * `apply` needs `applyConfigurationChange` before the responses of `apply` are stepped. A snapshot in `append` may overtake works of
 * `apply` that wait: once it is installed, their entries up to its index are skipped, and their responses are stepped all the same.
 */
export interface Ready {
  /** Only if it changed. */
  readonly softState?: SoftState;
  /** Only if it changed. */
  readonly hardState?: HardState;
  /** Whether `hardState` and `entries` must be durable before anything depends on them. A commit index alone need not be. */
  readonly mustSync: boolean;
  /** A snapshot from the leader, which replaces the log and the state machine. */
  readonly snapshot?: Snapshot;
  /** The entries to store. */
  readonly entries: readonly Entry[];
  /** The entries to apply. Their order and content are the same on all nodes. */
  readonly committed: readonly Entry[];
  readonly messages: readonly PeerMessage[];
  readonly messagesAfterSync: readonly PeerMessage[];
  readonly readStates: readonly ReadState[];
  readonly barriers: readonly BarrierState[];
  /** Asynchronous mode only. */
  readonly append?: StorageAppend;
  /** Asynchronous mode only. */
  readonly apply?: StorageApply;
}
