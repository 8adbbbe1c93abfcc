import { type RawBuilder, sql } from 'kysely';
import type { FilterNode, Operand, Operator } from '../../domain/filter';
import type { Namespace } from '../../domain/namespace';
import type { FilterField } from '../../domain/selection';
import type { FilterFacts } from './filter-facts';

type Condition = RawBuilder<boolean>;
type Compare = Extract<FilterNode, { op: 'compare' }>;

/**
 * Compiles a filter to a condition on `memories`. The condition is never NULL, and all values are passed as parameters.
 *
 * An absent field matches only `ne`, `nin` and `exists: false`. A field that is `null` counts as absent.
 */
export function filterCondition(node: FilterNode, lookups: FilterLookups, facts?: FilterFacts): Condition {
  const part = facts?.indexOf(node);
  if (part === undefined) return nodeCondition(node, lookups, facts);
  const known = sql`${sql.raw(factFunction)}(${part}, memories.row, memories.change_seq)`;
  return sql`(case ${known} when 1 then true when 0 then false else ${nodeCondition(node, lookups)} end)`;
}

/** The function of SQLite that knows results of a filter: 1, 0 or NULL for the number of a part, a row and a change. */
export const factFunction = 'filter_fact';

/** The function of SQLite that names the trust which the memory of a row has now. */
export const trustFunction = 'trust_now';

/** The function of SQLite that searches a text for a substring: 1 or 0. */
export const textFunction = 'text_contains';

/** The function of SQLite that tells whether the namespace of a label set is another namespace or below it: 1 or 0. */
export const withinFunction = 'is_within';

function nodeCondition(node: FilterNode, lookups: FilterLookups, facts?: FilterFacts): Condition {
  const joined = (nodes: readonly FilterNode[], operator: 'and' | 'or') =>
    joinedEvenly(
      nodes.map((each) => filterCondition(each, lookups, facts)),
      operator,
    );
  switch (node.op) {
    case 'and':
      return node.nodes.length === 0 ? sql`true` : joined(node.nodes, 'and');
    case 'or':
      return node.nodes.length === 0 ? sql`false` : joined(node.nodes, 'or');
    case 'not':
      return sql`(not ${filterCondition(node.node, lookups, facts)})`;
    case 'compare':
      return 'name' in node.field
        ? fieldCondition(node.field.name, node, lookups)
        : metadataCondition(node.field.metadata, node);
    case 'text':
      return sql`(${sql.raw(textFunction)}((select texts.text from texts where texts.row = memories.row), ${node.contains}) = 1)`;
    case 'namespace':
      return namespaceCondition(node, lookups);
  }
}

/** Joins conditions to a balanced tree, because a chain of a thousand would exceed SQLite's limit on expression depth. */
function joinedEvenly(conditions: readonly Condition[], operator: 'and' | 'or'): Condition {
  const [first] = conditions;
  if (first !== undefined && conditions.length === 1) return first;
  const half = Math.ceil(conditions.length / 2);
  const [left, right] = [conditions.slice(0, half), conditions.slice(half)];
  return sql`(${joinedEvenly(left, operator)} ${sql.raw(operator)} ${joinedEvenly(right, operator)})`;
}

/** SQL for the ids that a memory links to, where the caller may see them. */
export type Links = Readonly<Record<'supersedes' | 'supersededBy', RawBuilder<unknown>>>;

/** What a condition needs beside the row of a memory. */
export interface FilterLookups {
  readonly links: Links;
  /** Returns the number of a namespace. Undefined if no memory was ever stored in it or below it. */
  findNamespace(namespace: Namespace): number | undefined;
}

const author = (column: 'name' | 'on_behalf_of', kind: Condition) =>
  sql`(select ${sql.ref(`actors.${column}`)} from actors where actors.id = memories.author and ${kind})`;

