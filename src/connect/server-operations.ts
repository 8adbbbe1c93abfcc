import { z } from 'zod';
import { noSuchMemory } from '../access/denials';
import { toRuleInForce } from '../domain/declaration';
import { invalidInput } from '../domain/errors';
import type { Memory, NewMemory, RememberResult } from '../domain/memory';
import { memoryStates } from '../domain/memory';
import { parsedScopeOf } from '../domain/parse/parse-selection';
import { expected, flag, integer, oneOf, parse } from '../domain/parse/shapes';
import { type Caller, emptyScope, narrowScope } from '../domain/scope';
import type { ExportLine } from '../domain/subject-export';
import { trustLevels } from '../domain/trust';
import { nextTurn } from '../environment/timers';
import { relist } from '../recall/list';
import { mayLearnId, withoutHiddenLinks } from '../recall/recheck';
import { cursorOfNow } from '../recall/watch';
import type { AccessHandle } from '../store/access-handle';
import type { StoreAudit } from '../store/audit-handle';
import type { AuditEntry, ExportedAuditEntry } from '../store/audit-view';
import type { ClusterHandle } from '../store/cluster';
import type { Engine } from '../store/composition/engine';
import type { LifecycleHandle } from '../store/lifecycle-handle';
import type { Lifetime } from '../store/lifetime';
import { settledItem } from '../store/list-query';
import type { ListOptions, MemoryHandle } from '../store/memory-handle';
import { type HandleDeps, PrincipalHandle } from '../store/principal-handle';
import type { TrustHandle } from '../store/trust-handle';
import { type BatchResult, batchResultOf } from '../write/remember-many';
import type { Author } from '../write/write-context';
import { encodeError } from './encoding';
import {
  type AnyRoute,
  accessRoutes,
  clusterRoutes,
  type DeduplicatedMethod,
  type EncodedBatchResult,
  type HostAudit,
  handleRoutes,
  hostAuditRoutes,
  lifecycleRoutes,
  type OperationName,
  type Routes,
  type StoreCalls,
  type StreamItem,
  type StreamOperations,
  storeRoutes,
  trustRoutes,
} from './operations';
import type { RequestDedup, WriteOutcome } from './request-dedup';
import { Upload } from './upload';

/** The methods of the served store that its host can call. */
export interface HostStore extends StoreCalls {
  readonly audit: StoreAudit;
  readonly cluster: ClusterHandle;
  readonly trust: TrustHandle;
  readonly lifecycle: LifecycleHandle;
}

/** The state that all connections share. */
export interface ServedStore {
  readonly engine: HandleDeps & Pick<Engine, 'limits'>;
  readonly lifetime: Lifetime;
  readonly store: HostStore;
  readonly dedup: RequestDedup;
}

/** The state of one connection. */
export interface ConnectionState {
  readonly streams: Map<number, AsyncIterator<unknown>>;
  readonly uploads: Map<number, Upload>;
}

/** The context in which a client's call runs. */
export interface ServedCall extends ServedStore, ConnectionState {
  readonly author: Author;
}

type Operation = (call: ServedCall, args: readonly unknown[]) => unknown;

/** For each deduplicated method, a function that makes the answer to a repeated call from the stored outcome of the first run. */
export type RepeatedAnswers<T, R> = {
  readonly [K in DeduplicatedMethod<R> & keyof T]: (
    outcome: WriteOutcome,
    call: ServedCall,
  ) => T[K] extends (...args: never[]) => infer A ? Awaited<A> : never;
};

type StreamHandlers = {
  readonly [K in keyof StreamOperations]: (
    call: ServedCall,
    ...args: Parameters<StreamOperations[K]>
  ) => ReturnType<StreamOperations[K]> | Promise<Awaited<ReturnType<StreamOperations[K]>>>;
};

const addedRule = outcomeOf('add-declaration', ({ declared }) => toRuleInForce(declared));

const streamHandlers: StreamHandlers = {
  rememberEach,
  rememberAll,
  'rememberAll.items': uploadItems,
  list: async (call, ...args) => handleOf(call).list(...args),
  'list.page': listPage,
  'list.current': listCurrent,
  'watch.cursor': watchCursor,
  'watch.next': (call, stream, options) => nextItem(call, stream, () => handleOf(call).watch(options)),
  'audit.query': async (call, ...args) => handleOf(call).audit.query(...args),
  'audit.next': nextAuditEntry,
  'exportSubject.next': nextExportLine,
  'stream.close': closeStream,
};

const streamNumber = integer(0);
const items = z.array(z.unknown(), { error: expected('a list of items') });
const anything = z.unknown();

/**
 * Schemas for the arguments that the stream handlers use themselves. A client of this library always sends valid ones. Options are not
 * checked here, because the call that gets them parses them.
 */
