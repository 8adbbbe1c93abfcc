import type { NodeId } from '../core/node-id';
import type { Greeting } from './handshake';

// More nodes than any cluster has seen. The oldest is forgotten first.
const maxKnown = 1_000;

interface KnownStart {
  readonly start: number;
  readonly boot: string;
  /** Whether two processes with this start were seen. */
  readonly isTwice: boolean;
}

/**
 * Remembers the last start of each node, to find two processes that run as the same node: a folder was copied. Each start of a folder has a
 * higher number, and each process a random boot nonce.
 */
export class KnownStarts {
  readonly #starts = new Map<NodeId, KnownStart>();

  /**
   * Notes a start, and returns whether it is the only one of its node. Of two processes with the same start, both are refused from then on:
   * nobody can know which of them has the right folder. A higher start ends this, a lower one is an old copy.
   */
  note({ identity: { node, start }, boot }: Greeting): boolean {
    const known = this.#starts.get(node);
    if (known !== undefined && start < known.start) return false;
    const isTwice = known !== undefined && known.start === start && (known.isTwice || known.boot !== boot);
    this.#starts.delete(node);
    this.#starts.set(node, { start, boot: isTwice ? known.boot : boot, isTwice });
    if (this.#starts.size > maxKnown) this.#starts.delete(this.#starts.keys().next().value as NodeId);
    return !isTwice;
  }
}
