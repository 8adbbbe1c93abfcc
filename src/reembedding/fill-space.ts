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

/** The parts of a store that filling an embedding space uses. */
export interface FillContext {
  readonly state: { readonly coverage: SpaceCoverage; readonly rowChecksum: Pick<RowChecksum, 'isIntact'> };
  readonly embedder: Pick<SpaceEmbedder, 'into'>;
  readonly writing: Pick<WriteContext, 'log' | 'clock' | 'seeds' | 'quotas'>;
  /** Returns a promise that resolves when no read is running. Undefined if none is running now. */
  readsEnd(): Promise<void> | undefined;
}

export interface FillOptions {
  readonly space: Space;
  /** The number of texts in one call of the embedder. */
  readonly batchSize: number;
  readonly pace: Pace;
  readonly signal: AbortSignal;
  /** Called with the number of rows that were processed, and how many of their memories could not be embedded. */
  onDone(rows: number, failed: number): void;
  /** Called with the number of memories that got vectors in the space. */
  onEmbedded(memories: number): void;
  /** Called for each text that the embedder rejects. May throw to end the fill. */
  onRejected(id: string, error: MemoryError): void;
  /** Called for each text that the embedder accepts after it rejected the whole batch. */
  onAccepted(): void;
}

// Reading the texts and checking the checksums of this many rows takes a millisecond or two of one turn of the event loop.
const minRowsPerTurn = 64;
// The longest rest after a write. If the disk stalls for a moment, the fill must not rest as long.
const maxRestMs = 50;
// The longest wait for running reads. They go first, but a space must also be filled if reads never end.
const maxWaitMs = 50;

/** Embeds the memories in a range of rows, except those that already have vectors in the space. */
export async function fillRange(context: FillContext, options: FillOptions, range: RowRange): Promise<void> {
  const rowsPerTurn = Math.max(minRowsPerTurn, options.batchSize);
  for (let { after } = range; after < range.upTo; ) {
    const upTo = Math.min(after + rowsPerTurn, range.upTo);
    await yieldToCallers(context, options);
    await fill(context, options, context.state.coverage.missing(options.space.id, { after, upTo }), upTo - after);
    after = upTo;
  }
}

/** Embeds the memories in these rows, except those that already have vectors in the space. */
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
  // A damaged memory cannot be read, so searches do not need its vectors.
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

/** Lets callers who wait for an answer run first. */
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
  // Rests as long as the write took, so that callers get at least half of the event loop.
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

/** Embeds each text separately, so that the other texts get their vectors if the embedder rejects one of them. */
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

/** Returns whether the embedder rejected the text itself, so that a retry would be useless. */
function isRejection(error: unknown): error is MemoryError {
  return MemoryError.is(error) && error.code === 'EMBEDDING_FAILED' && !error.retryable;
}
