import type { Hit } from '../domain/memory';
import type { Ranked } from './rank';
import type { ReadContext, Reader } from './read-context';
import { rechecked } from './recheck';

export interface HydrateOptions {
  readonly topK: number;
  readonly explain: boolean;
}

/** Loads the best of what was ranked, checks each on its way out, and settles what has the same score. */
export function hydrate(
  context: ReadContext,
  reader: Reader,
  ranked: readonly Ranked[],
  { topK, explain }: HydrateOptions,
): Hit[] {
  const hits: Hit[] = [];
  for (const { row, score, parts } of ranked) {
    // All of the last score are loaded: which of them stay is decided below, and not by the order of rows.
    if (hits.length >= topK && score < (hits.at(-1) as Hit).score) break;
    const record = context.state.records.byRow(row);
    const memory = record && rechecked(context, reader, record);
    if (memory !== undefined) hits.push(explain ? { ...memory, score, parts } : { ...memory, score });
  }
  return hits.sort(byScoreThenNewest).slice(0, topK);
}

function byScoreThenNewest(a: Hit, b: Hit): number {
  return b.score - a.score || b.createdAt.getTime() - a.createdAt.getTime() || (a.id < b.id ? -1 : 1);
}
