import type { FilterField } from './selection';

/** The type of a field. It determines which operators and values a filter can use for the field. */
export type FieldType = 'text' | 'number' | 'time' | 'list';

export const filterFields: Readonly<Record<FilterField, FieldType>> = {
  id: 'text',
  revision: 'number',
  state: 'text',
  visibility: 'text',
  accessTags: 'list',
  key: 'text',
  kind: 'text',
  agentId: 'text',
  onBehalfOf: 'text',
  userId: 'text',
  sessionId: 'text',
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

export type Operator = 'eq' | 'ne' | 'gt' | 'gte' | 'lt' | 'lte' | 'in' | 'nin' | 'contains' | 'exists';
export const operators: readonly Operator[] = ['eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'in', 'nin', 'contains', 'exists'];

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
    };