const streamArguments: { readonly [K in keyof StreamOperations]: z.ZodType } = {
  rememberEach: z.tuple([items, anything]),
  rememberAll: z.tuple([streamNumber, anything]),
  'rememberAll.items': z.tuple([streamNumber, integer(0), items, flag]),
  list: anything,
  'list.page': anything,
  'list.current': z.tuple([
    z.object({
      id: z.string(),
      state: z.enum([...memoryStates, 'forgotten']),
      trust: z.enum(trustLevels),
    }),
    z.string(),
  ]),
  'watch.cursor': anything,
  'watch.next': z.tuple([streamNumber, anything]),
  'audit.query': anything,
  'audit.next': z.tuple([streamNumber, oneOf(['query', 'export']), anything, integer(0)]),
  'exportSubject.next': z.tuple([streamNumber, anything, anything, integer(0)]),
  'stream.close': z.tuple([streamNumber]),
};

/** All operations that a client can call, by name. */
export const operations: ReadonlyMap<string, Operation> = new Map<string, Operation>([
  ...methodOperations('', handleRoutes, handleOf, {
    remember: outcomeOf('remember', ({ remembered }) => remembered[0] as RememberResult),
    update: outcomeOf('update', ({ memory }, call) => visibleMemory(call, memory)),
    share: outcomeOf('share', ({ memory }, call) => visibleMemory(call, memory)),
    endorse: outcomeOf('endorse', ({ memory }, call) => visibleMemory(call, memory)),
    forget: outcomeOf('forget', ({ forgotten }) => forgotten.length > 0),
  }),
  ...methodOperations('access.', accessRoutes, (call): AccessHandle => handleOf(call).access, {
    allow: addedRule,
    deny: addedRule,
    clear: addedRule,
    ceiling: addedRule,
    retain: addedRule,
    role: addedRule,
    group: addedRule,
    end: outcomeOf('end-declaration', ({ ended }) => ended),
  }),
  ...methodOperations('store.', storeRoutes, ({ store }): StoreCalls => store, {}),
  ...methodOperations('store.audit.', hostAuditRoutes, ({ store }): HostAudit => store.audit, {}),
  ...methodOperations('store.cluster.', clusterRoutes, ({ store }): ClusterHandle => store.cluster, {}),
  ...methodOperations('store.trust.', trustRoutes, ({ store }): TrustHandle => store.trust, {}),
  ...methodOperations('store.lifecycle.', lifecycleRoutes, ({ store }): LifecycleHandle => store.lifecycle, {}),
  ...Object.entries(streamHandlers).map(([name, handler]): [string, Operation] => [
    name,
    (call, args) => {
      parse(streamArguments[name as keyof StreamOperations], args, name);
      return Reflect.apply(handler, undefined, [call, ...args]);
    },
  ]),
]);

/** The operations that may wait for the client or for a change. All others wait only for the store. */
export const waitingOperations: ReadonlySet<string> = new Set<OperationName>([
  'rememberAll',
  'rememberAll.items',
  'watch.next',
  'stream.close',
]);

/** Makes the operations for the methods of `T` that the client sends as one call. */
function methodOperations<T extends object, R extends Routes<T>>(
  prefix: string,
  routes: R,
  targetOf: (call: ServedCall) => T,
  repeatedAnswers: RepeatedAnswers<T, R>,
): [string, Operation][] {
  const answers: Readonly<Record<string, (outcome: WriteOutcome, call: ServedCall) => unknown>> = repeatedAnswers;
  return Object.entries<AnyRoute>(routes as Readonly<Record<string, AnyRoute>>).flatMap(
    ([method, route]): [string, Operation][] => {
      if (route === 'streamed' || route === 'local') return [];
      const run = (call: ServedCall, args: readonly unknown[]): unknown => {
        const target = targetOf(call);
        return Reflect.apply(target[method as keyof T] as Operation, target, args);
      };
      const answerOf = answers[method];
      if (answerOf === undefined) return [[`${prefix}${method}`, run]];
      const runOnce: Operation = (call, args) =>
        call.dedup.run(
          call.author.request,
          async () => run(call, args),
          (outcome) => answerOf(outcome, call),
        );
      return [[`${prefix}${method}`, runOnce]];
    },
  );
}

function outcomeOf<K extends WriteOutcome['type'], A>(
  type: K,
  answerOf: (outcome: Extract<WriteOutcome, { type: K }>, call: ServedCall) => A,
): (outcome: WriteOutcome, call: ServedCall) => A {
  return (outcome, call) => {
    if (outcome.type !== type) {
      const message = `expected the number of a new request, got the number of an earlier request, which was ${outcome.type} and not ${type}.`;
      throw invalidInput([{ path: ['number'], message }], 'call');
    }
    return answerOf(outcome as Extract<WriteOutcome, { type: K }>, call);
  };
}

function handleOf({ engine, lifetime, author }: ServedCall): MemoryHandle {
  return new PrincipalHandle(engine, lifetime, author.actor, author.scope, author.request);
}

