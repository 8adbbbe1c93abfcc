import { MemoryError } from '../domain/errors';
import type { Schedule } from '../environment/timers';
import { divergedMembers, type StateComparison } from './state-comparison';

export interface DivergenceWatchDeps {
  /** The id of this node. */
  readonly id: number;
  compare(): Promise<StateComparison>;
  readonly schedule: Schedule;
  /** Called once, if the state of this node differs from that of most members. */
  onDiverged(error: MemoryError): void;
}

const everyMs = 60_000;

/**
 * Compares the state of this node with those of the others from time to time. All members apply the same entries with the same result, so a
 * node that differs has a fault, such as damaged RAM: it must neither answer nor vote any more.
 */
export class DivergenceWatch {
  readonly #deps: DivergenceWatchDeps;
  #cancel: (() => void) | undefined;
  #isClosed = false;

  constructor(deps: DivergenceWatchDeps) {
    this.#deps = deps;
    this.#plan();
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel?.();
  }

  #plan(): void {
    this.#cancel = this.#deps.schedule(everyMs, () => void this.#check());
  }

  async #check(): Promise<void> {
    const { id, compare, onDiverged } = this.#deps;
    // Members that do not answer are left out. If none does, nothing is known.
    const compared = await compare().catch(() => undefined);
    if (this.#isClosed) return;
    if (compared === undefined || !divergedMembers(compared).includes(id)) {
      this.#plan();
      return;
    }
    const message = `The memories of this node differ from those of most members of its cluster after entry ${compared.index} of the log. Remove the node from the cluster, and let it join again with an empty folder.`;
    onDiverged(new MemoryError('STATE_DIVERGED', message));
  }
}
