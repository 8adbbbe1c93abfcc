import type { Metadata } from '../domain/json';
import type { ParsedSelection } from '../domain/parse/parse-selection';
import type { Caller } from '../domain/scope';
import { nextTurn } from '../environment/timers';
import { FilterFacts } from '../state/queries/filter-facts';
import type { SlicedRow } from '../state/queries/selection-queries';
import { parseStoredJson } from '../state/tables/memory-row';
import type { ReadContext } from './read-context';
import { compileSelection } from './visible-set';

// About 10 milliseconds of work in one turn of the event loop. A condition takes some tenths of a microsecond on a record; parsing and
// searching metadata takes some nanoseconds a character, and so does reading a text and searching it for one pattern.
const unitsPerTurn = 1_000_000;
const unitsPerRow = 500;
const unitsPerCondition = 100;
const unitsPerCharRead = 0.2;
const unitsPerCharSearched = 0.5;

// While a store is written all the time, some memories have always changed since their results were gathered. Each pass is about fewer.
const maxPasses = 100;

/**
 * Evaluates a filter for the memories that the caller may read, a few of them in one turn of the event loop. The query that follows
 * uses the results for the memories that have not changed meanwhile, and applies access and scope to all of them as always.
 *
 * Undefined if the filter is so cheap that the query can evaluate it in one turn.
 */
export async function gatherFacts(
  context: ReadContext,
  caller: Caller,
  { filter, ...selection }: ParsedSelection,
  signal?: AbortSignal,
): Promise<FilterFacts | undefined> {
  if (filter === undefined) return undefined;
  const { columns } = context.state;
  const facts = new FilterFacts(filter, columns.last);
  const unitsOfRow = unitsPerRow + facts.conditions * unitsPerCondition;
  const isInRecords = facts.parts.every(({ about }) => about === 'fields');
  const candidates = compileSelection(context, caller, { ...selection, filter })
    ?.candidates()
    ?.sort();
  const count = candidates?.length ?? columns.last;
  if (facts.parts.length === 0 || (isInRecords && count * unitsOfRow <= unitsPerTurn)) return undefined;
  let changeCount = columns.changeCount;
  const gathering = new FactGathering(context, caller, { selection, facts, signal });
  await (candidates === undefined ? gathering.add([{ after: 0, upTo: columns.last }]) : gathering.addAmong(candidates));
  // The query evaluates the filter itself for rows that changed meanwhile. If these were many, it would take long.
  for (let pass = 1; pass < maxPasses; pass++) {
    const changed = columns.changedSince(changeCount);
    if (changed === undefined || changed.length === 0) break;
    changeCount = columns.changeCount;
    await gathering.add(slicesOf(changed.map(({ row }) => row)));
  }
  return facts;
}

interface RowSlice {
  readonly after: number;
  readonly upTo: number;
}

/** The slices that contain exactly these rows. */
function slicesOf(rows: readonly number[]): RowSlice[] {
  const slices: { after: number; upTo: number }[] = [];
  for (const row of [...new Set(rows)].sort((a, b) => a - b)) {
    const last = slices.at(-1);
    if (last?.upTo === row - 1) last.upTo = row;
    else slices.push({ after: row - 1, upTo: row });
  }
  return slices;
}

interface GatheredFilter {
  readonly selection: Omit<ParsedSelection, 'filter'>;
  readonly facts: FilterFacts;
  readonly signal: AbortSignal | undefined;
}

/** Gathers the results of one filter for one caller. It goes on in the next turn when it has done the work of one. */
class FactGathering {
  readonly #context: ReadContext;
  readonly #caller: Caller;
  readonly #filter: GatheredFilter;
  readonly #rowsPerSlice: number;
  readonly #unitsOfRow: number;
  #units = 0;

  constructor(context: ReadContext, caller: Caller, filter: GatheredFilter) {
    this.#context = context;
    this.#caller = caller;
    this.#filter = filter;
    this.#unitsOfRow = unitsPerRow + filter.facts.conditions * unitsPerCondition;
    this.#rowsPerSlice = Math.max(1, Math.floor(unitsPerTurn / this.#unitsOfRow));
  }

  async add(slices: readonly RowSlice[]): Promise<void> {
    for (const { after, upTo } of slices)
      for (let from = after; from < upTo; from += this.#rowsPerSlice)
        await this.#addSlice({ after: from, upTo: Math.min(upTo, from + this.#rowsPerSlice) });
  }

  /** Adds those of some rows, in ascending order, that match the selection. */
  async addAmong(candidates: Uint32Array): Promise<void> {
    for (let from = 0; from < candidates.length; from += this.#rowsPerSlice) {
      const rows = candidates.subarray(from, from + this.#rowsPerSlice);
      await this.#addSlice({ after: (rows[0] as number) - 1, upTo: rows.at(-1) as number }, rows);
    }
  }

  /** Adds the rows of a slice, or only some of them. */
  async #addSlice(slice: RowSlice, among?: Uint32Array): Promise<void> {
    const { facts, selection, signal } = this.#filter;
    await this.#spend((among?.length ?? slice.upTo - slice.after) * this.#unitsOfRow);
    signal?.throwIfAborted();
    const rows = this.#context.snapshot(() => {
      const compiled = compileSelection(this.#context, this.#caller, selection);
      // Without `among`, the slice is shorter than any list of candidates.
      const selected = compiled && { ...compiled, candidates: () => among };
      return selected && this.#context.state.selections.slice(selected, facts.parts, slice);
    });
    for (const row of rows ?? []) await this.#addRow(row);
  }

  /** Waits for the next turn if this one has no time left for so much work. */
  async #spend(units: number): Promise<void> {
    if (this.#units > 0 && this.#units + units > unitsPerTurn) {
      await nextTurn();
      this.#filter.signal?.throwIfAborted();
      this.#units = 0;
    }
    this.#units += units;
  }

  async #addRow({ row, changeSeq, metadata, text, results }: SlicedRow): Promise<void> {
    const { facts } = this.#filter;
    const { records } = this.#context.state;
    const known = [...results];
    // Results that do not matter can be anything.
    const keep = () =>
      facts.keep(
        row,
        changeSeq,
        known.map((result) => result ?? false),
      );
    if (facts.decidedBy(known) !== undefined) return keep();
    if (this.#isAbout('metadata')) {
      const json = metadata ?? records.metadataOf(row, changeSeq);
      const parsed = json === undefined ? undefined : parsedMetadata(json);
      // The memory changed in an earlier turn, or its record is damaged.
      if (json === undefined || parsed === undefined) return;
      for (const [i, part] of facts.parts.entries()) if (part.about === 'metadata') known[i] = part.test(parsed);
      await this.#spend(json.length * Math.max(1, facts.conditions / 10));
      if (!this.#isAbout('text') || facts.decidedBy(known) !== undefined) return keep();
    }
    if (this.#isAbout('text')) {
      const read = text ?? records.textOf(row, changeSeq);
      if (read === undefined) return;
      await this.#spend(read.length * unitsPerCharRead);
      for (const [i, part] of facts.parts.entries()) {
        if (part.about !== 'text') continue;
        known[i] = part.test(read);
        await this.#spend(read.length * unitsPerCharSearched);
        if (facts.decidedBy(known) !== undefined) return keep();
      }
    }
    keep();
  }

  #isAbout(about: 'text' | 'metadata'): boolean {
    return this.#filter.facts.parts.some((part) => part.about === about);
  }
}

function parsedMetadata(json: string): Metadata | undefined {
  try {
    return parseStoredJson(json) as Metadata;
  } catch {
    return undefined;
  }
}