const expressions: Readonly<Record<Exclude<FilterField, 'tags' | 'accessTags' | keyof Links>, RawBuilder<unknown>>> = {
  id: sql`memories.id`,
  revision: sql`memories.revision`,
  state: sql`memories.state`,
  trust: sql`${sql.raw(trustFunction)}(memories.row)`,
  visibility: sql`(case memories.owner when 0 then 'shared' else 'private' end)`,
  key: sql`memories.key`,
  kind: sql`memories.kind`,
  agentId: author('name', sql`actors.kind = 'agent'`),
  onBehalfOf: author('on_behalf_of', sql`actors.on_behalf_of <> ''`),
  userId: sql`memories.user_id`,
  sessionId: sql`memories.session_id`,
  priority: sql`memories.priority`,
  createdAt: sql`memories.created_at`,
  updatedAt: sql`memories.updated_at`,
  validFrom: sql`memories.valid_from`,
  validTo: sql`memories.valid_to`,
  expiresAt: sql`memories.expires_at`,
};

function namespaceCondition(
  { relation, namespaces }: Extract<FilterNode, { op: 'namespace' }>,
  { findNamespace }: FilterLookups,
): Condition {
  const known = namespaces.flatMap((each) => findNamespace(each) ?? []);
  if (relation === 'in')
    return sql`((select namespace from label_sets where label_sets.id = memories.label_set) in ${listed(known)})`;
  const within = known.map((id) => sql<boolean>`${sql.raw(withinFunction)}(memories.label_set, ${id}) = 1`);
  return within.length === 0 ? sql`false` : sql`(${sql.join(within, sql` or `)})`;
}

function fieldCondition(field: FilterField, { operator, operands }: Compare, { links }: FilterLookups): Condition {
  if (field === 'tags') return listCondition(sql`memories.tags`, operator, operands);
  if (field === 'accessTags') {
    return listCondition(
      sql`(select access_tags from label_sets where label_sets.id = memories.label_set)`,
      operator,
      operands,
    );
  }
  const value = field === 'supersedes' || field === 'supersededBy' ? links[field] : expressions[field];
  const [operand] = operands;
  if (operator === 'exists') return operand === true ? sql`(${value} is not null)` : sql`(${value} is null)`;
  if (operator === 'ne' || operator === 'nin') return sql`(not ${isOneOf(value, operands)})`;
  if (operator === 'eq' || operator === 'in') return isOneOf(value, operands);
  if (operator === 'contains') return sql`(${value} is not null and instr(${value}, ${operand}) > 0)`;
  if (operator === 'startsWith') return sql`(${value} is not null and ${startsWith(value, operand)})`;
  return sql`(${value} is not null and ${value} ${comparison(operator)} ${operand})`;
}

/** Compares bytes, because SQLite's `substr` ends a text at its first NUL. */
function startsWith(value: RawBuilder<unknown>, prefix: Operand | undefined): Condition {
  const text = String(prefix);
  return sql`substr(cast(${value} as blob), 1, ${Buffer.byteLength(text)}) = cast(${text} as blob)`;
}

function isOneOf(value: RawBuilder<unknown>, operands: readonly Operand[]): Condition {
  const present = operands.filter((operand) => operand !== null);
  const found = sql<boolean>`(${value} is not null and ${value} in ${listed(present)})`;
  return present.length === operands.length ? found : sql`(${value} is null or ${found})`;
}

/** Passes any number of values as one parameter. A long chain of comparisons would exceed SQLite's limit on expression depth. */
function listed(values: readonly Operand[]): RawBuilder<unknown> {
  return sql`(select value from json_each(${JSON.stringify(values)}))`;
}

function listCondition(list: RawBuilder<unknown>, operator: Operator, operands: readonly Operand[]): Condition {
  const [operand] = operands;
  const empty = sql<boolean>`(json_array_length(${list}) = 0)`;
  if (operator === 'exists') return operand === true ? sql`(not ${empty})` : empty;
  const values = operands.filter((each) => each !== null);
  const holds = sql<boolean>`exists (select 1 from json_each(${list}) as element where element.value in ${listed(values)})`;
  // An empty list counts as absent.
  const held = values.length === operands.length ? holds : sql<boolean>`(${empty} or ${holds})`;
  return operator === 'ne' || operator === 'nin' ? sql`(not ${held})` : sql`(${held})`;
}

