import type { Lease, LeaseRequest } from '../domain/lease';
import type { Schedule } from '../environment/timers';
import type { LeaseClaim } from './lease-claim';

export interface ChoreKeeperDeps {
  readonly claim: LeaseClaim;
  readonly schedule: Schedule;
  /** The lease in the state of this node. */
  lease(): Lease | undefined;
  /** Proposes a request for the lease. */
  ask(request: LeaseRequest): Promise<unknown>;
  /** Whether there is something to do. While there is not, no node asks for the lease. */
  isDue(): boolean;
  /** Begins to do it, or goes on with it. Called again and again while it is due and this node holds the lease. */
  run(): void;
}

// A node that takes over begins this late at most. The lease itself lasts longer.
const checkMs = 1_000;

/** Does the chores of a cluster on this node, while the node holds their lease. */
export class ChoreKeeper {
  readonly #deps: ChoreKeeperDeps;
  #cancel: (() => void) | undefined;
  #isClosed = false;

  constructor(deps: ChoreKeeperDeps) {
    this.#deps = deps;
    this.#check();
  }

  /** Whether this node may do a chore now. */
  get mayRun(): boolean {
    return !this.#isClosed && this.#deps.claim.isHeld;
  }

  /** An entry was applied: there may be something to do, and the lease may have changed. */
  applied(): void {
    const { claim, lease, isDue, run } = this.#deps;
    if (this.#isClosed || !isDue()) return;
    claim.see(lease());
    if (this.mayRun) run();
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel?.();
  }

  #check(): void {
    const { claim, schedule, ask, isDue } = this.#deps;
    if (this.#isClosed) return;
    this.applied();
    const request = isDue() ? claim.request() : undefined;
    // Without an answer the node asks again later.
    if (request !== undefined) ask(request).catch(() => undefined);
    this.#cancel = schedule(checkMs, () => this.#check());
  }
}
