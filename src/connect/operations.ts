import type { CallOptions, LongCallOptions } from '../domain/calls';
import type { Memory, MemoryChange, RememberResult } from '../domain/memory';
import type { AccessHandle } from '../store/access-handle';
import type { AuditHandle, AuditPage, AuditQuery, StoreAudit } from '../store/audit-handle';
import type { AuditEntry, ExportedAuditEntry } from '../store/audit-view';
import type { ListOptions, MemoryHandle, MemoryPage } from '../store/memory-handle';
import type { VerifyResult } from '../store/verify';
import type { EncodedError } from './encoding';

/**
 * What the client does when the connection ends before the answer arrives:
 *
 * - `always`: sends the call again, because it may run twice.
 * - `deduplicated`: sends the call again with the same request number. The serving process runs it once.
 * - `never`: rejects with OUTCOME_UNKNOWN if the serving process may have started the call.
 */
export type RetryPolicy = 'always' | 'deduplicated' | 'never';

/** How a method crosses the connection: as one call, through several `StreamOperations`, or not at all. */
type Route<F> =
  | RetryPolicy
  | (F extends (...args: infer A) => unknown ? (...args: A) => RetryPolicy : never)
  | Uncalled;
type Uncalled = 'streamed' | 'local';
/** The route of a method whose type does not matter. */
export type AnyRoute = RetryPolicy | ((...args: never[]) => RetryPolicy) | Uncalled;

/** The names of the methods of an interface. */
type MethodName<T> = { [K in keyof T]-?: T[K] extends (...args: never[]) => unknown ? K : never }[keyof T] & string;

/**
 * A route for each method of an interface. Client and server are both derived from it: a method that is added or renamed does
 * not compile until it has a route, and one that has a route is served.
 */
export type Routes<T> = { readonly [K in MethodName<T>]: Route<T[K]> };

/** The methods that cross the connection as one call. */
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
  forgetWhere: (_, options) => (options?.dryRun === true ? 'always' : 'never'),
  watch: 'streamed',
  stats: 'always',
  within: 'local',
} as const satisfies Routes<MemoryHandle>;

export const accessRoutes = {
  allow: 'deduplicated',
  deny: 'deduplicated',
  clear: 'deduplicated',
  role: 'deduplicated',
  group: 'deduplicated',
  end: 'deduplicated',
  list: 'always',
  explain: 'always',
} as const satisfies Routes<AccessHandle>;

export const auditRoutes = { query: 'streamed', export: 'streamed' } as const satisfies Routes<AuditHandle>;

/** The calls on the audit that only the host makes. */
export type HostAudit = Omit<StoreAudit, keyof AuditHandle>;

export const hostAuditRoutes = {
  verify: 'always',
  checkpoint: 'always',
  retain: 'never',
} as const satisfies Routes<HostAudit>;

/** The calls on a store that a connected store passes on. */
export interface StoreCalls<S = unknown> {
  settled(options?: CallOptions): Promise<void>;
  stats(): Promise<S>;
  backup(folder: string | URL, options?: LongCallOptions): Promise<void>;
  verify(options?: LongCallOptions & { repair?: boolean }): Promise<VerifyResult>;
}

export const storeRoutes = {
  settled: 'always',
  stats: 'always',
  backup: 'never',
  verify: 'always',
} as const satisfies Routes<StoreCalls>;

/** The next item of a stream. */
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

/** The operations behind the methods that are `streamed`. Streams and uploads have numbers that the client chooses. */
export interface StreamOperations {
  /** Stores items, each by itself. */
  rememberEach(items: readonly unknown[], options: object): EncodedBatchResult;
  /** Stores all items of an upload, or none. The items follow as `rememberAll.items`. */
  rememberAll(upload: number, options: object): EncodedBatchResult;
  /**
   * Sends items of an upload, the first of which is item number `from`. Resolves to the number of the item that is needed next,
   * or to undefined if no more items are needed.
   */
  'rememberAll.items'(
    upload: number,
    from: number,
    items: readonly unknown[],
    isLast: boolean,
  ): Promise<number | undefined>;
  /** The first page of a list. */
  list(options?: ListOptions): MemoryPage;
  /** A page of a list that is iterated, and the version of the store that it was read from. */
  'list.page'(options?: ListOptions): { readonly version: string; readonly page: MemoryPage };
  /** A memory of a page as it is now: true if the store still has that version, undefined if the memory is no longer visible. */
  'list.current'(memory: Pick<Memory, 'id' | 'state'>, version: string): true | Memory | undefined;
  /** The cursor of a watch that starts now. It stays valid when another process serves the folder. */
  'watch.cursor'(options: object): string;
  /** The next change of a watch. The first call opens the stream. */
  'watch.next'(stream: number, options: object): StreamItem<MemoryChange>;
  /** The first page of a query. */
  'audit.query'(query?: AuditQuery): AuditPage;
  /**
   * The next entry of a query or an export. The first call opens the stream. 'lost': `delivered` is above 0, and the stream is
   * not open, because the process that served it has exited.
   */
  'audit.next'(
    stream: number,
    method: 'query' | 'export',
    query: object | undefined,
    delivered: number,
  ): StreamItem<AuditEntry | ExportedAuditEntry> | 'lost';
  /** Closes a stream that is not read to its end. */
  'stream.close'(stream: number): void;
}

/** The name of everything that a client can call. */
export type OperationName =
  | keyof StreamOperations
  | CalledMethod<typeof handleRoutes>
  | `access.${CalledMethod<typeof accessRoutes>}`
  | `store.${CalledMethod<typeof storeRoutes>}`
  | `store.audit.${CalledMethod<typeof hostAuditRoutes>}`;
