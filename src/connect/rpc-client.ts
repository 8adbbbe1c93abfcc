import { encodeValue } from './encoding';
import type { AnyRoute, CalledMethod, OperationName, RetryPolicy, StreamOperations } from './operations';
import type { HandleSpec } from './protocol';
import type { ReconnectingClient } from './reconnecting-client';

/** Calls operations of the serving process on one handle. */
export class RpcClient {
  readonly client: ReconnectingClient;
  readonly #handle: string;

  constructor(client: ReconnectingClient, handle: HandleSpec) {
    this.client = client;
    // The text is encoded only once and sent as a JSON string. The serving process caches by this text.
    this.#handle = JSON.stringify(JSON.stringify(encodeValue(handle)));
  }

  /** Calls an operation that may safely run twice. */
  read<K extends keyof StreamOperations>(
    op: K,
    ...args: Parameters<StreamOperations[K]>
  ): Promise<Awaited<ReturnType<StreamOperations[K]>>> {
    return this.call(op, args, 'always') as Promise<Awaited<ReturnType<StreamOperations[K]>>>;
  }

  /**
   * Calls an operation that runs only once, even if it has to be sent several times.
   *
   * @param writes How many writes the operation makes. Each of them runs only once.
   */
  write<K extends keyof StreamOperations>(
    op: K,
    args: Parameters<StreamOperations[K]>,
    writes = 1,
  ): Promise<Awaited<ReturnType<StreamOperations[K]>>> {
    const request = { op, handle: this.#handle, args, retry: 'deduplicated', writes } as const;
    return this.client.call(request) as Promise<Awaited<ReturnType<StreamOperations[K]>>>;
  }

  call(op: OperationName, args: readonly unknown[], retry: RetryPolicy): Promise<unknown> {
    return this.client.call({ op, handle: this.#handle, args, retry });
  }
}

/**
 * Makes the methods of `T` that the client sends as one call.
 *
 * @param routes The routes of `T`.
 * @param prefix The prefix for the names of the operations.
 */
export function remoteMethods<T, R extends Readonly<Record<string, AnyRoute>>>(
  rpc: RpcClient,
  routes: R,
  prefix = '',
): Pick<T, CalledMethod<R> & keyof T> {
  const methods: Record<string, (...args: readonly unknown[]) => Promise<unknown>> = {};
  for (const [name, route] of Object.entries(routes)) {
    if (route === 'streamed' || route === 'local') continue;
    const op = `${prefix}${name}` as OperationName;
    methods[name] = (...args) => rpc.call(op, args, typeof route === 'function' ? route(...(args as never[])) : route);
  }
  return methods as Pick<T, CalledMethod<R> & keyof T>;
}

let lastNumber = 0;

/** Returns a number for a stream or an upload that is unique in this process. */
export function newStreamNumber(): number {
  return ++lastNumber;
}
