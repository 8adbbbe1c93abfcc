import type { SourceGroup, SummarySource } from '../consolidation/summarizer';
import { principalOf } from '../domain/principal';
import type { Caller } from '../domain/scope';
import { nextTurn } from '../environment/timers';
import { analyzeAsUnknown } from '../keyword-index/analyzer';
import type { ReadContext } from '../recall/read-context';
import { recheck } from '../recall/recheck';
import type { MemoryRow } from '../state/tables/memory-row';
import type { PlannedGroup } from './source-groups';

/**
 * Loads the records of a group. Undefined if one of them has changed since the group was planned, or if the caller may not read it any
 * more.
 */
export function loadGroup(context: ReadContext, caller: Caller, { sources }: PlannedGroup): MemoryRow[] | undefined {
  return context.snapshot(() => {
    const records: MemoryRow[] = [];
    for (const { row, revision } of sources) {
      const record = context.state.records.intactByRow(row);
      // A damaged record is left out: `verify` reports it, and the others do not wait for its repair.
      if (record === undefined && context.state.records.placeOf(row) !== undefined) continue;
      if (record === undefined || record.revision !== revision) return undefined;
      if (recheck(context, caller, record) === undefined) return undefined;
      records.push(record);
    }
    return records.length === 0 ? undefined : records;
  });
}

/** What a summarizer reads of a group. */
export function sourceGroupOf(context: ReadContext, records: readonly MemoryRow[], words: ScopeWords): SourceGroup {
  const sources = records.map((record, i): SummarySource => {
    const author = principalOf(context.state.interning.actor(record.author));
    const by = 'agentId' in author ? author.agentId : 'userId' in author ? author.userId : author.serviceId;
    return { n: i + 1, text: record.text.toWellFormed(), at: new Date(record.valid_from), by: by ?? 'host' };
  });
  return { sources, documents: words.documents, documentFrequency: (word) => words.frequencyOf(word) };
}

// More memories hardly change which words are rare.
const maxDocuments = 2_000;
const documentsPerTurn = 100;

/** How many memories of one scope contain each word. Only the groups of that scope see it. */
export class ScopeWords {
  readonly #frequencies = new Map<string, number>();
  #documents = 0;

  get documents(): number {
    return this.#documents;
  }

  frequencyOf(word: string): number {
    return this.#frequencies.get(word) ?? 0;
  }

  /** Counts the words of the groups of one scope, or of an even selection of their memories. */
  async count(context: ReadContext, caller: Caller, groups: readonly PlannedGroup[], signal?: AbortSignal) {
    const all = groups.flatMap(({ sources }) => sources);
    const step = Math.max(1, Math.ceil(all.length / maxDocuments));
    for (let i = 0; i < all.length; i += step) {
      if ((i / step) % documentsPerTurn === documentsPerTurn - 1) await nextTurn();
      signal?.throwIfAborted();
      const text = context.snapshot(() => {
        const record = context.state.records.intactByRow(all[i]?.row as number);
        return record === undefined ? undefined : recheck(context, caller, record)?.text;
      });
      if (text === undefined) continue;
      this.#documents++;
      for (const word of new Set(analyzeAsUnknown(text))) this.#frequencies.set(word, this.frequencyOf(word) + 1);
    }
    return this;
  }
}
