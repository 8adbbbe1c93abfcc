import { damagedEntry } from '../log/codec/byte-reader';
import type { StreamMessage } from './stream-message';

/** A body whose parts have all arrived. */
export interface AssembledBody {
  /** The index of its first part, at which it is applied. The entries of the other parts are empty. */
  readonly first: number;
  readonly last: number;
  /** Undefined for a part of a body that was applied before. */
  readonly body: Uint8Array | undefined;
}

interface Begun {
  readonly first: number;
  readonly head: StreamMessage;
  readonly bodies: Uint8Array[];
}

/**
 * Puts the parts of long bodies together. A body is applied at the index of its first part: a process that ends between two of its entries
 * then knows that the parts which follow belong to a body that it has applied.
 */
export class PartAssembly {
  #begun: Begun | undefined;
  /** The state had applied everything up to here when the messages began. */
  #applied: number;

  constructor(applied: number) {
    this.#applied = applied;
  }

  /** The messages begin again, behind everything that is applied. */
  restart(applied: number): void {
    this.#begun = undefined;
    this.#applied = applied;
  }

  /**
   * Takes the next message of the log. Undefined while parts are missing.
   *
   * @throws RECORD_DAMAGED if the parts of a body do not follow each other
   */
  add(index: number, message: StreamMessage): AssembledBody | undefined {
    const { part, parts, body } = message;
    const begun = this.#begun;
    if (begun === undefined) {
      if (parts === 1) return { first: index, last: index, body };
      if (part > 1) return this.#partOfAppliedBody(index, message);
      this.#begun = { first: index, head: message, bodies: [body] };
      return undefined;
    }
    if (!follows(begun, index, message)) throw damagedEntry(`part ${begun.bodies.length + 1} of a frame is missing`);
    begun.bodies.push(body);
    if (part < parts) return undefined;
    this.#begun = undefined;
    return { first: begun.first, last: index, body: Buffer.concat(begun.bodies) };
  }

  #partOfAppliedBody(index: number, { part }: StreamMessage): AssembledBody {
    if (index - part + 1 > this.#applied) throw damagedEntry('the first part of a frame is missing');
    return { first: index, last: index, body: undefined };
  }
}

function follows({ first, head, bodies }: Begun, index: number, message: StreamMessage): boolean {
  const { kind, node, start, number, part, parts } = message;
  const isOfSameBody =
    kind === head.kind && node === head.node && start === head.start && number === head.number && parts === head.parts;
  return isOfSameBody && part === bodies.length + 1 && index === first + part - 1;
}
