import type { Database } from 'better-sqlite3';
import { type RawBuilder, sql } from 'kysely';
import type { ReadableLabelSets } from '../../access/readable-label-sets';
import type { FilterNode } from '../../domain/filter';
import type { ParsedScope } from '../../domain/scope';
import type { Interning } from '../tables/interning';
import { filterCondition, type Links } from './filter-sql';

/** A selection with the caller's access compiled into it. */
export interface CompiledSelection {
  readonly readable: ReadableLabelSets;
  readonly criteria: SelectionCriteria;
  /** Epoch milliseconds. Memories that have expired by then are left out. */
  readonly now: number;
}

/** What a selection asks for, apart from access. */
export interface SelectionCriteria {
  readonly scope: ParsedScope;
  readonly filter?: FilterNode;
  readonly asOf?: number;
  readonly include: ReadonlySet<'expired' | 'superseded' | 'quarantined'>;
  /** What the caller may read through its handle. A filter sees `supersedes` and `supersededBy` only if they name such memories. */
  readonly linked: { readonly readable: ReadableLabelSets; readonly scope: ParsedScope };
}

type Alias = 'memories' | 'linked';

/**
 * Up to this many readable label sets are passed to SQLite as a list. Beyond, SQLite calls a function for each row: with 5,000
 * label sets and 100,000 rows that took 21 ms, the list took 36 ms and a millisecond to make.
 */
const maxListedLabelSets = 500;

const maskFunctions: Readonly<Record<Alias, string>> = { memories: 'is_readable', linked: 'is_linkable' };

/** Gives SQLite the readable label sets of a query while the query runs. Queries run one at a time, each to its end. */
export class ReadableMasks {
  #readable: Uint8Array | undefined;
  #linkable: Uint8Array | undefined;

  constructor(database: Database) {
    const options = { directOnly: true };
    database.function(maskFunctions.memories, options, (id) => Number(this.#readable?.[id as number] === 1));
    database.function(maskFunctions.linked, options, (id) => Number(this.#linkable?.[id as number] === 1));
  }

  /** Runs a query with the masks of a selection. */
  during<T>({ readable, criteria: { linked } }: CompiledSelection, query: () => T): T {
    this.#readable = readable.mask;
    this.#linkable = linked.readable.mask;
    try {
      return query();
    } finally {
      this.#readable = undefined;
      this.#linkable = undefined;
    }
  }
}

/** The rows of `memories` that a selection holds and its caller may read. */
export function selectionCondition(
  { readable, criteria, now }: CompiledSelection,
  interning: Interning,
): RawBuilder<boolean> {
  return sql`${readableCondition(readable)} and ${criteriaCondition(criteria, now, interning)}`;
}

/** The rows that an actor may read, by integers alone. The namespace of the scope is already compiled into the label sets. */
function readableCondition({ labelSets, owner }: ReadableLabelSets, of: Alias = 'memories'): RawBuilder<boolean> {
  const labelSet = sql.ref(`${of}.label_set`);
  const isReadable =
    labelSets.length > maxListedLabelSets
      ? sql<boolean>`${sql.raw(maskFunctions[of])}(${labelSet})`
      : sql<boolean>`${labelSet} in (select value from json_each(${JSON.stringify(labelSets)}))`;
  return owner === 'any' ? isReadable : sql`(${isReadable} and ${sql.ref(`${of}.owner`)} in (0, ${owner}))`;
}

/** The rows that match the criteria. The namespace of the scope is left to `readableCondition`. */
function criteriaCondition(
  { scope, filter, asOf, include, linked }: SelectionCriteria,
  now: number,
  interning: Interning,
): RawBuilder<boolean> {
  const conditions = [stateCondition(include, asOf)];
  if (!include.has('expired')) conditions.push(sql`(memories.expires_at is null or memories.expires_at > ${now})`);
  if (asOf !== undefined) {
    conditions.push(
      sql`(memories.valid_from <= ${asOf} and (memories.valid_to is null or memories.valid_to > ${asOf}))`,
    );
  }
  conditions.push(...scopeConditions(scope, 'memories', interning));
  for (const tag of scope.tags ?? []) {
    conditions.push(sql`memories.row in (select tags.row from tags where tags.tag = ${tag})`);
  }
  if (filter !== undefined) conditions.push(filterCondition(filter, visibleLinks(linked, interning)));
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

/** The linked ids that a filter may see. Comparisons with a hidden id would reveal it, letter by letter. */
function visibleLinks({ readable, scope }: SelectionCriteria['linked'], interning: Interning): Links {
  const link = (column: 'supersedes' | 'superseded_by') => {
    const id = sql.ref(`memories.${column}`);
    if (readable.owner === 'any') return id;
    // By the column, because the `tags` table has no rows of forgotten memories.
    const tags = (scope.tags ?? []).map(
      (tag) => sql<boolean>`exists (select 1 from json_each(linked.tags) as tag where tag.value = ${tag})`,
    );
    const isVisible = [readableCondition(readable, 'linked'), ...scopeConditions(scope, 'linked', interning), ...tags];
    return sql`(select linked.id from memories as linked where linked.id = ${id} and ${sql.join(isVisible, sql` and `)})`;
  };
  return { supersedes: link('supersedes'), supersededBy: link('superseded_by') };
}

// At an earlier time, a memory that was superseded later was still true.
function stateCondition(include: SelectionCriteria['include'], asOf: number | undefined): RawBuilder<boolean> {
  const states = ['active'];
  if (asOf !== undefined || include.has('superseded')) states.push('superseded');
  if (include.has('quarantined')) states.push('quarantined');
  return sql`memories.state in (${sql.join(states)})`;
}
