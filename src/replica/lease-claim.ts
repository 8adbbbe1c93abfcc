import { defined } from '../domain/defined';
import type { Lease, LeaseRequest } from '../domain/lease';

/** How much the clocks of two processes may differ in speed. Both sides of a lease leave this much time. */
const drift = 0.01;

export interface LeaseClaimOptions {
  /** Names this run of this process. No other run has the same name. */
  readonly holder: string;
  /** How long a grant holds. */
  readonly durationMs: number;
  /** A clock that never goes back, such as a stopwatch. Its origin does not matter. */
  elapsedMs(): number;
}

/**
 * Decides when a process asks for the lease of a chore, and when it may do the chore. It measures only spans on its own clock. The holder
 * counts from the moment in which it asked. Every other process counts from the moment in which it saw the grant, which is later, and asks
 * for the lease only after the whole span. So at most one process does the chore at a time, however wrong the times of their clocks are.
 */
export class LeaseClaim {
  readonly #options: LeaseClaimOptions;
  #lease: Lease | undefined;
  /** When this process saw the lease, and until when it holds the lease itself. */
  #seenAt: number;
  #heldUntil = Number.NEGATIVE_INFINITY;
  /** When this process made its requests that are not granted yet. */
  readonly #requestedAt = new Map<number, number>();
  #lastRequest = { number: 0, at: Number.NEGATIVE_INFINITY };

  constructor(options: LeaseClaimOptions) {
    this.#options = options;
    this.#seenAt = options.elapsedMs();
  }

  /** Takes note of the lease that the state has after an entry was applied. */
  see(lease: Lease | undefined): void {
    if (lease === undefined || lease.grant === this.#lease?.grant) return;
    const { holder, durationMs, elapsedMs } = this.#options;
    this.#lease = lease;
    this.#seenAt = elapsedMs();
    if (lease.holder !== holder) return;
    const requestedAt = this.#requestedAt.get(lease.request);
    if (requestedAt !== undefined) this.#heldUntil = requestedAt + durationMs * (1 - drift);
    for (const number of this.#requestedAt.keys()) if (number <= lease.request) this.#requestedAt.delete(number);
  }

  /** Whether this process may do the chore now. A step of the chore must be short, compared with the time of a lease. */
  get isHeld(): boolean {
    return this.#lease?.holder === this.#options.holder && this.#options.elapsedMs() < this.#heldUntil;
  }

  /**
   * Returns what to propose now, and counts it as proposed. Undefined if there is nothing to ask for: another process holds the lease, or
   * the last request was made a short time ago.
   */
  request(): LeaseRequest | undefined {
    const { holder, durationMs, elapsedMs } = this.#options;
    const now = elapsedMs();
    // The holder asks three times before its lease ends, in case an answer is late or lost.
    if (now - this.#lastRequest.at < durationMs / 3) return undefined;
    const other = this.#lease?.holder === holder ? undefined : this.#lease;
    if (other !== undefined && now - this.#seenAt <= durationMs * (1 + drift)) return undefined;
    this.#lastRequest = { number: this.#lastRequest.number + 1, at: now };
    this.#requestedAt.set(this.#lastRequest.number, now);
    return { holder, request: this.#lastRequest.number, ...defined({ over: other?.grant }) };
  }
}
