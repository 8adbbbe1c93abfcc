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
  // By the question, in the order in which it was first asked.
  #waiting = new Map<string, PendingBarrier>();
  #isOpen = false;

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  /** Adds a barrier. Who asks again has got no answer, and gets one. */
  add(barrier: PendingBarrier): void {
    this.#waiting.set(`${barrier.from}/${barrier.context}`, barrier);
  }

  /** Whether the members must be asked what they have applied. True once, until the heartbeats that ask them have left. */
  open(): boolean {
    if (this.isEmpty || this.#isOpen) return false;
    this.#isOpen = true;
    return true;
  }

  /** Takes out the barriers that are settled, oldest first. */
  take(isSettled: (barrier: PendingBarrier) => boolean): readonly PendingBarrier[] {
    const settled: PendingBarrier[] = [];
    for (const [question, barrier] of this.#waiting) {
      if (!isSettled(barrier)) continue;
      this.#waiting.delete(question);
      settled.push(barrier);
    }
    return settled;
  }

  /** The heartbeats that ask the members have left. */
  close(): void {
    this.#isOpen = false;
  }

  /** Forgets all barriers, as at the beginning of a term. Those who asked must ask again. */
  reset(): void {
    this.#waiting = new Map();
    this.#isOpen = false;
  }
}
