import type { RowEmbedding } from '../domain/command';
import { MemoryError } from '../domain/errors';
import type { SpaceEmbedder } from '../embedding/space-embedder';
import { nextTurn, startStopwatch } from '../environment/timers';
import type { Space } from '../state/tables/interning';
import { type MemoryRow, memoryRowOf, type RowChecksum, type StoredMemoryRow } from '../state/tables/memory-row';
import type { RowRange, SpaceCoverage } from '../state/tables/space-coverage';
import { host, submit } from '../write/submit';
import type { WriteContext } from '../write/write-context';
import type { Pace } from './pace';

/** What filling a space needs of its store. */
export interface FillContext {
  readonly state: { readonly coverage: SpaceCoverage; readonly rowChecksum: Pick<RowChecksum, 'isIntact'> };
  readonly embedder: Pick<SpaceEmbedder, 'into'>;
  readonly writing: Pick<WriteContext, 'log' | 'clock' | 'seeds'>;
  /** Resolves when no read is running any more. Undefined if none is running. */
  readsEnd(): Promise<void> | undefined;
}

export interface FillOptions {
  readonly space: Space;
  /** The number of texts that are embedded in one call. */
  readonly batchSize: number;
  readonly pace: Pace;
  readonly signal: AbortSignal;
  /** Called with the number of rows that are done, and how many of their memories could not be embedded. */
  onDone(rows: number, failed: number): void;
  /** Called with the number of memories that got vectors in the space. */
  onEmbedded(memories: number): void;
  /** Called for each text that the embedder rejects. Throws to give up. */
  onRejected(id: string, error: MemoryError): void;
  /** Called for each text that the embedder accepts in a batch that it rejected as a whole. */
  onAccepted(): void;
}

// Their texts and checksums take a millisecond or two of one turn of the event loop.
const minRowsPerTurn = 64;
// The longest rest after a write, so that a disk which stalls for a moment does not stall the fill as well.
const maxRestMs = 50;
// Running reads go first, but a store that is always read must still be filled.
const maxWaitMs = 50;

/** Gives the memories in a range of rows vectors in a space, if they have none there. */
export async function fillRange(context: FillContext, options: FillOptions, range: RowRange): Promise<void> {
  const rowsPerTurn = Math.max(minRowsPerTurn, options.batchSize);
  for (let { after } = range; after < range.upTo; ) {
    const upTo = Math.min(after + rowsPerTurn, range.upTo);
    await yieldToCallers(context, options);
    await fill(context, options, context.state.coverage.missing(options.space.id, { after, upTo }), upTo - after);
    after = upTo;
  }
}

/** Gives the memories in these rows vectors in a space, if they have none there. */
export async function fillRows(context: FillContext, options: FillOptions, rows: readonly number[]): Promise<void> {
  const rowsPerTurn = Math.max(minRowsPerTurn, options.batchSize);
  for (let i = 0; i < rows.length; i += rowsPerTurn) {
    await yieldToCallers(context, options);
    const some = rows.slice(i, i + rowsPerTurn);
    const missing = some.flatMap((row) =>
      context.state.coverage.missing(options.space.id, { after: row - 1, upTo: row }),
    );
    await fill(context, options, missing, some.length);
  }
}

async function fill(
  context: FillContext,
  options: FillOptions,
  stored: readonly StoredMemoryRow[],
  rowCount: number,
): Promise<void> {
  const { batchSize, pace, signal } = options;
  const missing = stored.map(memoryRowOf);
  // A damaged memory cannot be read, so that no search needs its vectors.
  const intact = missing.filter((row) => context.state.rowChecksum.isIntact(row));
  options.onDone(rowCount - intact.length, missing.length - intact.length);
  for (let i = 0; i < intact.length; i += batchSize) {
    const batch = intact.slice(i, i + batchSize);
    await yieldToCallers(context, options);
    await pace.next(batch.length, signal);
    const failed = await fillBatch(context, options, batch);
    options.onDone(batch.length, failed);
  }
}

/** Lets callers who wait for an answer go first. */
async function yieldToCallers(context: FillContext, { pace, signal }: FillOptions): Promise<void> {
  await nextTurn();
  const readsEnd = context.readsEnd();
  if (readsEnd !== undefined) {
    const waited = new AbortController();
    await Promise.race([readsEnd, pace.rest(maxWaitMs, waited.signal)]);
    waited.abort();
  }
  signal.throwIfAborted();
}

async function fillBatch(context: FillContext, options: FillOptions, batch: readonly MemoryRow[]): Promise<number> {
  const { space, signal, pace } = options;
  const memories = await embed(context, options, batch);
  if (memories.length === 0) return batch.length;
  await yieldToCallers(context, options);
  const elapsedMs = startStopwatch();
  const { embedded } = await submit(context.writing, host, { type: 'embed', space: space.name, memories });
  options.onEmbedded(embedded);
  // Rests as long as the write took, so that callers have at least half of the event loop.
  await pace.rest(Math.min(elapsedMs(), maxRestMs), signal);
  return batch.length - memories.length;
}

async function embed(context: FillContext, options: FillOptions, batch: readonly MemoryRow[]): Promise<RowEmbedding[]> {
  const { space, signal } = options;
  const texts = batch.map(({ text }) => text);
  try {
    const made = await context.embedder.into(space.name, texts, { signal });
    return batch.map(({ row, text }, i) => ({ row, text, vectors: made[i]?.vectors ?? [] }));
  } catch (error) {
    if (!isRejection(error)) throw error;
    return embedOneByOne(context, options, batch);
  }
}

/** Embeds each text by itself, so that one text which the embedder rejects does not keep the others from their vectors. */
async function embedOneByOne(
  context: FillContext,
  options: FillOptions,
  batch: readonly MemoryRow[],
): Promise<RowEmbedding[]> {
  const { space, signal } = options;
  const embedded: RowEmbedding[] = [];
  for (const { id, row, text } of batch) {
    try {
      const [one] = await context.embedder.into(space.name, [text], { signal });
      embedded.push({ row, text, vectors: one?.vectors ?? [] });
      options.onAccepted();
    } catch (error) {
      if (!isRejection(error)) throw error;
      options.onRejected(id, error);
    }
  }
  return embedded;
}

/** Whether the embedder rejected the text itself, so that trying again is useless. */
function isRejection(error: unknown): error is MemoryError {
  return MemoryError.is(error) && error.code === 'EMBEDDING_FAILED' && !error.retryable;
}
