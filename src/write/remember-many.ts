import type { LongCallOptions } from '../domain/calls';
import { type Issue, invalidInput, MemoryError, maxIssues } from '../domain/errors';
import type { NewMemory, RememberResult } from '../domain/memory';
import { nextTurn, startStopwatch } from '../environment/timers';
import { batchesOf } from './batches';
import { type CheckedMemory, checkMemory } from './check';
import { embedDrafts, storeMemories } from './remember';
import { type Author, ofItem, type WriteContext } from './write-context';

/** The result of each item, in the order of the input, and the number of items with each result. */
export interface BatchResult {
  stored: number;
  revised: number;
  duplicates: number;
  failed: number;
  results: (({ index: number; ok: true } & RememberResult) | { index: number; ok: false; error: MemoryError })[];
}

export interface ManyOptions extends LongCallOptions {
  readonly batchSize: number;
  /** When this signal is aborted, no more items are read from the source. */
  readonly ends: AbortSignal;
}

type Items<M> = Iterable<NewMemory<M>> | AsyncIterable<NewMemory<M>>;
type Result = BatchResult['results'][number];

/** Stores each item separately: a rejected item does not affect the others. Reads the source at most one batch ahead of the commits. */
export async function rememberEach<M>(
  context: WriteContext,
  author: Author,
  items: Items<M>,
  options: ManyOptions,
): Promise<BatchResult> {
  const total = emptyResult();
  const elapsedMs = startStopwatch();
  options.signal?.throwIfAborted();
  for await (const batch of batchesOf(items, options.batchSize, options.ends)) {
    options.signal?.throwIfAborted();
    const results = await rememberBatch(context, author, batch, total.results.length, options);
    for (const result of results) addResult(total, result);
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
  const { memories, issues } = await checkAll(context, author, items, options);
  if (issues.length > 0) throw invalidInput(issues, 'batch');
  if (memories.length === 0) return emptyResult();
  options.signal?.throwIfAborted();
  const elapsedMs = startStopwatch();
  const at = context.clock.now();
  const remembered = await storeMemories(context, memories, { author, at, signal: options.signal });
  const done = memories.length;
  options.onProgress?.({ phase: 'remember', done, failed: 0, total: done, perSecond: (done / elapsedMs()) * 1000 });
  return batchResultOf(remembered);
}

/** Checks every item of an atomic batch, so that one error reports the issues of all items. */
async function checkAll<M>(context: WriteContext, author: Author, items: Items<M>, options: ManyOptions) {
  const { atomicBatch } = context.limits;
  const memories: CheckedMemory[] = [];
  const issues: Issue[] = [];
  let index = 0;
  options.signal?.throwIfAborted();
  for await (const batch of batchesOf(items, options.batchSize, options.ends)) {
    if (index + batch.length > atomicBatch) throw tooMany(atomicBatch);
    for await (const checked of checkEach(context, author, batch)) {
      if (!('error' in checked)) memories.push(checked.value);
      else if (checked.error.code !== 'INVALID_INPUT') throw checked.error;
      else issues.push(...issuesOfItem(checked.error, index));
      index++;
      if (issues.length >= maxIssues) throw invalidInput([...issues, uncheckedAfter(index)], 'batch');
    }
  }
  return { memories, issues };
}

function issuesOfItem({ issues }: MemoryError, index: number): Issue[] {
  return issues.map(({ path, message }) => ({ path: [index, ...path], message }));
}

function uncheckedAfter(checked: number): Issue {
  return { path: [], message: `the items after the first ${checked} were not checked.` };
}

function tooMany(most: number): MemoryError {
  const message = `expected at most ${most} memories (limits.atomicBatch), got more. Split the batch, or leave out \`atomic\`.`;
  return invalidInput([{ path: [], message }], 'batch');
}

async function rememberBatch(
  context: WriteContext,
  author: Author,
  batch: readonly unknown[],
  firstIndex: number,
  options: ManyOptions,
): Promise<Result[]> {
  const at = context.clock.now();
  const checked: Attempt<CheckedMemory>[] = [];
  for await (const each of checkEach(context, author, batch)) checked.push(each);
  const memories = checked.flatMap((each) => ('value' in each ? [each.value] : []));
  const embedded = await attempt(() => embedDrafts(context, memories, { author, at, signal: options.signal }));
  if ('error' in embedded && options.signal?.aborted) throw options.signal.reason;
  options.signal?.throwIfAborted();
  let next = 0;
  return Promise.all(
    checked.map(async (each, i): Promise<Result> => {
      const index = firstIndex + i;
      if ('error' in each) return { index, ok: false, error: each.error };
      // If the embedder fails, every memory in the batch fails, because no memory is stored without its vector.
      if ('error' in embedded) return { index, ok: false, error: embedded.error };
      const draft = embedded.value[next++];
      if (draft === undefined) throw new Error('The embedder returned fewer vectors than texts.');
      const write = { author: ofItem(author, index), at };
      const stored = await attempt(() => storeMemories(context, [each.value], write, [draft]));
      if ('error' in stored) return { index, ok: false, error: stored.error };
      return { index, ok: true, ...(stored.value[0] as RememberResult) };
    }),
  );
}

// Checking this many items takes at most some tens of milliseconds, even with the longest texts and the most issues.
const itemsPerTurn = 16;

/** Checks one item after the other. Other work in the process can run in between. */
async function* checkEach(
  context: WriteContext,
  author: Author,
  items: readonly unknown[],
): AsyncGenerator<Attempt<CheckedMemory>> {
  for (const [i, item] of items.entries()) {
    if (i > 0 && i % itemsPerTurn === 0) await nextTurn();
    yield await attempt(() => checkMemory(context, author, item));
  }
}

type Attempt<T> = { value: T } | { error: MemoryError };

/** Calls a function and returns its value, or its error if this is a MemoryError. Throws any other error. */
async function attempt<T>(run: () => Promise<T>): Promise<Attempt<T>> {
  try {
    return { value: await run() };
  } catch (error) {
    if (MemoryError.is(error)) return { error };
    throw error;
  }
}

/** Makes the result of a batch in which every memory was stored. */
export function batchResultOf(remembered: readonly RememberResult[]): BatchResult {
  const total = emptyResult();
  for (const [index, one] of remembered.entries()) addResult(total, { index, ok: true, ...one });
  return total;
}

/** Adds the result of one item to the result of the batch. */
export function addResult(total: BatchResult, result: Result): void {
  total.results.push(result);
  if (!result.ok) total.failed++;
  else if (result.outcome === 'stored' || result.outcome === 'disputed') total.stored++;
  else if (result.outcome === 'revised') total.revised++;
  else total.duplicates++;
}

/** Makes the result of a batch without items. */
export function emptyResult(): BatchResult {
  return { stored: 0, revised: 0, duplicates: 0, failed: 0, results: [] };
}
