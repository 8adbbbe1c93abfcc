import type { Membership } from '../core/configuration';
import type { LogStorage } from '../core/log-storage';
import type { Snapshot } from '../core/messages';
import type { StorageAppend } from '../core/ready';

/** What a node stores for one `Ready`. Its order in the storage: the snapshot, then the entries, then the hard state. */
export type StorageWork = Pick<StorageAppend, 'hardState' | 'snapshot' | 'entries'>;

/** Who a node is. A copy of the folder has the same identity: only one of the two may run. */
export interface NodeIdentity {
  /** The id of the cluster: 32 hexadecimal digits. Undefined until the node has founded or joined one. */
  readonly cluster: string | undefined;
  /** The id of the node: random, from 1, less than 2^48. */
  readonly node: number;
  /** How often the node has been started, from 1. */
  readonly start: number;
}

/**
 * The durable part of a node: its log, its hard state and what describes its snapshots. The core reads it as a `LogStorage`; the host
 * stores in it what the core hands out.
 *
 * What a call stores is readable at the latest when its promise resolves, and is durable then. A call returns `undefined` if there is nothing
 * to wait for. Works are stored in the order of the calls, and a call need not wait for the one before: works that wait share one sync.
 *
 * An error other than DISK_FULL is final: the disk may have lost what was written, every later call fails with the same error, and the node
 * must stop. A read that finds damage throws a `MemoryError` with the code RECORD_DAMAGED or FILE_FAILED, and the node must stop, too.
 */
export interface RaftStorage extends LogStorage {
  /** The bytes that the log takes on disk, without what is reserved for entries to come. */
  readonly bytes: number;

  /**
   * Tells the membership that belongs to the applied index, for `initialState()`. The state machine stores it, because it changes in the
   * transaction of an entry. Default: that of the newest snapshot, or no members.
   */
  setMembership(membership: Membership): void;

  /**
   * Stores what a `Ready` asks for. An append at `i` drops all entries from `i` on. A snapshot replaces the log, unless the storage holds a
   * newer one; its file must be in place and synced before. If the process dies between this call and the moment when the state machine has
   * taken over the snapshot, `snapshot()` is above the applied index at the next start: the host then installs it before it makes the node.
   *
   * Rejects with DISK_FULL if there is no room for the entries or for the snapshot. Then nothing of them is stored, but the term and the vote
   * are: a work without entries and snapshot needs no room. No commit index is stored until the entries are, because the log may still hold
   * others in their place. The host may store the same work again later; until then, works whose entries
   * would follow fail with DISK_FULL, too.
   */
  store(work: StorageWork): Promise<void> | undefined;

  /**
   * Keeps a snapshot that this node's state machine has made. Its file must be in place and synced before. The log stays until it is purged.
   * Rejects with DISK_FULL if there is no room; then nothing has changed.
   */
  saveSnapshot(snapshot: Snapshot): Promise<void> | undefined;

  /**
   * Drops the entries up to `index`, which the newest snapshot must hold. When the promise resolves, no file of the log holds anything of them:
   * this bounds how long a forgotten text is kept.
   */
  purge(index: number): Promise<void> | undefined;

  /** Waits until everything is durable, and closes the files. Calls that follow fail with STORE_CLOSED. */
  close(): Promise<void>;
}
