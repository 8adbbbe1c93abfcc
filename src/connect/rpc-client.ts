import { encodeValue } from './encoded-values';
import type { Who } from './protocol';
import type { ReconnectingClient } from './reconnecting-client';

/** Asks in the name of one handle. */
export class RpcClient {
  readonly link: ReconnectingClient;
  readonly #who: string;

  constructor(link: ReconnectingClient, who: Who) {
    this.link = link;
    // As text in JSON: the holder knows the handle again by it.
    this.#who = JSON.stringify(JSON.stringify(encodeValue(who)));
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
