import type { Hit, MemoryHandle, MemoryStore, OpenOptions } from 'multi-agent-memory';
import type { Ticket } from './corpus';
import { mean, shareFound } from './figures';
import { openStore } from './store';

/** A hybrid question, and who asks it. */
export interface Asked {
  readonly words: string;
  readonly vector: Float32Array;
  as(store: MemoryStore<Ticket>): MemoryHandle<Ticket>;
}

const everything = 1_000;

/**
 * recall@10 of hybrid searches: asked again of the closed store, opened so that every vector is looked at and a thousand
 * candidates of either kind are scored by the one formula, which no others can beat but by being far down in both.
 *
 * @param options Those that the store was asked with: its rules.
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

/** The numbers of the memories that were found, best first. */
export function ticketsOf(hits: readonly Hit<Ticket>[]): number[] {
  return hits.map(({ metadata }) => metadata.ticket);
}