function callerOf({ author }: ServedCall): Caller {
  return { actor: author.actor, scope: author.scope };
}

/** @throws NOT_FOUND if the client may not read the memory any more */
function visibleMemory(call: ServedCall, memory: Memory): Memory {
  const context = call.engine.reading();
  const caller = callerOf(call);
  if (!mayLearnId(context, caller, memory.id)) throw noSuchMemory(memory.id);
  return withoutHiddenLinks(context, caller, memory);
}

async function rememberEach(call: ServedCall, items: readonly unknown[], options: object): Promise<EncodedBatchResult> {
  const run = () => handleOf(call).rememberMany(items as readonly NewMemory[], options);
  return encodeBatchResult(await call.dedup.runEach(call.author.request, run));
}

async function rememberAll(call: ServedCall, id: number, options: object): Promise<EncodedBatchResult> {
  const upload = new Upload();
  call.uploads.set(id, upload);
  try {
    const run = () => handleOf(call).rememberMany(upload as AsyncIterable<NewMemory>, options);
    const answerOf = outcomeOf('remember', ({ remembered }) => batchResultOf(remembered));
    return encodeBatchResult(await call.dedup.run(call.author.request, run, (outcome) => answerOf(outcome, call)));
  } finally {
    call.uploads.delete(id);
    upload.end();
  }
}

async function uploadItems(
  { uploads }: ServedCall,
  id: number,
  from: number,
  items: readonly unknown[],
  isLast: boolean,
): Promise<number | undefined> {
  const next = await uploads.get(id)?.push(from, items, isLast === true);
  // The answer to `rememberAll` must be sent first. Then a client that receives this answer has both and does not send the items again.
  if (next === undefined) await nextTurn();
  return next;
}

async function listPage(call: ServedCall, options?: ListOptions): Promise<ReturnType<StreamOperations['list.page']>> {
  const version = call.engine.version();
  return { version, page: await handleOf(call).list(options) };
}

function listCurrent(
  call: ServedCall,
  memory: Pick<Memory, 'id' | 'state' | 'trust'>,
  version: string,
): true | Promise<Memory | undefined> {
  const { engine } = call;
  if (engine.version() === version) return true;
  return settledItem<Pick<Memory, 'id' | 'state' | 'trust'>>(memory, {
    version: () => engine.version(),
    refresh: (each) => relist(engine.reading(), callerOf(call), each),
    settled: engine.settled,
  }) as Promise<Memory | undefined>;
}

async function watchCursor(call: ServedCall, options: object): Promise<string> {
  const { engine } = call;
  // This call rejects invalid options and records the refusal in the audit.
  handleOf(call).watch(options);
  const { since: _, signal: __, ...watched } = parse(engine.shapes.watchOptions, options, 'options');
  const caller = callerOf(call);
  const scope = narrowScope(caller.scope, parsedScopeOf(watched));
  const cursor = scope === emptyScope ? 'start' : cursorOfNow(engine.reading(), { ...caller, scope });
  await engine.settled();
  return cursor;
}

async function nextAuditEntry(
  call: ServedCall,
  stream: number,
  method: 'query' | 'export',
  query: object | undefined,
  delivered: number,
): Promise<Awaited<ReturnType<StreamOperations['audit.next']>>> {
  if (delivered > 0 && !call.streams.has(stream)) return 'lost';
  return nextItem<AuditEntry | ExportedAuditEntry>(call, stream, () => handleOf(call).audit[method](query));
}

async function nextExportLine(
  call: ServedCall,
  stream: number,
  subject: { userId: string },
  options: object | undefined,
  delivered: number,
): Promise<Awaited<ReturnType<StreamOperations['exportSubject.next']>>> {
  if (delivered > 0 && !call.streams.has(stream)) return 'lost';
  return nextItem<ExportLine>(call, stream, () => handleOf(call).exportSubject(subject, options));
}

/** Reads the next item from a stream. Opens the stream if it is not open. */
async function nextItem<T>(
  { streams }: ServedCall,
  stream: number,
  open: () => AsyncIterable<T>,
): Promise<StreamItem<T>> {
  let iterator = streams.get(stream) as AsyncIterator<T> | undefined;
  if (iterator === undefined) {
    iterator = open()[Symbol.asyncIterator]();
    streams.set(stream, iterator);
  }
  try {
    const { done = false, value } = await iterator.next();
    if (done) streams.delete(stream);
    return { done, value };
  } catch (error) {
    streams.delete(stream);
    throw error;
  }
}

async function closeStream({ streams }: ServedCall, stream: number): Promise<void> {
  const iterator = streams.get(stream);
  streams.delete(stream);
  await iterator?.return?.();
}

function encodeBatchResult({ results, ...counts }: BatchResult): EncodedBatchResult {
  return { ...counts, results: results.map((each) => (each.ok ? each : { ...each, error: encodeError(each.error) })) };
}
