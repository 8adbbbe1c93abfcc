import { z } from 'zod';
import type { CallOptions } from '../domain/calls';
import { folderPath } from '../domain/folder-path';
import type { Metadata } from '../domain/json';
import { expected, fields, flag, integer, parse, parseAll, plainObject, signal } from '../domain/parse/shapes';
import type { Principal } from '../domain/principal';
import type { ParsedScope } from '../domain/scope';
import type { Scope } from '../domain/selection';
import { systemEnvironment } from '../environment/environment';
import { systemTiming } from '../environment/timing';
import { fromSqlite } from '../sqlite/sqlite';
import type { StoreAudit } from '../store/audit-handle';
import type { MemoryHandle } from '../store/memory-handle';
import { type OpenOptions, parseOptions } from '../store/open-options';
import { connectedHandle, connectedHostAudit } from './connected-handle';
import { copyValue } from './encoding';
import { type StoreCalls, storeRoutes } from './operations';
import type { HandleSpec } from './protocol';
import { ReconnectingClient } from './reconnecting-client';
import { RpcClient, remoteMethods } from './rpc-client';

/** How `connect` reaches a store that another process serves. */
export interface ConnectOptions<M = Metadata> extends CallOptions {
  /**
   * Whether this process opens and serves the folder when no other process does. The options are those of `open`; use the options
   * of the serving process. Without `access`, the rules that the last serving process declared stay in force. `true` uses the
   * default options. Default: false.
   */
  takeOver?: OpenOptions<M> | boolean;
  /** How long a call waits, in milliseconds, while no process serves the folder. It then rejects with STORE_UNREACHABLE. Default: 5,000. */
  waitMs?: number;
}

const defaultWaitMs = 5_000;
const clientIdBytes = 12;
const hostHandle: HandleSpec = { principal: null, scopes: [] };

const optionsShape = fields({
  takeOver: z.union([flag, plainObject], { error: expected('true, false, or the options of `open`') }).optional(),
  waitMs: integer(0).optional(),
  signal: signal.optional(),
});

type Open = (folder: string, options: OpenOptions & { serve: true }) => Promise<{ close(): Promise<void> }>;

/**
 * Connects to the process that serves a folder.
 *
 * @param open Opens and serves the folder when this process takes over.
 */
export async function connect<S, M = Metadata>(
  folder: string | URL,
  options: ConnectOptions<M>,
  open: Open,
): Promise<Connected<S, M>> {
  const path = folderPath(folder);
  const { takeOver = false, waitMs = defaultWaitMs, signal: given } = parse(optionsShape, options, 'options');
  const openOptions = takeOverOptions(takeOver);
  given?.throwIfAborted();
  const client = new ReconnectingClient({
    folder: path,
    clientId: Buffer.from(systemEnvironment().randomBytes(clientIdBytes)).toString('hex'),
    waitMs,
    takeOver: openOptions && (() => open(path, { ...openOptions, serve: true })),
    jitter: systemTiming.jitter,
  });
  try {
    await client.connect();
    given?.throwIfAborted();
  } catch (error) {
    await client.close();
    throw fromSqlite(error);
  }
  return new Connected<S, M>(client);
}

/** @throws INVALID_INPUT for invalid options, although this process may never take over */
function takeOverOptions(takeOver: unknown): OpenOptions | undefined {
  if (takeOver === false) return undefined;
  const options = (takeOver === true ? {} : takeOver) as OpenOptions;
  parseOptions({ ...options, serve: true });
  return options;
}

/** A store that another process serves, or this one after it took over. */
export class Connected<S, M = Metadata> implements StoreCalls<S>, AsyncDisposable {
  readonly admin: MemoryHandle<M>;
  readonly audit: StoreAudit;
  readonly settled: StoreCalls<S>['settled'];
  readonly stats: StoreCalls<S>['stats'];
  readonly verify: StoreCalls<S>['verify'];
  readonly backup: StoreCalls<S>['backup'];
  readonly #client: ReconnectingClient;

  constructor(client: ReconnectingClient) {
    this.#client = client;
    const rpc = new RpcClient(client, hostHandle);
    this.admin = this.#handle(hostHandle, {});
    this.audit = connectedHostAudit(rpc);
    const remote = remoteMethods<StoreCalls<S>, typeof storeRoutes>(rpc, storeRoutes, 'store.');
    this.settled = remote.settled;
    this.stats = remote.stats;
    this.verify = remote.verify;
    // The serving process may have another working directory.
    this.backup = async (folder, ...args) => remote.backup(folderPath(folder), ...args);
  }

  as(principal: Principal, ...given: [scope?: Scope]): MemoryHandle<M> {
    // An explicit undefined is rejected: a lost variable must not widen the scope to everything.
    const scope = given.length === 0 ? {} : given[0];
    this.#client.assertOpen();
    const { principal: principalShape, scope: scopeShape } = this.#client.shapes;
    const [, parsed] = parseAll([principalShape, principal, ['principal']], [scopeShape, scope, ['scope']]);
    // Copied: the caller may change its objects.
    return this.#handle(copyValue({ principal, scopes: [scope] }), parsed);
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** `M` is known to the compiler only. */
  #handle(spec: HandleSpec, scope: ParsedScope): MemoryHandle<M> {
    return connectedHandle(this.#client, spec, scope) as unknown as MemoryHandle<M>;
  }
}
