import { resolve } from 'node:path';
import { z } from 'zod';
import type { CallOptions, LongCallOptions } from '../domain/calls';
import { invalidInput } from '../domain/errors';
import type { Metadata } from '../domain/json';
import { parse, parseAll } from '../domain/parse/parse';
import { fields, signal } from '../domain/parse/shapes';
import type { Principal } from '../domain/principal';
import type { Scope } from '../domain/selection';
import { systemEnvironment } from '../environment/environment';
import { systemTiming } from '../environment/timing';
import type { StoreAudit } from '../store/audit-handle';
import type { MemoryHandle } from '../store/memory-handle';
import { type OpenOptions, parseOptions } from '../store/open-options';
import type { VerifyResult } from '../store/verify/verify';
import { ConnectedStoreAudit } from './connected-audit';
import { ConnectedHandle } from './connected-handle';
import { ReconnectingClient } from './reconnecting-client';
import { RpcClient } from './rpc-client';

/** How a process connects to a store that another one holds. */
export interface ConnectOptions<M = Metadata> extends CallOptions {
  /**
   * Where nobody holds the folder, or who held it is gone: opens it with these options, and serves it to the others. Give what
   * the holder was given: `access` left out keeps the rules that it declared. `true`: the options of `open` by default.
   */
  takeOver?: OpenOptions<M> | boolean;
  /** How long a call waits while nobody serves the folder, in milliseconds, before STORE_UNREACHABLE. Default: 5,000. */
  waitMs?: number;
}

const defaultWaitMs = 5_000;
const clientBytes = 12;
const host = { principal: null, scopes: [] };

const optionsShape = fields({
  takeOver: z.unknown().optional(),
  waitMs: z.int({ error: 'must be a whole number.' }).min(0, { error: 'must not be below 0.' }).optional(),
  signal: signal.optional(),
});

type Open = (folder: string, options: OpenOptions & { serve: true }) => Promise<{ close(): Promise<void> }>;

/** Connects to whoever holds the folder; `open` takes over where nobody does. */
export async function connect<S, M = Metadata>(
  folder: string,
  options: ConnectOptions<M>,
  open: Open,
): Promise<Connected<S, M>> {
  if (typeof folder !== 'string' || folder === '' || folder.includes('\0')) {
    throw invalidInput([{ path: ['folder'], message: 'must be the path of a folder.' }]);
  }
  const { takeOver = false, waitMs = defaultWaitMs, signal: given } = parse(optionsShape, options, 'The options');
  const own = ownOptions(takeOver);
  given?.throwIfAborted();
  const path = resolve(folder);
  const link = new ReconnectingClient({
    folder: path,
    client: Buffer.from(systemEnvironment().randomBytes(clientBytes)).toString('hex'),
    waitMs,
    takeOver: own && (() => open(path, { ...own, serve: true })),
    jitter: systemTiming.jitter,
  });
  try {
    await link.reach();
    given?.throwIfAborted();
  } catch (error) {
    await link.close();
    throw error;
  }
  return new Connected<S, M>(link);
}

/** @throws INVALID_INPUT, though they may never be needed */
function ownOptions(takeOver: unknown): OpenOptions | undefined {
  if (takeOver === false) return undefined;
  const own = (takeOver === true ? {} : takeOver) as OpenOptions;
  parseOptions({ ...own, serve: true });
  return own;
}

/** A store that another process holds, perhaps. */
export class Connected<S, M = Metadata> implements AsyncDisposable {
  readonly admin: MemoryHandle<M>;
  readonly audit: StoreAudit;
  readonly #link: ReconnectingClient;
  readonly #asker: RpcClient;

  constructor(link: ReconnectingClient) {
    this.#link = link;
    this.#asker = new RpcClient(link, host);
    this.admin = new ConnectedHandle<M>(link, host, {});
    this.audit = new ConnectedStoreAudit(this.#asker);
  }

  as(principal: Principal, ...given: [scope?: Scope]): MemoryHandle<M> {
    // A scope that got lost must not become none at all.
    const scope = given.length === 0 ? {} : given[0];
    this.#link.assertOpen();
    const { principal: who, scope: where } = this.#link.shapes;
    const [, bound] = parseAll([who, principal, ['principal']], [where, scope, ['scope']]);
    // A copy: callers use their objects again.
    return new ConnectedHandle<M>(this.#link, structuredClone({ principal, scopes: [scope] }), bound);
  }

  settled(...args: [options?: CallOptions]): Promise<void> {
    return this.#asker.read('store.settled', args);
  }

  backup(folder: string, ...args: [options?: LongCallOptions]): Promise<void> {
    // The holder may have another working directory.
    return this.#asker.unsure('store.backup', [typeof folder === 'string' ? resolve(folder) : folder, ...args]);
  }

  verify(...args: [options?: LongCallOptions & { repair?: boolean }]): Promise<VerifyResult> {
    return this.#asker.read('store.verify', args);
  }

  stats(): Promise<S> {
    return this.#asker.read('store.stats', []);
  }

  close(): Promise<void> {
    return this.#link.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
