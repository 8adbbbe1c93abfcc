import { encodeValue } from './encoding';
import type { AnyRoute, CalledMethod, OperationName, RetryPolicy, StreamOperations } from './operations';
import type { HandleSpec } from './protocol';
import type { ReconnectingClient } from './reconnecting-client';

/** Calls operations on one handle. */
export class RpcClient {
  readonly client: ReconnectingClient;
  readonly #handle: string;

  constructor(client: ReconnectingClient, handle: HandleSpec) {
    this.client = client;
    // The serving process caches what it derives from this text: it is encoded once, and sent as a JSON string.
    this.#handle = JSON.stringify(JSON.stringify(encodeValue(handle)));
  }

  /** Calls an operation that may run twice. */
  read<K extends keyof StreamOperations>(
    op: K,
    ...args: Parameters<StreamOperations[K]>
  ): Promise<Awaited<ReturnType<StreamOperations[K]>>> {
    return this.call(op, args, 'always') as Promise<Awaited<ReturnType<StreamOperations[K]>>>;
  }

  /**
   * Calls an operation that runs once, however often it has to be sent.
   *
   * @param writes How many writes the operation makes, each of which runs once.
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
 * The methods of `T` that cross the connection as one call.
 *
 * @param routes The routes of `T`.
 * @param prefix What the names of its operations begin with.
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

/** A number for a stream or an upload, which no other of this process has. */
export function newStreamNumber(): number {
  return ++lastNumber;
}