/** Compares only values with the same JSON type: the text '1' does not equal the number 1. */
function metadataCondition(key: string, { operator, operands }: Compare): Condition {
  const where = (test: Condition) =>
    sql<boolean>`exists (select 1 from json_each(memories.metadata) as entry where entry.key = ${key} and ${test})`;
  const [operand] = operands;
  switch (operator) {
    case 'exists':
      return operand === true ? where(sql`entry.type <> 'null'`) : sql`(not ${where(sql`entry.type <> 'null'`)})`;
    case 'eq':
    case 'in':
      return metadataIsOneOf(where, operands);
    case 'ne':
    case 'nin':
      return sql`(not ${metadataIsOneOf(where, operands)})`;
    case 'contains': {
      const inText =
        typeof operand === 'string' ? sql`(entry.type = 'text' and instr(entry.value, ${operand}) > 0)` : sql`false`;
      const inList = sql`(entry.type = 'array' and exists (select 1 from json_each(entry.value) as element where ${isOneOfJson('element', operands)}))`;
      return where(sql`(${inText} or ${inList})`);
    }
    case 'startsWith':
      return where(sql`(entry.type = 'text' and ${startsWith(sql`entry.value`, operand)})`);
    default:
      return where(metadataOrder(operator, operand as Operand));
  }
}

function metadataIsOneOf(where: (test: Condition) => Condition, operands: readonly Operand[]): Condition {
  const present = where(isOneOfJson('entry', operands));
  if (!operands.includes(null)) return present;
  return sql`(${present} or not ${where(sql`entry.type <> 'null'`)})`;
}

function isOneOfJson(alias: 'entry' | 'element', operands: readonly Operand[]): Condition {
  const ofType = (type: string) => operands.filter((operand) => typeof operand === type);
  const tests = (['string', 'number', 'boolean'] as const).flatMap((type) => {
    const values = ofType(type);
    // Both sides are cast to reals, because SQLite compares an integer with a real digit by digit.
    const list =
      type === 'number' ? sql`(select cast(value as real) from json_each(${JSON.stringify(values)}))` : listed(values);
    return values.length === 0
      ? []
      : [sql<boolean>`(${hasType(alias, type)} and ${jsonValue(alias, type)} in ${list})`];
  });
  return tests.length === 0 ? sql`false` : sql`(${sql.join(tests, sql` or `)})`;
}

function hasType(alias: 'entry' | 'element', type: 'string' | 'number' | 'boolean'): Condition {
  const found = sql.ref(`${alias}.type`);
  if (type === 'number') return sql`${found} in ('integer', 'real')`;
  if (type === 'boolean') return sql`${found} in ('true', 'false')`;
  return sql`${found} = 'text'`;
}

function jsonValue(alias: 'entry' | 'element', type: 'string' | 'number' | 'boolean'): RawBuilder<unknown> {
  const value = sql.ref(`${alias}.value`);
  return type === 'number' ? sql`cast(${value} as real)` : value;
}

/** Compares the order of values with the same JSON type: texts with texts, numbers with numbers. `false` comes before `true`. */
function metadataOrder(operator: Operator, operand: Operand): Condition {
  const type = typeof operand as 'string' | 'number' | 'boolean';
  // SQLite has no booleans: `json_each` returns 1 and 0.
  const bound = type === 'boolean' ? Number(operand) : operand;
  const right = type === 'number' ? sql`cast(${bound} as real)` : sql`${bound}`;
  return sql`(${hasType('entry', type)} and ${jsonValue('entry', type)} ${comparison(operator)} ${right})`;
}

function comparison(operator: Operator): RawBuilder<unknown> {
  switch (operator) {
    case 'gt':
      return sql`>`;
    case 'gte':
      return sql`>=`;
    case 'lt':
      return sql`<`;
    case 'lte':
      return sql`<=`;
    default:
      throw new Error(`${operator} does not compare by order.`);
  }
}
