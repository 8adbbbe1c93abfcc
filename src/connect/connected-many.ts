import type { LongCallOptions } from '../domain/calls';
import { MemoryError } from '../domain/errors';
import type { NewMemory } from '../domain/memory';
import { parseAll } from '../domain/parse/parse';
import { isPlain } from '../domain/parse/parse-json';
import { startStopwatch } from '../environment/timers';
import { batchesOf } from '../write/batches';
import { type BatchResult, tally } from '../write/remember-many';
import { decodeError, type EncodedError } from './encoded-errors';
import { newNumber } from './numbers';
import type { RpcClient } from './rpc-client';

type Items<M> = Iterable<NewMemory<M>> | AsyncIterable<NewMemory<M>>;
type Options = LongCallOptions & { atomic?: boolean; batchSize?: number };
type Batches = AsyncGenerator<unknown[]>;
type Result = BatchResult['results'][number];
type CarriedResult = { batch: Exclude<Result, { ok: false }> | { index: number; ok: false; error: EncodedError } };
type CarriedBatch = Omit<BatchResult, 'results'> & { results: CarriedResult['batch'][] };

const defaultBatchSize = 256;
/** Characters of text in one message. */
const maxTextLength = 8 * 2 ** 20;

/** Stores many, as `rememberMany` does. The source is read here, a batch ahead of what the holder has stored, no more. */
export async function rememberMany<M>(asker: RpcClient, items: Items<M>, options: Options = {}): Promise<BatchResult> {
  const { many, items: iterable } = asker.link.shapes;
  let given: ReturnType<typeof many.parse>;
  try {
    [given] = parseAll([many, options], [iterable, items, ['items']]);
  } catch (error) {
    // The holder refuses it, too, and writes that down.
    await asker.once('rememberEach', [isIterable(items) ? [] : items, options], 0);
    throw error;
  }
  const { batchSize = defaultBatchSize, atomic, signal, onProgress } = given;
  const ends = signal === undefined ? asker.link.ended : AbortSignal.any([signal, asker.link.ended]);
  const call = { ...(signal === undefined ? {} : { signal }), ...(onProgress === undefined ? {} : { onProgress }) };
  signal?.throwIfAborted();
  const batches = batchesOf(items, batchSize, ends);
  return atomic ? rememberAll(asker, batches, batchSize, call) : rememberEach(asker, batches, call);
}

async function rememberEach(asker: RpcClient, batches: Batches, call: LongCallOptions): Promise<BatchResult> {
  const total = nothing();
  const elapsedMs = startStopwatch();
  for await (const batch of batches) {
    call.signal?.throwIfAborted();
    for (const part of parts(batch)) {
      const first = total.results.length;
      for (const result of await rememberPart(asker, part, call))
        tally(total, { ...result, index: first + result.index });
    }
    const done = total.results.length;
    call.onProgress?.({ phase: 'remember', done, failed: total.failed, perSecond: (done / elapsedMs()) * 1000 });
  }
  return total;
}

async function rememberPart(asker: RpcClient, items: readonly unknown[], call: LongCallOptions): Promise<Result[]> {
  const options = { batchSize: items.length, ...(call.signal === undefined ? {} : { signal: call.signal }) };
  try {
    return uncarried(await asker.once<CarriedBatch>('rememberEach', [items, options], items.length)).results;
  } catch (error) {
    // Items are refused one by one: these are too large for a message.
    if (!MemoryError.is(error) || error.code !== 'INVALID_INPUT') throw error;
    if (items.length === 1) return [{ index: 0, ok: false, error }];
    const half = items.length >> 1;
    const results = await rememberPart(asker, items.slice(0, half), call);
    const others = await rememberPart(asker, items.slice(half), call);
    return [...results, ...others.map((each) => ({ ...each, index: half + each.index }))];
  }
}

/** All or none. The holder asks for the items as it takes them; they are kept until it has answered, for the next holder. */
async function rememberAll(
  asker: RpcClient,
  batches: Batches,
  batchSize: number,
  call: LongCallOptions,
): Promise<BatchResult> {
  const failing = new AbortController();
  const signal = AbortSignal.any([failing.signal, ...(call.signal === undefined ? [] : [call.signal])]);
  const upload = newNumber();
  const answer = asker.once<CarriedBatch>('rememberAll', [upload, { ...call, batchSize, signal, atomic: true }]);
  const answered = answer.then(
    () => undefined,
    () => undefined,
  );
  const read: unknown[] = [];
  let isComplete = false;
  const readMore = async (): Promise<void> => {
    const next = await batches.next();
    if (next.done === true) isComplete = true;
    else read.push(...next.value);
  };
  try {
    for (let wanted: number | undefined = 0; wanted !== undefined; ) {
      const isRefused =
        wanted === read.length && !isComplete && (await Promise.race([readMore(), answered.then(() => true)]));
      if (isRefused) break;
      const part: unknown[] = parts(read.slice(wanted, wanted + batchSize))[0] ?? [];
      const isLast: boolean = isComplete && wanted + part.length === read.length;
      wanted = await asker.read<number | undefined>('items', [upload, wanted, part, isLast]);
    }
  } catch (error) {
    // Without all of its items nothing is stored.
    failing.abort(error);
    await answered;
    throw error;
  } finally {
    void batches.return(undefined).catch(() => undefined);
  }
  return uncarried(await answer);
}

/** Batches that fit into a message each. */
function parts(batch: readonly unknown[]): unknown[][] {
  const found: unknown[][] = [];
  let length = maxTextLength;
  for (const given of batch) {
    // A copy: what is looked at several times must be the same each time.
    const item = typeof given === 'object' && given !== null && isPlain(given) ? { ...given } : given;
    const own = lengthOf(item);
    if (length + own > maxTextLength) found.push([]);
    length = found.at(-1)?.length === 0 ? own : length + own;
    found.at(-1)?.push(item);
  }
  return found;
}

function lengthOf(item: unknown): number {
  const { text, vector } = (typeof item === 'object' && item !== null ? item : {}) as Partial<NewMemory>;
  // What else there is has bounds that are small beside a message.
  return 1024 + (typeof text === 'string' ? text.length : 0) + (vector instanceof Float32Array ? vector.length * 6 : 0);
}

function uncarried({ results, ...figures }: CarriedBatch): BatchResult {
  return {
    ...figures,
    results: results.map((each) => (each.ok ? each : { ...each, error: decodeError(each.error) as never })),
  };
}

function nothing(): BatchResult {
  return { stored: 0, revised: 0, duplicates: 0, failed: 0, results: [] };
}

function isIterable(items: unknown): boolean {
  return typeof items === 'object' && items !== null && (Symbol.iterator in items || Symbol.asyncIterator in items);
}
