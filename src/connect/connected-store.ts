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
import type { ClusterHandle } from '../store/cluster';
import type { LifecycleHandle } from '../store/lifecycle-handle';
import type { MemoryHandle } from '../store/memory-handle';
import { type OpenOptions, parseOptions } from '../store/open-options';
import type { SnapshotOptions } from '../store/snapshot';
import { snapshotKey } from '../store/snapshot-key';
import type { TrustHandle } from '../store/trust-handle';
import { connectedHandle, connectedHostAudit } from './connected-handle';
import { copyValue } from './encoding';
import { clusterRoutes, lifecycleRoutes, type StoreCalls, storeRoutes, trustRoutes } from './operations';
import type { HandleSpec } from './protocol';
import { ReconnectingClient } from './reconnecting-client';
import { RpcClient, remoteMethods } from './rpc-client';

/** Options of `MemoryStore.connect`. */
export interface ConnectOptions<M = Metadata> extends CallOptions {
  /**
   * If set, this process opens and serves the folder when no other process does. Pass the same options to `open` as the serving
   * process did, or `true` for the default options. Without `access`, the rules that the last serving process declared stay in force.
   * Default: false.
   */
  takeOver?: OpenOptions<M> | boolean;
  /** If no process serves the folder for this number of milliseconds, a call rejects with STORE_UNREACHABLE. Default: 5,000. */
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
 * @param open Is called to open and serve the folder when this process takes over.
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

/** @throws INVALID_INPUT for invalid options, even if this process never takes over */
function takeOverOptions(takeOver: unknown): OpenOptions | undefined {
  if (takeOver === false) return undefined;
  const options = (takeOver === true ? {} : takeOver) as OpenOptions;
  parseOptions({ ...options, serve: true });
  return options;
}

/** A key is sent as text, because no other call sends bytes. An invalid key is sent as it is, and the serving process refuses it. */
function withTextKey(options: SnapshotOptions | undefined): SnapshotOptions | undefined {
  const key = snapshotKey.safeParse(Object(options).encryptionKey);
  return key.success ? { ...options, encryptionKey: Buffer.from(key.data).toString('base64') } : options;
}

/** A store that another process serves, or that this process serves after it took over. */
export class Connected<S, M = Metadata> implements StoreCalls<S>, AsyncDisposable {
  readonly admin: MemoryHandle<M>;
  readonly audit: StoreAudit;
  readonly cluster: ClusterHandle;
  readonly trust: TrustHandle;
  readonly lifecycle: LifecycleHandle;
  readonly settled: StoreCalls<S>['settled'];
  readonly stats: StoreCalls<S>['stats'];
  readonly position: StoreCalls<S>['position'];
  readonly verify: StoreCalls<S>['verify'];
  readonly hold: StoreCalls<S>['hold'];
  readonly releaseHold: StoreCalls<S>['releaseHold'];
  readonly holds: StoreCalls<S>['holds'];
  readonly withheld: StoreCalls<S>['withheld'];
  readonly erase: StoreCalls<S>['erase'];
  readonly receipts: StoreCalls<S>['receipts'];
  readonly backup: StoreCalls<S>['backup'];
  readonly snapshot: StoreCalls<S>['snapshot'];
  readonly purge: StoreCalls<S>['purge'];
  readonly #client: ReconnectingClient;

  constructor(client: ReconnectingClient) {
    this.#client = client;
    const rpc = new RpcClient(client, hostHandle);
    this.admin = this.#handle(hostHandle, {});
    this.audit = connectedHostAudit(rpc);
    this.lifecycle = remoteMethods<LifecycleHandle, typeof lifecycleRoutes>(rpc, lifecycleRoutes, 'store.lifecycle.');
    this.cluster = remoteMethods<ClusterHandle, typeof clusterRoutes>(rpc, clusterRoutes, 'store.cluster.');
    this.trust = remoteMethods<TrustHandle, typeof trustRoutes>(rpc, trustRoutes, 'store.trust.');
    const remote = remoteMethods<StoreCalls<S>, typeof storeRoutes>(rpc, storeRoutes, 'store.');
    this.settled = remote.settled;
    this.stats = remote.stats;
    this.position = remote.position;
    this.verify = remote.verify;
    this.purge = remote.purge;
    this.hold = remote.hold;
    this.releaseHold = remote.releaseHold;
    this.holds = remote.holds;
    this.withheld = remote.withheld;
    this.erase = remote.erase;
    this.receipts = remote.receipts;
    // The path is made absolute here, because the serving process may have another working directory.
    this.backup = async (folder, ...args) => remote.backup(folderPath(folder), ...args);
    // The serving process decides by the options which of the two results it sends.
    this.snapshot = (async (to: string | URL, ...args: [SnapshotOptions?]) =>
      remote.snapshot(folderPath(to, 'to'), ...args.map(withTextKey))) as StoreCalls<S>['snapshot'];
  }

  as(principal: Principal, ...given: [scope?: Scope]): MemoryHandle<M> {
    // An explicit undefined is rejected. Otherwise a variable that is undefined by mistake would widen the scope to the whole store.
    const scope = given.length === 0 ? {} : given[0];
    this.#client.assertOpen();
    const { principal: principalShape, scope: scopeShape } = this.#client.shapes;
    const [, parsed] = parseAll([principalShape, principal, ['principal']], [scopeShape, scope, ['scope']]);
    // The arguments are copied, because the caller may change its objects later.
    return this.#handle(copyValue({ principal, scopes: [scope] }), parsed);
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Makes a handle. `M` exists only for the compiler, so the handle can be cast to it. */
  #handle(spec: HandleSpec, scope: ParsedScope): MemoryHandle<M> {
    return connectedHandle(this.#client, spec, scope) as unknown as MemoryHandle<M>;
  }
}
