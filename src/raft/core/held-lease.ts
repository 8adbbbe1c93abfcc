import type { LeaseOffer, LeaseReport } from './messages';
import type { ReadLeaseOptions } from './options';

/** The read lease of this node itself. It is counted by this node's own clock, from a moment before the leader could give it. */
export class HeldLease {
  readonly #settings: Required<ReadLeaseOptions>;
  #endsAt = Number.NEGATIVE_INFINITY;
  // What the leader waits for.
  #awaited = 0;

  constructor(settings: Required<ReadLeaseOptions>) {
    this.#settings = settings;
  }

  isHeld(now: number): boolean {
    return now < this.#endsAt;
  }

  /** Takes what a leader says. A grant to an earlier start is void: this one may have lost what that one had applied. */
  take({ awaited, grant }: LeaseOffer, applied: number): void {
    // The answer that follows says already what is applied.
    this.#awaited = applied < awaited ? awaited : 0;
    if (grant !== undefined && grant.start === this.#settings.start) this.extend(grant.stamp);
  }

  /** The lease runs from a moment on. An earlier moment than before changes nothing. */
  extend(from: number): void {
    this.#endsAt = Math.max(this.#endsAt, from + this.#settings.ms);
  }

  /**
   * What this node says about itself now. Rounded down, so that the lease that it leads to never lasts longer. `round` is that of the
   * heartbeat that it answers, and 0 if it answers none: each leader numbers its rounds for itself.
   */
  report(applied: number, round: number): LeaseReport {
    const { start, now } = this.#settings;
    return { round, start, stamp: Math.floor(now()), applied };
  }

  /** Whether the leader waits for what has been applied now. True once. */
  answersAwaited(applied: number): boolean {
    if (this.#awaited === 0 || applied < this.#awaited) return false;
    this.#awaited = 0;
    return true;
  }
}
