import type { Command, Outcome } from '../domain/command';

/**
 * What a read must include.
 *
 * - `session` Everything that was proposed to this log before. A peer also waits until it has heard from its leader lately: it serves no
 *   state that is older than a read lease.
 * - `linearizable` Also everything that was acknowledged on any peer before.
 * - `after` Also everything up to a position that `position()` returned, here or on another peer of the same store. A peer needs a read lease
 *   for it as for `session`, because a state at a position may be old.
 */
export type BarrierLevel = 'session' | 'linearizable' | { readonly after: number };

/**
 * What a peer is in its cluster.
 *
 * - `alone` The store has no other peer.
 * - `leader`, `follower` The store has peers, and this one puts commands into their order, or gets the order from another peer.
 * - `halted` The peer could not apply an entry, for `reason`. It has kept nothing of that entry, and applies no other until it is repaired
 *   and opened again.
 */
export type LogStatus =
  | { readonly role: 'alone' | 'leader' | 'follower' }
  | { readonly role: 'halted'; readonly reason: string };

/** A log that puts commands into one order. The commands are then applied in that order. */
export interface ReplicatedLog {
  /**
   * Adds a command to the log. Resolves with its outcome when the effects of the command are durable, or when the command was
   * refused. The outcome is that of this peer, which has applied the command by then: its caller reads its own writes here. Rejects only
   * if nothing of the command was written, or with OUTCOME_UNKNOWN.
   *
   * @throws INVALID_INPUT if the command is too long for an entry of the log; OVERLOADED, STORE_CLOSED, DISK_FULL, FILE_FAILED, NO_QUORUM,
   * OUTCOME_UNKNOWN
   */
  propose(command: Command): Promise<Outcome>;
  /**
   * Resolves when a read on this peer includes what `level` says, and all of that is durable. Commands that are proposed later do not delay
   * it. It does not report commands that failed, because their callers know.
   *
   * @throws INVALID_INPUT if the position to wait for is not one of this store
   * @throws NO_QUORUM if the other peers do not answer
   * @throws FILE_FAILED if the peer has halted
   */
  barrier(level: BarrierLevel): Promise<void>;
  /** How far the log is applied durably on this peer. Never falls, and means the same on every peer of a store. */
  position(): number;
  /** The number of commands that were accepted and not answered yet. */
  readonly pending: number;
  status(): LogStatus;
  /** Rejects all later commands. Resolves when the accepted commands are answered. */
  close(): Promise<void>;
}
