import type { CallOptions, LongCallOptions } from '../domain/calls';
import type { ErasureOptions, ErasurePlan, ErasureTarget } from '../domain/erasure';
import type { Hold, HoldRequest, ReleasedHold, ReleaseHoldOptions, WithheldMemory } from '../domain/hold';
import type { Memory, MemoryChange, RememberResult } from '../domain/memory';
import type { ExportLine } from '../domain/subject-export';
import type { ErasureReceipt } from '../erasure/receipt';
import type { AccessHandle } from '../store/access-handle';
import type { AuditHandle, AuditPage, AuditQuery, StoreAudit } from '../store/audit-handle';
import type { AuditEntry, ExportedAuditEntry } from '../store/audit-view';
import type { ClusterHandle } from '../store/cluster';
import type { LifecycleHandle } from '../store/lifecycle-handle';
import type { ListOptions, MemoryHandle, MemoryPage } from '../store/memory-handle';
import type { PurgeOptions, PurgeResult } from '../store/purge-result';
import type { Snapshot, SnapshotOptions, SnapshotPlan } from '../store/snapshot';
import type { TrustHandle } from '../store/trust-handle';
import type { VerifyResult } from '../store/verify';
import type { EncodedError } from './encoding';

/**
 * What the client does when the connection ends before the answer arrives:
 *
 * - `always`: sends the call again. It does no harm if the call runs twice.
 * - `deduplicated`: sends the call again with the same request number. The serving process runs it once.
 * - `never`: rejects with OUTCOME_UNKNOWN if the serving process may have started the call.
 */
export type RetryPolicy = 'always' | 'deduplicated' | 'never';

/** How the client sends a method to the serving process: as one call, as several `StreamOperations`, or not at all. */
type Route<F> =
  | RetryPolicy
  | (F extends (...args: infer A) => unknown ? (...args: A) => RetryPolicy : never)
  | Uncalled;
type Uncalled = 'streamed' | 'local';
/** The route of any method, for code that does not depend on the method's type. */
export type AnyRoute = RetryPolicy | ((...args: never[]) => RetryPolicy) | Uncalled;

/** The names of the methods of an interface. */
type MethodName<T> = { [K in keyof T]-?: T[K] extends (...args: never[]) => unknown ? K : never }[keyof T] & string;

/**
 * A route for each method of an interface. Client and server are both derived from the routes. If a method is added or renamed, the code
 * does not compile until the method has a route. Every method with a route is served.
 */
export type Routes<T> = { readonly [K in MethodName<T>]: Route<T[K]> };

/** The methods that the client sends as one call. */
export type CalledMethod<R> = { [K in keyof R]: R[K] extends Uncalled ? never : K }[keyof R] & string;

/** The methods whose calls are deduplicated. */
export type DeduplicatedMethod<R> = { [K in keyof R]: R[K] extends 'deduplicated' ? K : never }[keyof R] & string;

export const handleRoutes = {
  remember: 'deduplicated',
  rememberMany: 'streamed',
  recall: 'always',
  get: 'always',
  history: 'always',
  list: 'streamed',
  count: 'always',
  namespaces: 'always',
  update: 'deduplicated',
  share: 'deduplicated',
  forget: 'deduplicated',
  endorse: 'deduplicated',
  consolidate: (_, options) => (options?.dryRun === true ? 'always' : 'never'),
  sources: 'always',
  derived: 'always',
  undoConsolidation: 'never',
  duplicates: 'always',
  conflicts: 'always',
  forgetWhere: (_, options) => (options?.dryRun === true ? 'always' : 'never'),
  watch: 'streamed',
  exportSubject: 'streamed',
  withheld: 'always',
  stats: 'always',
  within: 'local',
} as const satisfies Routes<MemoryHandle>;

export const accessRoutes = {
  allow: 'deduplicated',
  deny: 'deduplicated',
  clear: 'deduplicated',
  ceiling: 'deduplicated',
  retain: 'deduplicated',
  role: 'deduplicated',
  group: 'deduplicated',
  end: 'deduplicated',
  list: 'always',
  explain: 'always',
} as const satisfies Routes<AccessHandle>;

export const auditRoutes = { query: 'streamed', export: 'streamed' } as const satisfies Routes<AuditHandle>;

/** The audit methods that only the host can call. */
export type HostAudit = Omit<StoreAudit, keyof AuditHandle>;

export const hostAuditRoutes = {
  verify: 'always',
  checkpoint: 'always',
  retain: 'never',
} as const satisfies Routes<HostAudit>;

export const clusterRoutes = {
  status: 'always',
  promote: 'never',
  remove: 'never',
  transfer: 'never',
  compare: 'always',
} as const satisfies Routes<ClusterHandle>;

export const trustRoutes = {
  contain: (_, options) => (options?.dryRun === true ? 'always' : 'never'),
  release: 'never',
  revert: (_, options) => (options?.dryRun === true ? 'always' : 'never'),
  influence: 'always',
  explain: 'always',
  quarantined: 'always',
  anomalies: 'always',
  reject: 'never',
  incidents: 'always',
} as const satisfies Routes<TrustHandle>;
export const lifecycleRoutes = {
  run: (options) => (options?.dryRun === true ? 'always' : 'never'),
  status: 'always',
} as const satisfies Routes<LifecycleHandle>;

