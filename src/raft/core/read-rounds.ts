import type { Configuration } from './configuration';
import type { NodeId } from './node-id';
import { committedIndex } from './quorum';

/** A read that waits for an index. */
export interface PendingRead {
  /** The node that asked. */
  readonly from: NodeId;
  readonly context: number;
}

/** A read that may be served once the node that asked has applied `index`. */
export interface ConfirmedRead extends PendingRead {
  readonly index: number;
}

/**
 * Reads that wait for the proof that their leader still leads. A round is a number on heartbeats; it proves the leadership of the moment
 * when it began as soon as a majority has answered it or a later one. Reads that arrive before the heartbeats of a round have left share
 * the round.
 */
export class ReadRounds {
  // Rounds are never numbered anew, so that an answer from an earlier term cannot confirm a read of a later one.
  #round = 0;
  #isOpen = false;
  #waiting: { read: ConfirmedRead; round: number }[] = [];
  #answered = new Map<NodeId, number>();
  #early: PendingRead[] = [];

  /** The round that heartbeats should ask for; 0 if no read waits. */
  get wanted(): number {
    return this.#waiting.length > 0 ? this.#round : 0;
  }

  /** Keeps a read until the leader has committed an entry of its own term: before that it may not know all that is committed. */
  holdBack(read: PendingRead): void {
    this.#early.push(read);
  }

  /** The reads that were held back. */
  takeEarly(): readonly PendingRead[] {
    const early = this.#early;
    this.#early = [];
    return early;
  }

  /** Adds a read. True if it begins a round, which needs heartbeats. */
  add(read: ConfirmedRead): boolean {
    const begins = !this.#isOpen;
    if (begins) this.#round += 1;
    this.#isOpen = true;
    this.#waiting.push({ read, round: this.#round });
    return begins;
  }

  /** The heartbeats of the round have left: the next read needs a new one. */
  close(): void {
    this.#isOpen = false;
  }

  /** A member has answered a round. The reads that this confirms are taken out, oldest first. */
  answer(from: NodeId, round: number, own: NodeId, configuration: Configuration): readonly ConfirmedRead[] {
    if (round > (this.#answered.get(from) ?? 0)) this.#answered.set(from, round);
    const confirmed = committedIndex(configuration, (id) => (id === own ? this.#round : (this.#answered.get(id) ?? 0)));
    const end = this.#waiting.findIndex((waiting) => waiting.round > confirmed);
    return this.#waiting.splice(0, end < 0 ? this.#waiting.length : end).map(({ read }) => read);
  }

  /** Forgets all reads, as at the beginning of a term. Those who asked must ask again. */
  reset(): void {
    this.#isOpen = false;
    this.#waiting = [];
    this.#answered = new Map();
    this.#early = [];
  }
}
