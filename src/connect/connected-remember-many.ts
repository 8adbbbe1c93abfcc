import type { LongCallOptions } from '../domain/calls';
import { defined } from '../domain/defined';
import { MemoryError } from '../domain/errors';
import type { NewMemory } from '../domain/memory';
import { parseAll } from '../domain/parse/shapes';
import { isFloat32Array, isPlainObject } from '../domain/realms';
import { startStopwatch } from '../environment/timers';
import type { MemoryHandle } from '../store/memory-handle';
import { batchesOf } from '../write/batches';
import { addResult, type BatchResult } from '../write/remember-many';
import { decodeError } from './encoding';
import type { EncodedBatchResult } from './operations';
import { newStreamNumber, type RpcClient } from './rpc-client';

type Items = Parameters<MemoryHandle['rememberMany']>[0];
type Options = NonNullable<Parameters<MemoryHandle['rememberMany']>[1]>;
type Batches = AsyncGenerator<unknown[]>;
type ItemResult = BatchResult['results'][number];

const defaultBatchSize = 256;
/** The approximate maximum of characters in the items of one message. */
const maxTextLength = 8 * 2 ** 20;

/** Implements `rememberMany` over a connection. Reads the source at most one batch ahead of what is stored. */
export async function rememberMany(rpc: RpcClient, items: Items, options: Options = {}): Promise<BatchResult> {
  const { rememberManyOptions: many, items: iterable } = rpc.client.shapes;
  let parsed: ReturnType<typeof many.parse>;
  try {
    [parsed] = parseAll([many, options], [iterable, items, ['items']]);
  } catch (error) {
    // The call is sent anyway: the serving process rejects it too, and records the refusal in the audit.
    // Items that are no list are sent as one invalid item. This error has the issues of items and options together.
    await rpc.read('rememberEach', isIterable(items) ? [] : [items], options).catch(() => undefined);
    throw error;
  }
  const { batchSize = defaultBatchSize, atomic, signal, onProgress } = parsed;
  const { closed } = rpc.client;
  const call: LongCallOptions = defined({ signal, onProgress });
  signal?.throwIfAborted();
  const batches = batchesOf(items, batchSize, signal === undefined ? closed : AbortSignal.any([signal, closed]));
  return atomic ? rememberAll(rpc, batches, batchSize, call) : rememberEach(rpc, batches, call);
}

async function rememberEach(rpc: RpcClient, batches: Batches, call: LongCallOptions): Promise<BatchResult> {
  const total: BatchResult = { stored: 0, revised: 0, duplicates: 0, failed: 0, results: [] };
  const elapsedMs = startStopwatch();
  for await (const batch of batches) {
    call.signal?.throwIfAborted();
    for (const group of messageGroups(batch)) {
      const first = total.results.length;
      for (const result of await rememberGroup(rpc, group, call.signal))
        addResult(total, { ...result, index: first + result.index });
    }
    const done = total.results.length;
    call.onProgress?.({ phase: 'remember', done, failed: total.failed, perSecond: (done / elapsedMs()) * 1000 });
  }
  return total;
}

/** Stores items with one call, or with several calls if they do not fit into one message. */
async function rememberGroup(
  rpc: RpcClient,
  items: readonly unknown[],
  signal: AbortSignal | undefined,
): Promise<readonly ItemResult[]> {
  const options = defined({ batchSize: items.length, signal });
  try {
    return decodeBatchResult(await rpc.write('rememberEach', [items, options], items.length)).results;
  } catch (error) {
    // An invalid item has its own result. INVALID_INPUT for the whole call can only mean that the call is too large.
    if (!MemoryError.is(error) || error.code !== 'INVALID_INPUT') throw error;
    if (items.length === 1) return [{ index: 0, ok: false, error }];
    const half = items.length >> 1;
    const firstHalf = await rememberGroup(rpc, items.slice(0, half), signal);
    const secondHalf = await rememberGroup(rpc, items.slice(half), signal);
    return [...firstHalf, ...secondHalf.map((each) => ({ ...each, index: half + each.index }))];
  }
}

/** Stores all items or none. Keeps the items until the call is answered, because another serving process may need them again. */
async function rememberAll(
  rpc: RpcClient,
  batches: Batches,
  batchSize: number,
  call: LongCallOptions,
): Promise<BatchResult> {
  const failed = new AbortController();
  const signal = call.signal === undefined ? failed.signal : AbortSignal.any([failed.signal, call.signal]);
  const upload = newStreamNumber();
  const answer = rpc.write('rememberAll', [upload, { ...call, batchSize, signal, atomic: true }]);
  const answered = answer.then(
    () => undefined,
    () => undefined,
  );
  const items: unknown[] = [];
  let isComplete = false;
  const readMore = async (): Promise<void> => {
    const next = await batches.next();
    if (next.done === true) isComplete = true;
    else items.push(...next.value);
  };
  try {
    for (let from: number | undefined = 0; from !== undefined; ) {
      const needsMore: boolean = from === items.length && !isComplete;
      const wasAnswered = needsMore && (await Promise.race([readMore(), answered.then(() => true)]));
      if (wasAnswered) break;
      const group: unknown[] = messageGroups(items.slice(from, from + batchSize))[0] ?? [];
      const isLast: boolean = isComplete && from + group.length === items.length;
      from = await rpc.read('rememberAll.items', upload, from, group, isLast);
    }
  } catch (error) {
    // Aborts the call. Nothing is stored, because not all items were sent.
    failed.abort(error);
    await answered;
    throw error;
  } finally {
    void batches.return(undefined).catch(() => undefined);
  }
  return decodeBatchResult(await answer);
}

/** Splits items into groups. Each group fits into one message. */
function messageGroups(items: readonly unknown[]): unknown[][] {
  const groups: unknown[][] = [];
  let length = maxTextLength;
  for (const given of items) {
    // The item is copied, because a getter could return a different value when the item is encoded.
    const item = isPlainObject(given) ? { ...given } : given;
    const itemLength = lengthOf(item);
    if (length + itemLength > maxTextLength) groups.push([]);
    length = groups.at(-1)?.length === 0 ? itemLength : length + itemLength;
    groups.at(-1)?.push(item);
  }
  return groups;
}

function lengthOf(item: unknown): number {
  const { text, vector } = (typeof item === 'object' && item !== null ? item : {}) as Partial<NewMemory>;
  // The other fields have limits that are small compared with a message.
  return 1024 + (typeof text === 'string' ? text.length : 0) + (isFloat32Array(vector) ? vector.length * 6 : 0);
}

function decodeBatchResult({ results, ...counts }: EncodedBatchResult): BatchResult {
  return {
    ...counts,
    results: results.map((each) => (each.ok ? each : { ...each, error: decodeError(each.error) as MemoryError })),
  };
}

function isIterable(items: unknown): boolean {
  return typeof items === 'object' && items !== null && (Symbol.iterator in items || Symbol.asyncIterator in items);
}
