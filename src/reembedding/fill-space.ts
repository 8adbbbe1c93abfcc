import type { RowEmbedding } from '../domain/command';
import { MemoryError } from '../domain/errors';
import { nextTurn, startStopwatch } from '../environment/timers';
import type { Space } from '../state/tables/interning';
import { type MemoryRow, memoryRowOf, type StoredMemoryRow } from '../state/tables/memory-row';
import { host, submit } from '../write/submit';
import type { Pace } from './pace';
import type { SpaceContext } from './space-context';

export interface Filling {
  readonly space: Space;
  readonly batchSize: number;
  readonly pace: Pace;
  readonly signal: AbortSignal;
  /** Told of rows that were looked at, and of memories among them that could not be embedded. */
  onDone(rows: number, failed: number): void;
  /** Told of memories that have their vectors there now. */
  onEmbedded(memories: number): void;
  /** Told of each text that the embedder refuses. Throws when that is enough. */
  onRefused(id: string, error: MemoryError): void;
  /** Told of each text that it takes among those that it refuses. */
  onAccepted(): void;
}

// Looked at in one turn, which their texts and checksums hold for a millisecond or two, unless more are embedded at a time.
const fewestRowsAtOnce = 64;
// A disk that stands still for a moment is no reason to stand still, too.
const longestRestMs = 50;
// Reads go first, but where they never end the move goes on beside them.
const longestWaitMs = 50;

/** Gives the memories of a range of rows that lack them their vectors in a space. */
export async function fillRows(
  context: SpaceContext,
  filling: Filling,
  range: { after: number; upTo: number },
): Promise<void> {
  const rowsAtOnce = Math.max(fewestRowsAtOnce, filling.batchSize);
  for (let { after } = range; after < range.upTo; ) {
    const upTo = Math.min(after + rowsAtOnce, range.upTo);
    await giveWay(context, filling);
    await fillRange(context, filling, { after, upTo });
    after = upTo;
  }
}

/** The same for single rows. */
export async function fillSome(context: SpaceContext, filling: Filling, rows: readonly number[]): Promise<void> {
  const rowsAtOnce = Math.max(fewestRowsAtOnce, filling.batchSize);
  for (let i = 0; i < rows.length; i += rowsAtOnce) {
    await giveWay(context, filling);
    const some = rows.slice(i, i + rowsAtOnce);
    const missing = some.flatMap((row) =>
      context.state.embeddedTable.missing(filling.space.id, { after: row - 1, upTo: row }),
    );
    await fill(context, filling, missing, some.length);
  }
}

async function fillRange(
  context: SpaceContext,
  filling: Filling,
  range: { after: number; upTo: number },
): Promise<void> {
  await fill(context, filling, context.state.embeddedTable.missing(filling.space.id, range), range.upTo - range.after);
}

async function fill(
  context: SpaceContext,
  filling: Filling,
  stored: readonly StoredMemoryRow[],
  rows: number,
): Promise<void> {
  const { rowChecksum } = context.state;
  const { batchSize, pace, signal } = filling;
  const missing = stored.map(memoryRowOf);
  // One that is damaged cannot be read, and so need not be found.
  const records = missing.filter((record) => rowChecksum.isIntact(record));
  filling.onDone(rows - records.length, missing.length - records.length);
  for (let i = 0; i < records.length; i += batchSize) {
    const batch = records.slice(i, i + batchSize);
    await giveWay(context, filling);
    await pace.next(batch.length, signal);
    const failed = await fillBatch(context, filling, batch);
    filling.onDone(batch.length, failed);
  }
}

/** Lets those go first who wait for an answer. */
async function giveWay(context: SpaceContext, { pace, signal }: Filling): Promise<void> {
  await nextTurn();
  const readsEnd = context.readsEnd();
  if (readsEnd !== undefined) {
    const waited = new AbortController();
    await Promise.race([readsEnd, pace.rest(longestWaitMs, waited.signal)]);
    waited.abort();
  }
  signal.throwIfAborted();
}

async function fillBatch(context: SpaceContext, filling: Filling, batch: readonly MemoryRow[]): Promise<number> {
  const { space, signal, pace } = filling;
  const memories = await embed(context, filling, batch);
  if (memories.length === 0) return batch.length;
  await giveWay(context, filling);
  const elapsedMs = startStopwatch();
  const { embedded } = await submit(context.writing, host, { type: 'embed', space: space.name, memories });
  filling.onEmbedded(embedded);
  // As long as writing took: half of the event loop is for whoever reads and writes meanwhile.
  await pace.rest(Math.min(elapsedMs(), longestRestMs), signal);
  return batch.length - memories.length;
}

async function embed(context: SpaceContext, filling: Filling, batch: readonly MemoryRow[]): Promise<RowEmbedding[]> {
  const { space, signal } = filling;
  const texts = batch.map(({ text }) => text);
  try {
    const made = await context.embedder.into(space.name, texts, { signal });
    return batch.map(({ row, text }, i) => ({ row, text, vectors: made[i]?.vectors ?? [] }));
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return embedOneByOne(context, filling, batch);
  }
}

/** One text that the embedder refuses must not keep the others from their vectors. */
async function embedOneByOne(
  context: SpaceContext,
  filling: Filling,
  batch: readonly MemoryRow[],
): Promise<RowEmbedding[]> {
  const { space, signal } = filling;
  const found: RowEmbedding[] = [];
  for (const { id, row, text } of batch) {
    try {
      const [one] = await context.embedder.into(space.name, [text], { signal });
      found.push({ row, text, vectors: one?.vectors ?? [] });
      filling.onAccepted();
    } catch (error) {
      if (!isRefusal(error)) throw error;
      filling.onRefused(id, error);
    }
  }
  return found;
}

function isRefusal(error: unknown): error is MemoryError {
  return MemoryError.is(error) && error.code === 'EMBEDDING_FAILED' && !error.retryable;
}