/** The methods of a store that a connected store passes on to the serving process. */
export interface StoreCalls<S = unknown> {
  settled(options?: CallOptions): Promise<void>;
  stats(): Promise<S>;
  position(): Promise<string>;
  backup(folder: string | URL, options?: LongCallOptions): Promise<void>;
  purge(options?: PurgeOptions): Promise<PurgeResult>;
  snapshot(to: string | URL, options: SnapshotOptions & { dryRun: true }): Promise<SnapshotPlan>;
  snapshot(to: string | URL, options?: SnapshotOptions & { dryRun?: false }): Promise<Snapshot>;
  snapshot(to: string | URL, options?: SnapshotOptions): Promise<Snapshot | SnapshotPlan>;
  verify(options?: LongCallOptions & { repair?: boolean }): Promise<VerifyResult>;
  hold(request: HoldRequest, options?: CallOptions): Promise<string>;
  releaseHold(id: string, options?: ReleaseHoldOptions): Promise<ReleasedHold>;
  holds(options?: CallOptions): Promise<Hold[]>;
  withheld(options?: CallOptions & { limit?: number; after?: string }): Promise<WithheldMemory[]>;
  erase(target: ErasureTarget, options: ErasureOptions & { dryRun: true }): Promise<ErasurePlan>;
  erase(target: ErasureTarget, options?: ErasureOptions & { dryRun?: false }): Promise<ErasureReceipt>;
  erase(target: ErasureTarget, options?: ErasureOptions): Promise<ErasureReceipt | ErasurePlan>;
  receipts(options?: CallOptions): Promise<ErasureReceipt[]>;
}

export const storeRoutes = {
  settled: 'always',
  stats: 'always',
  position: 'always',
  backup: 'never',
  snapshot: (_, options) => (options?.dryRun === true ? 'always' : 'never'),
  purge: 'always',
  verify: 'always',
  hold: 'never',
  releaseHold: (_, options) => (options?.dryRun === true ? 'always' : 'never'),
  holds: 'always',
  withheld: 'always',
  erase: (_, options) => (options?.dryRun === true ? 'always' : 'never'),
  receipts: 'always',
} as const satisfies Routes<StoreCalls>;

/** The next item from a stream. */
export interface StreamItem<T> {
  readonly done: boolean;
  readonly value: T;
}

/** A `BatchResult` whose errors are encoded. */
export interface EncodedBatchResult {
  readonly stored: number;
  readonly revised: number;
  readonly duplicates: number;
  readonly failed: number;
  readonly results: readonly (
    | ({ readonly index: number; readonly ok: true } & RememberResult)
    | { readonly index: number; readonly ok: false; readonly error: EncodedError }
  )[];
}

/** The operations that implement the methods with the route `streamed`. The client chooses the numbers for streams and uploads. */
export interface StreamOperations {
  /** Stores items. Each item succeeds or fails separately. */
  rememberEach(items: readonly unknown[], options: object): EncodedBatchResult;
  /** Stores all items of an upload, or none. The client sends the items with `rememberAll.items`. */
  rememberAll(upload: number, options: object): EncodedBatchResult;
  /**
   * Sends items of an upload, starting with item number `from`. Resolves to the number of the next item that is needed, or to undefined
   * if no more items are needed.
   */
  'rememberAll.items'(
    upload: number,
    from: number,
    items: readonly unknown[],
    isLast: boolean,
  ): Promise<number | undefined>;
  /** Reads the first page of a list. */
  list(options?: ListOptions): MemoryPage;
  /** Reads a page for the iteration of a list. `version` identifies the state of the store at that time. */
  'list.page'(options?: ListOptions): { readonly version: string; readonly page: MemoryPage };
  /** Reads the current state of a listed memory: true if nothing changed since `version`, undefined if it is not visible any more. */
  'list.current'(memory: Pick<Memory, 'id' | 'state' | 'trust'>, version: string): true | Memory | undefined;
  /** Returns the cursor for a watch that starts now. It stays valid after another process starts to serve the folder. */
  'watch.cursor'(options: object): string;
  /** Waits for the next change in a watch. The first call opens the stream. */
  'watch.next'(stream: number, options: object): StreamItem<MemoryChange>;
  /** Reads the first page of an audit query. */
  'audit.query'(query?: AuditQuery): AuditPage;
  /**
   * Reads the next entry for the iteration of a query or an export. The first call opens the stream. Returns 'lost' if the stream is not
   * open although `delivered` is above 0. This happens after the process that served the stream has exited.
   */
  'audit.next'(
    stream: number,
    method: 'query' | 'export',
    query: object | undefined,
    delivered: number,
  ): StreamItem<AuditEntry | ExportedAuditEntry> | 'lost';
  /** Reads the next line of an export. It opens and loses its stream as `audit.next` does. */
  'exportSubject.next'(
    stream: number,
    subject: { userId: string },
    options: object | undefined,
    delivered: number,
  ): StreamItem<ExportLine> | 'lost';
  /** Closes a stream before its end. */
  'stream.close'(stream: number): void;
}

/** The names of all operations that a client can call. */
export type OperationName =
  | keyof StreamOperations
  | CalledMethod<typeof handleRoutes>
  | `access.${CalledMethod<typeof accessRoutes>}`
  | `store.${CalledMethod<typeof storeRoutes>}`
  | `store.audit.${CalledMethod<typeof hostAuditRoutes>}`
  | `store.cluster.${CalledMethod<typeof clusterRoutes>}`
  | `store.trust.${CalledMethod<typeof trustRoutes>}`
  | `store.lifecycle.${CalledMethod<typeof lifecycleRoutes>}`;
