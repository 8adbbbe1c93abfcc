import type { Link } from './link';
import type { Who } from './protocol';
import { carry } from './values';

/** Asks in the name of one handle. */
export class Asker {
  readonly link: Link;
  readonly #who: string;

  constructor(link: Link, who: Who) {
    this.link = link;
    // As text in JSON: the holder knows the handle again by it.
    this.#who = JSON.stringify(JSON.stringify(carry(who)));
  }

  /** Asked again where the answer was lost. */
  read<T>(op: string, args: readonly unknown[]): Promise<T> {
    return this.link.ask({ op, who: this.#who, args, kind: 'read' }) as Promise<T>;
  }

  /** Done once, however often it has to be asked. */
  once<T>(op: string, args: readonly unknown[], writes = 1): Promise<T> {
    return this.link.ask({ op, who: this.#who, args, kind: 'once', writes }) as Promise<T>;
  }

  /** OUTCOME_UNKNOWN where the answer was lost. */
  unsure<T>(op: string, args: readonly unknown[]): Promise<T> {
    return this.link.ask({ op, who: this.#who, args, kind: 'unsure' }) as Promise<T>;
  }
}
