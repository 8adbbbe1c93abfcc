import type { Hit, MemoryHandle, MemoryStore, OpenOptions } from 'multi-agent-memory';
import type { Ticket } from './corpus';
import { mean, shareFound } from './figures';
import { openStore } from './store';

/** A hybrid query, and the handle that it is made with. */
export interface Asked {
  readonly words: string;
  readonly vector: Float32Array;
  as(store: MemoryStore<Ticket>): MemoryHandle<Ticket>;
}

const everything = 1_000;

/**
 * recall@10 of hybrid searches. The closed store is opened again with exact vector search, and the same queries are made with
 * `topK: 1000`, so that a thousand candidates of each kind get a score. A better memory could be missed only if it were far down in
 * both lists.
 *
 * @param options The options that the store was opened with, such as its rules.
 */
export async function hybridRecall(
  folder: string,
  asked: readonly Asked[],
  found: readonly (readonly number[])[],
  options: OpenOptions<Ticket> = {},
): Promise<number> {
  const store = await openStore(folder, { ...options, exactUpTo: Number.MAX_SAFE_INTEGER });
  const shares: number[] = [];
  for (const [i, { words, vector, as }] of asked.entries()) {
    const best = await as(store).recall(words, { vector, topK: everything });
    shares.push(shareFound(ticketsOf(best.slice(0, 10)), found[i] ?? []));
  }
  await store.close();
  return mean(shares);
}

/** The ticket numbers of the hits, in the order of the hits. */
export function ticketsOf(hits: readonly Hit<Ticket>[]): number[] {
  return hits.map(({ metadata }) => metadata.ticket);
}
