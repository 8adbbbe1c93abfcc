import type { Database } from 'better-sqlite3';
import { type RawBuilder, sql } from 'kysely';
import type { ReadableLabelSets } from '../../access/readable-label-sets';
import { type FilterNode, maxTextConditions } from '../../domain/filter';
import type { ParsedScope } from '../../domain/scope';
import type { IncludedState } from '../../domain/selection';
import { type TrustLevel, trustLevels } from '../../domain/trust';
import type { Interning } from '../tables/interning';
import { type StoredMemoryRow, textOf } from '../tables/memory-row';
import type { FilterFacts } from './filter-facts';
import {
  type FilterLookups,
  factFunction,
  filterCondition,
  type Links,
  textFunction,
  trustFunction,
  withinFunction,
} from './filter-sql';
import { substringTest } from './substring';

/** A selection with the caller's access compiled into it. */
export interface CompiledSelection {
  readonly readable: ReadableLabelSets;
  readonly criteria: SelectionCriteria;
  readonly trusted: TrustedRows;
  /** Present if memories are left out whose time is over. See `ColumnStore`. */
  readonly kept?: KeptRows;
  /** The current time in epoch milliseconds. Memories that have expired by this time are left out. */
  readonly now: number;
  /** Rows among which all rows of the selection are now, in no order. Undefined if they are a large part of the store. */
  candidates(): Uint32Array | undefined;
}

/** Which memories are trusted enough for a selection. */
export interface TrustedRows {
  /** The least trust. */
  readonly least: TrustLevel;
  /** The least trust of memories that the caller may learn of through links. */
  readonly leastLinked: TrustLevel;
  /** Memories with these label sets are in the selection whatever their trust. The index is the id of a label set. */
  readonly quarantined?: Uint8Array;
  /** See `ColumnStore`. */
  readonly columns: { readonly trust: Uint8Array; hasBelow(trust: TrustLevel): boolean };
}

/** Which memories are kept. */
interface KeptRows {
  isKept(row: number, now: number): boolean;
}

/** The conditions of a selection, apart from access. */
export interface SelectionCriteria {
  readonly scope: ParsedScope;
  readonly filter?: FilterNode;
  /** Results of the filter that are known. */
  readonly facts?: FilterFacts;
  readonly asOf?: number;
  /** `validFrom` is in this span of time. */
  readonly during?: { readonly from?: number; readonly to?: number };
  readonly include: ReadonlySet<IncludedState>;
  /**
   * The memories that the caller may read through its handle. A filter can use `supersedes` and `supersededBy` only where they name
   * one of these memories.
   */
  readonly linked: { readonly readable: ReadableLabelSets; readonly scope: ParsedScope };
}

type Alias = 'memories' | 'linked';

/**
 * Up to this many readable label sets are passed to SQLite as a list. If there are more, SQLite calls a function for each row. With
 * 5,000 label sets and 100,000 rows the function took 21 ms. The list took 36 ms, plus 1 ms to build it.
 */
const maxListedLabelSets = 500;

const trustFunctions = { memories: 'is_trusted', linked: 'is_link_trusted' } as const;

const keptFunction = 'is_kept';

const maskFunctions: Readonly<Record<Alias, string>> = { memories: 'is_readable', linked: 'is_linkable' };

/** Gives SQLite the label sets that a caller may read, and known results of its filter, while the caller's query runs. Only one query runs at a time. */
export class ReadableMasks {
  #readable: Uint8Array | undefined;
  #linkable: Uint8Array | undefined;
  #facts: FilterFacts | undefined;
  #trusted: TrustedRows | undefined;
  #kept: KeptRows | undefined;

