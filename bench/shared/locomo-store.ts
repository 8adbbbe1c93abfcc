import { type Embedder, type MemoryHandle, MemoryStore } from 'multi-agent-memory';
import type { Conversation } from './locomo';

/** The metadata of the memory of a turn. */
export type OfTurn = { turn: string };

/** Opens a store with one memory for each turn of a conversation, and passes a handle to `use`. */
export async function inStoreOf(
  { name, turns }: Conversation,
  embedder: Embedder | undefined,
  use: (handle: MemoryHandle<OfTurn>) => Promise<void>,
): Promise<void> {
  // The queries are made on the day after the last session. The first turns are then half a year old.
  const now = Math.max(...turns.map(({ at }) => at.getTime())) + 24 * 60 * 60 * 1000;
  const store = await MemoryStore.inMemory<OfTurn>({
    clock: { now: () => now },
    ...(embedder === undefined ? {} : { embedder }),
  });
  const handle = store.admin.within({ namespace: ['locomo', name] });
  await handle.rememberMany(
    turns.map(({ id, text, session, at }) => ({ text, sessionId: session, validFrom: at, metadata: { turn: id } })),
  );
  await use(handle);
  await store.close();
}

/** The turns that a query found, and the turns that contain the answer. */
export interface Answer {
  readonly evidence: readonly string[];
  readonly found: readonly string[];
}

/** nDCG@10 with equal weight for every turn that contains the answer (Järvelin and Kekäläinen, 2002). */
export function gainOf({ evidence, found }: Answer): number {
  const discount = (rank: number) => 1 / Math.log2(rank + 2);
  const sum = (ranks: readonly number[]) => ranks.reduce((total, rank) => total + discount(rank), 0);
  const ideal = sum(evidence.slice(0, 10).map((_, rank) => rank));
  return sum(found.flatMap((id, rank) => (evidence.includes(id) ? [rank] : []))) / ideal;
}
