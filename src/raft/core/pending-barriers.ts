import type { NodeId } from './node-id';

/** A barrier that waits at the leader. */
export interface PendingBarrier {
  /** The node that asked. */
  readonly from: NodeId;
  readonly context: number;
  readonly index: number;
}

/** The barriers that wait at a leader. Those that arrive before heartbeats have left share them. */
export class PendingBarriers {
  #waiting: PendingBarrier[] = [];
  #isOpen = false;

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  add(barrier: PendingBarrier): void {
    const { from, context } = barrier;
    // Who asks again has got no answer.
    this.#waiting = this.#waiting.filter((waiting) => waiting.from !== from || waiting.context !== context);
    this.#waiting.push(barrier);
  }

  /** Whether the members must be asked what they have applied. True once, until the heartbeats that ask them have left. */
  open(): boolean {
    if (this.isEmpty || this.#isOpen) return false;
    this.#isOpen = true;
    return true;
  }

  /** Takes out the barriers that are settled, oldest first. */
  take(isSettled: (barrier: PendingBarrier) => boolean): readonly PendingBarrier[] {
    const settled = this.#waiting.filter(isSettled);
    if (settled.length > 0) this.#waiting = this.#waiting.filter((waiting) => !settled.includes(waiting));
    return settled;
  }

  /** The heartbeats that ask the members have left. */
  close(): void {
    this.#isOpen = false;
  }

  /** Forgets all barriers, as at the beginning of a term. Those who asked must ask again. */
  reset(): void {
    this.#waiting = [];
    this.#isOpen = false;
  }
}
