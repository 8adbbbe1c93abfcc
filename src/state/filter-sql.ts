import { type RawBuilder, sql } from 'kysely';
import type { FilterNode, Operand, Operator } from '../domain/filter';
import type { FilterField } from '../domain/selection';

type Condition = RawBuilder<boolean>;
type Compare = Extract<FilterNode, { op: 'compare' }>;

/**
 * A filter as a condition on `memories`, never NULL, with every value bound.
 *
 * What is absent matches `ne`, `nin` and `exists: false`, and no other comparison. `null` means absent.
 */
export function filterCondition(node: FilterNode): Condition {
  switch (node.op) {
    case 'and':
      return node.nodes.length === 0 ? sql`true` : sql`(${sql.join(node.nodes.map(filterCondition), sql` and `)})`;
    case 'or':
      return node.nodes.length === 0 ? sql`false` : sql`(${sql.join(node.nodes.map(filterCondition), sql` or `)})`;
    case 'not':
      return sql`(not ${filterCondition(node.node)})`;
    case 'compare':
      return 'name' in node.field
        ? fieldCondition(node.field.name, node)
        : metadataCondition(node.field.metadata, node);
  }
}

const author = (column: 'name' | 'on_behalf_of', kind: Condition) =>
  sql`(select ${sql.ref(`actors.${column}`)} from actors where actors.id = memories.author and ${kind})`;

const expressions: Readonly<Record<Exclude<FilterField, 'tags' | 'accessTags'>, RawBuilder<unknown>>> = {
  id: sql`memories.id`,
  revision: sql`memories.revision`,
  state: sql`memories.state`,
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
  supersedes: sql`memories.supersedes`,
  supersededBy: sql`memories.superseded_by`,
};

function fieldCondition(field: FilterField, { operator, operands }: Compare): Condition {
  if (field === 'tags') return listCondition(sql`memories.tags`, operator, operands);
  if (field === 'accessTags') {
    return listCondition(sql`(select access_tags from scopes where scopes.id = memories.scope)`, operator, operands);
  }
  const value = expressions[field];
  const [operand] = operands;
  if (operator === 'exists') return operand === true ? sql`(${value} is not null)` : sql`(${value} is null)`;
  if (operator === 'ne' || operator === 'nin') return sql`(not ${isOneOf(value, operands)})`;
  if (operator === 'eq' || operator === 'in') return isOneOf(value, operands);
  if (operator === 'contains') return sql`(${value} is not null and instr(${value}, ${operand}) > 0)`;
  return sql`(${value} is not null and ${value} ${comparison(operator)} ${operand})`;
}

function isOneOf(value: RawBuilder<unknown>, operands: readonly Operand[]): Condition {
  const tests = operands.map((operand) => sql<boolean>`${value} is ${operand}`);
  return tests.length === 0 ? sql`false` : sql`(${sql.join(tests, sql` or `)})`;
}

function listCondition(list: RawBuilder<unknown>, operator: Operator, operands: readonly Operand[]): Condition {
  const [operand] = operands;
  if (operator === 'exists') return sql`((json_array_length(${list}) > 0) is ${operand === true ? 1 : 0})`;
  const held = sql<boolean>`exists (select 1 from json_each(${list}) as element where ${isOneOf(sql`element.value`, operands)})`;
  return operator === 'ne' || operator === 'nin' ? sql`(not ${held})` : sql`(${held})`;
}

/** The types of JSON count: the text '1' is not the number 1. */
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
      const inList = sql`(entry.type = 'array' and exists (select 1 from json_each(entry.value) as element where ${isJson('element', operand)}))`;
      return where(sql`(${inText} or ${inList})`);
    }
    default:
      return where(sql`(${sameType('entry', operand)} and entry.value ${comparison(operator)} ${bindable(operand)})`);
  }
}

function metadataIsOneOf(where: (test: Condition) => Condition, operands: readonly Operand[]): Condition {
  const present = operands.filter((operand) => operand !== null).map((operand) => isJson('entry', operand));
  const tests = present.length === 0 ? [] : [where(sql`(${sql.join(present, sql` or `)})`)];
  if (operands.includes(null)) tests.push(sql`(not ${where(sql`entry.type <> 'null'`)})`);
  return tests.length === 0 ? sql`false` : sql`(${sql.join(tests, sql` or `)})`;
}

function isJson(alias: 'entry' | 'element', operand: Operand | undefined): Condition {
  return sql`(${sameType(alias, operand)} and ${sql.ref(`${alias}.value`)} = ${bindable(operand)})`;
}

function sameType(alias: 'entry' | 'element', operand: Operand | undefined): Condition {
  const type = sql.ref(`${alias}.type`);
  if (typeof operand === 'number') return sql`${type} in ('integer', 'real')`;
  if (typeof operand === 'boolean') return sql`${type} in ('true', 'false')`;
  return sql`${type} = 'text'`;
}

/** SQLite has no booleans: json_each gives 1 and 0. */
function bindable(operand: Operand | undefined): string | number | null {
  return typeof operand === 'boolean' ? Number(operand) : (operand ?? null);
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
      throw new Error(`${operator} is not an order.`);
  }
}
