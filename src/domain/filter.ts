import type { Namespace } from './namespace';
import type { FilterField } from './selection';

/**
 * The type of a field. It determines which operators and values a filter can use for the field. A 'name' is a text, and a 'list' is a list
 * of names; a filter compares names in their normal form (see `normalName`).
 */
export type FieldType = 'text' | 'name' | 'number' | 'time' | 'list';

export const filterFields: Readonly<Record<FilterField, FieldType>> = {
  id: 'text',
  revision: 'number',
  state: 'text',
  trust: 'text',
  visibility: 'text',
  accessTags: 'list',
  key: 'name',
  kind: 'text',
  agentId: 'name',
  onBehalfOf: 'name',
  userId: 'name',
  sessionId: 'name',
  tags: 'list',
  priority: 'number',
  createdAt: 'time',
  updatedAt: 'time',
  validFrom: 'time',
  validTo: 'time',
  expiresAt: 'time',
  supersedes: 'text',
  supersededBy: 'text',
};

export const operators = [
  ...(['eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'in', 'nin'] as const),
  ...(['contains', 'startsWith', 'exists'] as const),
] as const;
export type Operator = (typeof operators)[number];

/** The operators for the namespace of a memory. Their operands are namespaces. */
export const namespaceOperators = ['eq', 'ne', 'in', 'nin', 'startsWith'] as const;
export type NamespaceOperator = (typeof namespaceOperators)[number];

/** The maximum number of conditions on `text` in a filter. Searching a text of 1 MB for one long pattern takes some milliseconds. */
export const maxTextConditions = 8;

/** A value for a comparison. A time is epoch milliseconds for a field of a memory, and an ISO string for a value in metadata. */
export type Operand = string | number | boolean | null;

/** A parsed filter. `in` and `nin` have any number of operands, and `exists` has one boolean. All other operators have one operand. */
export type FilterNode =
  | { readonly op: 'and' | 'or'; readonly nodes: readonly FilterNode[] }
  | { readonly op: 'not'; readonly node: FilterNode }
  | {
      readonly op: 'compare';
      readonly field: { readonly name: FilterField } | { readonly metadata: string };
      readonly operator: Operator;
      readonly operands: readonly Operand[];
    }
  /** The text of the memory contains this, with the same case. */
  | { readonly op: 'text'; readonly contains: string }
  /** The namespace of the memory is one of these, or is one of these or below one of them. */
  | { readonly op: 'namespace'; readonly relation: 'in' | 'within'; readonly namespaces: readonly Namespace[] };