  constructor(database: Database, interning: Interning) {
    const options = { directOnly: true };
    database.function(maskFunctions.memories, options, (id) => Number(this.#readable?.[id as number] === 1));
    database.function(maskFunctions.linked, options, (id) => Number(this.#linkable?.[id as number] === 1));
    database.function(trustFunctions.memories, options, (row, labelSet) =>
      Number(this.#trusted !== undefined && isTrusted(this.#trusted, row as number, labelSet as number)),
    );
    database.function(trustFunctions.linked, options, (row) =>
      Number(
        this.#trusted !== undefined &&
          (this.#trusted.columns.trust[row as number] as number) > this.#trusted.leastLinked,
      ),
    );
    database.function(keptFunction, options, (row, now) =>
      Number(this.#kept === undefined || this.#kept.isKept(row as number, now as number)),
    );
    database.function(trustFunction, options, (row) => {
      const level = (this.#trusted?.columns.trust[row as number] ?? 0) - 1;
      return trustLevels[level] ?? null;
    });
    database.function(
      factFunction,
      options,
      (part, row, changeSeq) => this.#facts?.resultOf(part as number, row as number, changeSeq as number) ?? null,
    );
    const hasSubstring = substringTests();
    database.function(textFunction, options, (text, pattern) =>
      Number(hasSubstring(textOf(text as StoredMemoryRow['text']).toWellFormed(), pattern as string)),
    );
    database.function(withinFunction, options, (labelSet, namespace) =>
      Number(interning.isWithin(interning.namespaceIdOf(labelSet as number), namespace as number)),
    );
  }

  /** Runs a query with the readable label sets from a selection. */
  during<T>({ readable, trusted, kept, criteria: { linked, facts } }: CompiledSelection, query: () => T): T {
    this.#trusted = trusted;
    this.#kept = kept;
    this.#readable = readable.mask;
    this.#linkable = linked.readable.mask;
    this.#facts = facts;
    try {
      return query();
    } finally {
      this.#readable = undefined;
      this.#linkable = undefined;
      this.#facts = undefined;
      this.#trusted = undefined;
      this.#kept = undefined;
    }
  }
}

/** Keeps the test for the latest patterns, because SQLite calls the function for each row. */
function substringTests(): (text: string, pattern: string) => boolean {
  const tests = new Map<string, (text: string) => boolean>();
  return (text, pattern) => {
    let test = tests.get(pattern);
    if (test === undefined) {
      if (tests.size === maxTextConditions) tests.clear();
      test = substringTest(pattern);
      tests.set(pattern, test);
    }
    return test(text);
  };
}

/** The SQL condition for rows in `memories` that match a selection and that its caller may read. */
export function selectionCondition(selection: CompiledSelection, interning: Interning): RawBuilder<boolean> {
  const { readable } = selection;
  const condition = sql<boolean>`${readableCondition(readable)} and ${criteriaCondition(selection, interning)}`;
  const candidates = selection.candidates();
  return candidates === undefined ? condition : sql`${isAmong(candidates)} and ${condition}`;
}

/** Checks whether a memory is trusted enough for a selection. */
function isTrusted({ columns, least, quarantined }: TrustedRows, row: number, labelSet: number): boolean {
  return (columns.trust[row] as number) > least || quarantined?.[labelSet] === 1;
}

/** The SQL condition for some rows. SQLite then looks up each of them, and no others. */
export function isAmong(rows: ArrayLike<number>): RawBuilder<boolean> {
  return sql`memories.row in (select value from json_each(${`[${Array.from(rows).join()}]`}))`;
}

/** The SQL condition for rows that an actor may read. It compares only integers. The label sets already include the scope's namespace. */
function readableCondition({ labelSets, owner }: ReadableLabelSets, of: Alias = 'memories'): RawBuilder<boolean> {
  const labelSet = sql.ref(`${of}.label_set`);
  const isReadable =
    labelSets.length > maxListedLabelSets
      ? sql<boolean>`${sql.raw(maskFunctions[of])}(${labelSet})`
      : sql<boolean>`${labelSet} in (select value from json_each(${JSON.stringify([...labelSets])}))`;
  return owner === 'any' ? isReadable : sql`(${isReadable} and ${sql.ref(`${of}.owner`)} in (0, ${owner}))`;
}

/** The SQL condition for rows that match the criteria. The scope's namespace is not checked here but in `readableCondition`. */
function criteriaCondition(
  { readable, criteria, now, trusted, kept }: CompiledSelection,
  interning: Interning,
): RawBuilder<boolean> {
  const { scope, filter, facts, asOf, during, include, linked } = criteria;
  const conditions = [stateCondition(readable, include, asOf)];
  if (trusted.columns.hasBelow(trusted.least)) {
    conditions.push(sql`${sql.raw(trustFunctions.memories)}(memories.row, memories.label_set)`);
  }
  if (!include.has('expired')) conditions.push(sql`(memories.expires_at is null or memories.expires_at > ${now})`);
  if (kept !== undefined) conditions.push(sql`${sql.raw(keptFunction)}(memories.row, ${now})`);
  if (asOf !== undefined) {
    conditions.push(
      sql`(memories.valid_from <= ${asOf} and (memories.valid_to is null or memories.valid_to > ${asOf}))`,
    );
  }
  if (during?.from !== undefined) conditions.push(sql`memories.valid_from >= ${during.from}`);
  if (during?.to !== undefined) conditions.push(sql`memories.valid_from < ${during.to}`);
  conditions.push(...scopeConditions(scope, 'memories', interning));
  for (const tag of scope.tags ?? []) {
    conditions.push(sql`memories.row in (select tags.row from tags where tags.tag = ${tag})`);
  }
  if (filter !== undefined) conditions.push(filterCondition(filter, filterLookups(linked, trusted, interning), facts));
  return sql`(${sql.join(conditions, sql` and `)})`;
}

function scopeConditions(
  { userId, sessionId, agentId }: ParsedScope,
  of: Alias,
  interning: Interning,
): RawBuilder<boolean>[] {
  const conditions: RawBuilder<boolean>[] = [];
  if (userId !== undefined) conditions.push(sql`${sql.ref(`${of}.user_id`)} = ${userId}`);
  if (sessionId !== undefined) conditions.push(sql`${sql.ref(`${of}.session_id`)} = ${sessionId}`);
  if (agentId !== undefined) {
    const authors = JSON.stringify(interning.actorsOfAgent(agentId));
    conditions.push(sql`${sql.ref(`${of}.author`)} in (select value from json_each(${authors}))`);
  }
  return conditions;
}

function filterLookups(linked: SelectionCriteria['linked'], trusted: TrustedRows, interning: Interning): FilterLookups {
  return {
    links: visibleLinks(linked, trusted, interning),
    findNamespace: (namespace) => interning.findNamespace(namespace),
  };
}

/** SQL for the linked ids that a filter may use. A hidden id is left out, because comparisons would reveal it letter by letter. */
function visibleLinks(
  { readable, scope }: SelectionCriteria['linked'],
  { columns, leastLinked }: TrustedRows,
  interning: Interning,
): Links {
  const link = (column: 'supersedes' | 'superseded_by') => {
    const id = sql.ref(`memories.${column}`);
    if (readable.owner === 'any') return id;
    // The condition reads the column `tags`, because the table `tags` has no rows for forgotten memories.
    const tags = (scope.tags ?? []).map(
      (tag) => sql<boolean>`exists (select 1 from json_each(linked.tags) as tag where tag.value = ${tag})`,
    );
    const trust = columns.hasBelow(leastLinked) ? [sql<boolean>`${sql.raw(trustFunctions.linked)}(linked.row)`] : [];
    const isOut = sql<boolean>`linked.state <> 'quarantined'`;
    const isVisible = [
      readableCondition(readable, 'linked'),
      isOut,
      ...scopeConditions(scope, 'linked', interning),
      ...tags,
      ...trust,
    ];
    return sql`(select linked.id from memories as linked where linked.id = ${id} and ${sql.join(isVisible, sql` and `)})`;
  };
  return { supersedes: link('supersedes'), supersededBy: link('superseded_by') };
}

// With `asOf`, a memory that was superseded later must still be found, and so must the sources of a fact: a fact is valid from the time of its
// latest source. Only the host reads what is in quarantine.
function stateCondition(
  { owner }: ReadableLabelSets,
  include: SelectionCriteria['include'],
  asOf: number | undefined,
): RawBuilder<boolean> {
  const states = ['active'];
  for (const state of ['superseded', 'consolidated'] as const)
    if (asOf !== undefined || include.has(state)) states.push(state);
  if (include.has('quarantined') && owner === 'any') states.push('quarantined');
  return sql`memories.state in (${sql.join(states)})`;
}
