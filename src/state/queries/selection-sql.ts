import { type RawBuilder, sql } from 'kysely';
import type { ReadableLabelSets } from '../../access/compile';
import type { FilterNode } from '../../domain/filter';
import type { ParsedScope } from '../../domain/scope';
import type { Interning } from '../tables/interning';
import { filterCondition, type Links } from './filter-sql';

/** What a query selects, beside what the actor may read. */
export interface Selected {
  readonly scope: ParsedScope;
  readonly filter?: FilterNode;
  readonly asOf?: number;
  readonly include: ReadonlySet<'expired' | 'superseded' | 'quarantined'>;
  /** What the actor may read through its handle, whatever the selection: other memories that a memory names are known as far as that. */
  readonly known: { readonly readable: ReadableLabelSets; readonly scope: ParsedScope };
}

type Alias = 'memories' | 'linked';

/**
 * Up to so many scopes are a list that SQLite looks up. Beyond, it asks back for each row: with 5,000 scopes and 100,000 rows that
 * took 21 ms against 36, and the list itself takes a millisecond to make.
 */
const mostListedScopes = 500;

/** SQL functions that tell whether a scope is readable: see `ReadableMasks`. */
export const maskFunctions: Readonly<Record<Alias, string>> = { memories: 'is_readable', linked: 'is_known' };

/** The rows that an actor may read: a condition on `memories`, with integers only. The bound's namespace is compiled into it. */
export function readableCondition(
  { labelSets, owner }: ReadableLabelSets,
  of: Alias = 'memories',
): RawBuilder<boolean> {
  const scope = sql.ref(`${of}.label_set`);
  const inScope =
    labelSets.length > mostListedScopes
      ? sql<boolean>`${sql.raw(maskFunctions[of])}(${scope})`
      : sql<boolean>`${scope} in (select value from json_each(${JSON.stringify(labelSets)}))`;
  return owner === 'any' ? inScope : sql`(${inScope} and ${sql.ref(`${of}.owner`)} in (0, ${owner}))`;
}

/** What the selection asks for, apart from access and namespace: a condition on `memories`. */
export function selectedCondition(
  { scope, filter, asOf, include, known }: Selected,
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
  conditions.push(...boundConditions(scope, 'memories', interning));
  for (const tag of scope.tags ?? []) {
    conditions.push(sql`memories.row in (select tags.row from tags where tags.tag = ${tag})`);
  }
  if (filter !== undefined) conditions.push(filterCondition(filter, linksKnownTo(known, interning)));
  return sql`(${sql.join(conditions, sql` and `)})`;
}

function boundConditions(
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

/** A filter compares only with ids that are shown: an order of ids would else spell out hidden ones. */
function linksKnownTo({ readable, scope }: Selected['known'], interning: Interning): Links {
  const link = (column: 'supersedes' | 'superseded_by') => {
    const id = sql.ref(`memories.${column}`);
    if (readable.owner === 'any') return id;
    // Of a forgotten memory only its record still has tags.
    const tags = (scope.tags ?? []).map(
      (tag) => sql<boolean>`exists (select 1 from json_each(linked.tags) as tag where tag.value = ${tag})`,
    );
    const shown = [readableCondition(readable, 'linked'), ...boundConditions(scope, 'linked', interning), ...tags];
    return sql`(select linked.id from memories as linked where linked.id = ${id} and ${sql.join(shown, sql` and `)})`;
  };
  return { supersedes: link('supersedes'), supersededBy: link('superseded_by') };
}

// What was superseded later was still true at an earlier time.
function stateCondition(include: Selected['include'], asOf: number | undefined): RawBuilder<boolean> {
  const states = ['active'];
  if (asOf !== undefined || include.has('superseded')) states.push('superseded');
  if (include.has('quarantined')) states.push('quarantined');
  return sql`memories.state in (${sql.join(states)})`;
}

/** Whether the selection asks for nothing beyond what the columns in memory know. */
export function isPlain({ scope, filter, asOf, include }: Selected): boolean {
  const { userId, agentId, sessionId, tags } = scope;
  const narrowed = [userId, agentId, sessionId, tags, filter, asOf].some((word) => word !== undefined);
  return !narrowed && include.size === 0;
}
