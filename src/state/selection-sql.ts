import { type RawBuilder, sql } from 'kysely';
import type { Readable } from '../access/compile';
import type { FilterNode } from '../domain/filter';
import type { Bound } from '../domain/scope';
import { filterCondition } from './filter-sql';
import type { Interning } from './interning';

/** What a query selects, beside what the actor may read. */
export interface Selected {
  readonly scope: Bound;
  readonly filter?: FilterNode;
  readonly asOf?: number;
  readonly include: ReadonlySet<'expired' | 'superseded' | 'quarantined'>;
}

/** The rows that an actor may read: a condition on `memories`, with integers only. The bound's namespace is compiled into it. */
export function readableCondition({ scopes, owner }: Readable): RawBuilder<boolean> {
  const inScope = sql<boolean>`memories.scope in (select value from json_each(${JSON.stringify(scopes)}))`;
  return owner === 'any' ? inScope : sql`(${inScope} and memories.owner in (0, ${owner}))`;
}

/** What the selection asks for, apart from access and namespace: a condition on `memories`. */
export function selectedCondition(
  { scope, filter, asOf, include }: Selected,
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
  if (scope.userId !== undefined) conditions.push(sql`memories.user_id = ${scope.userId}`);
  if (scope.sessionId !== undefined) conditions.push(sql`memories.session_id = ${scope.sessionId}`);
  if (scope.agentId !== undefined) {
    const authors = JSON.stringify(interning.actorsOfAgent(scope.agentId));
    conditions.push(sql`memories.author in (select value from json_each(${authors}))`);
  }
  for (const tag of scope.tags ?? []) {
    conditions.push(sql`memories.row in (select tags.row from tags where tags.tag = ${tag})`);
  }
  if (filter !== undefined) conditions.push(filterCondition(filter));
  return sql`(${sql.join(conditions, sql` and `)})`;
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
