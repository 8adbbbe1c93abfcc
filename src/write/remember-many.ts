import type { LongCallOptions } from '../domain/calls';
import { type Issue, invalidInput, type MemoryError } from '../domain/errors';
import type { NewMemory, RememberResult } from '../domain/memory';
import { startStopwatch } from '../environment/timers';
import { asRefusal, batchesOf } from './batches';
import { type CheckedMemory, checkMemory } from './check';
import { finish } from './embed';
import { embedAndStore } from './embed-and-store';
import { type Author, ofItem, type WriteContext } from './write-context';

/** What became of each item, in input order. */
export interface BatchResult {
  stored: number;
  revised: number;
  duplicates: number;
  failed: number;
  results: (({ index: number; ok: true } & RememberResult) | { index: number; ok: false; error: MemoryError })[];
}

export interface ManyOptions extends LongCallOptions {
  readonly batchSize: number;
  /** Aborted, the source is read no further. */
  readonly ends: AbortSignal;
}

type Items<M> = Iterable<NewMemory<M>> | AsyncIterable<NewMemory<M>>;
type Result = BatchResult['results'][number];

/** Stores each item by itself: what is refused hinders no other. The source is read one batch ahead of the commits, no more. */
export async function rememberEach<M>(
  context: WriteContext,
  author: Author,
  items: Items<M>,
  options: ManyOptions,
): Promise<BatchResult> {
  const total: BatchResult = { stored: 0, revised: 0, duplicates: 0, failed: 0, results: [] };
  const elapsedMs = startStopwatch();
  options.signal?.throwIfAborted();
  for await (const batch of batchesOf(items, options.batchSize, options.ends)) {
    options.signal?.throwIfAborted();
    for (const result of await rememberBatch(context, author, batch, total.results.length, options))
      tally(total, result);
    const done = total.results.length;
    options.onProgress?.({ phase: 'remember', done, failed: total.failed, perSecond: (done / elapsedMs()) * 1000 });
  }
  return total;
}

/** Stores all items in one transaction, or none. */
export async function rememberAll<M>(
  context: WriteContext,
  author: Author,
  items: Items<M>,
  options: ManyOptions,
): Promise<BatchResult> {
  const { candidates, issues } = await checkAll(context, author, items, options);
  if (issues.length > 0) throw invalidInput(issues, 'The batch');
  if (candidates.length === 0) return { stored: 0, revised: 0, duplicates: 0, failed: 0, results: [] };
  options.signal?.throwIfAborted();
  const elapsedMs = startStopwatch();
  const at = context.clock.now();
  const remembered = await embedAndStore(context, candidates, { author, at, signal: options.signal });
  const total = tallied(remembered);
  const done = candidates.length;
  options.onProgress?.({ phase: 'remember', done, failed: 0, total: done, perSecond: (done / elapsedMs()) * 1000 });
  return total;
}

/** Checks every item of an atomic batch, so that all issues of all of them come together. */
async function checkAll<M>(context: WriteContext, author: Author, items: Items<M>, options: ManyOptions) {
  const { atomicBatch } = context.limits;
  const candidates: CheckedMemory[] = [];
  const issues: Issue[] = [];
  let index = 0;
  options.signal?.throwIfAborted();
  for await (const batch of batchesOf(items, options.batchSize, options.ends)) {
    for (const item of batch) {
      if (index >= atomicBatch) throw tooMany(atomicBatch);
      const checked = await attempt(() => checkMemory(context, author, item));
      if (!('error' in checked)) candidates.push(checked.value);
      else if (checked.error.code !== 'INVALID_INPUT') throw checked.error;
      else issues.push(...underIndex(checked.error, index));
      index++;
    }
  }
  return { candidates, issues };
}

function underIndex({ issues }: MemoryError, index: number): Issue[] {
  return issues.map(({ path, message }) => ({ path: [index, ...path], message }));
}

function tooMany(most: number): MemoryError {
  return invalidInput([{ path: [], message: `More than ${most} memories cannot be stored atomically.` }], 'The batch');
}

async function rememberBatch(
  context: WriteContext,
  author: Author,
  batch: readonly unknown[],
  first: number,
  options: ManyOptions,
): Promise<Result[]> {
  const at = context.clock.now();
  const checked = await Promise.all(batch.map((item) => attempt(() => checkMemory(context, author, item))));
  const candidates = checked.flatMap((each) => ('value' in each ? [each.value] : []));
  const finished = await attempt(() => finish(context, candidates, at, options));
  if ('error' in finished && options.signal?.aborted) throw options.signal.reason;
  options.signal?.throwIfAborted();
  let next = 0;
  return Promise.all(
    checked.map(async (each, i): Promise<Result> => {
      const index = first + i;
      if ('error' in each) return { index, ok: false, error: each.error };
      // One failing batch of the embedder fails all of its memories: none is stored without its vector.
      if ('error' in finished) return { index, ok: false, error: finished.error };
      const draft = finished.value[next++];
      if (draft === undefined) throw new Error('The embedder gave fewer vectors than texts.');
      const stored = await attempt(() =>
        embedAndStore(context, [each.value], { author: ofItem(author, index), at }, [draft]),
      );
      if ('error' in stored) return { index, ok: false, error: stored.error };
      return { index, ok: true, ...(stored.value[0] as RememberResult) };
    }),
  );
}

async function attempt<T>(run: () => Promise<T>): Promise<{ value: T } | { error: MemoryError }> {
  try {
    return { value: await run() };
  } catch (error) {
    return { error: asRefusal(error) };
  }
}

/** The result of a batch of which everything was stored. */
export function tallied(remembered: readonly RememberResult[]): BatchResult {
  const total: BatchResult = { stored: 0, revised: 0, duplicates: 0, failed: 0, results: [] };
  for (const [index, one] of remembered.entries()) tally(total, { index, ok: true, ...one });
  return total;
}

/** Adds what became of an item. */
export function tally(total: BatchResult, result: Result): void {
  total.results.push(result);
  if (!result.ok) total.failed++;
  else if (result.outcome === 'stored') total.stored++;
  else if (result.outcome === 'revised') total.revised++;
  else total.duplicates++;
}
