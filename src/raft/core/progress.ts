import type { Inflights } from './inflights';

/**
 * How a leader sends to a follower.
 *
 * - `probe` The leader does not know where the logs match. It sends one message at a time until it does.
 * - `replicate` The logs match. The leader sends ahead, without waiting for each answer.
 * - `snapshot` The follower needs entries that the leader has purged. A snapshot is on its way, and nothing else.
 */
export type ProgressState = 'probe' | 'replicate' | 'snapshot';

/** What a leader knows about the log of one member. */
export class Progress {
  /** The highest index that the member is known to hold, as the leader holds it. */
  match = 0;
  /** The index of the next entry to send. Always above `match`. */
  next: number;
  state: ProgressState = 'probe';
  /** The index of the snapshot on its way; 0 in the other states. */
  pendingSnapshot = 0;
  /** Whether the member has answered since the leader last checked. */
  isActive: boolean;
  /** Whether the next message must wait for an answer or for a heartbeat. */
  isPaused = false;
  readonly inflights: Inflights;
  // The highest commit index that the member was told, as far as it can have used it. Spares messages that say nothing new.
  #toldCommit = 0;

  constructor(next: number, inflights: Inflights, isActive: boolean) {
    this.next = next;
    this.inflights = inflights;
    this.isActive = isActive;
  }

  /** Whether nothing may be sent now. */
  get mustWait(): boolean {
    return this.state === 'snapshot' || this.isPaused;
  }

  /** Finds out anew where the logs match. After a snapshot it goes on behind it, in the hope that it arrived. */
  probe(): void {
    const from = this.state === 'snapshot' ? this.pendingSnapshot : 0;
    this.#enter('probe');
    this.next = Math.max(this.match, from) + 1;
    this.#toldCommit = Math.min(this.#toldCommit, this.next - 1);
  }

  replicate(): void {
    this.#enter('replicate');
    this.next = this.match + 1;
  }

  awaitSnapshot(index: number): void {
    this.#enter('snapshot');
    this.pendingSnapshot = index;
    this.next = index + 1;
    this.#toldCommit = index;
  }

  /** Records that entries were sent, from `next` on. */
  sent(count: number, bytes: number): void {
    if (this.state === 'probe') {
      if (count > 0) this.isPaused = true;
      return;
    }
    if (count > 0) {
      this.next += count;
      this.inflights.add(this.next - 1, bytes);
    }
    this.isPaused = this.inflights.isFull;
  }

  toldCommit(index: number): void {
    this.#toldCommit = index;
  }

  /** Whether a message with this commit index tells the member something that it can use. */
  wouldLearnCommit(index: number): boolean {
    return index > this.#toldCommit && this.#toldCommit < this.next - 1;
  }

  /** The member holds everything up to `index`. False if that was known. */
  matched(index: number): boolean {
    if (index <= this.match) return false;
    this.match = index;
    this.next = Math.max(this.next, index + 1);
    this.isPaused = false;
    return true;
  }

  /**
   * The member rejected an append that follows `rejected`; its log may match at `hint`. False if the rejection is old and says
   * nothing about what was sent last.
   */
  rejected(rejected: number, hint: number): boolean {
    if (this.state === 'replicate') {
      if (rejected <= this.match) return false;
      this.next = this.match + 1;
    } else {
      if (this.next - 1 !== rejected) return false;
      this.next = Math.max(Math.min(rejected, hint + 1), this.match + 1);
      this.isPaused = false;
    }
    this.#toldCommit = Math.min(this.#toldCommit, this.next - 1);
    return true;
  }

  #enter(state: ProgressState): void {
    this.state = state;
    this.isPaused = false;
    this.pendingSnapshot = 0;
    this.inflights.reset();
  }
}
