import type { FilterField } from './selection';

/** What a field holds decides what it can be compared with. */
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

/** A value to compare with. Moments are epoch milliseconds for fields, ISO strings inside metadata. */
export type Operand = string | number | boolean | null;

/** A filter as a tree. `in` and `nin` have a list of operands, `exists` a boolean, the others one. */
export type FilterNode =
  | { readonly op: 'and' | 'or'; readonly nodes: readonly FilterNode[] }
  | { readonly op: 'not'; readonly node: FilterNode }
  | {
      readonly op: 'compare';
      readonly field: { readonly name: FilterField } | { readonly metadata: string };
      readonly operator: Operator;
      readonly operands: readonly Operand[];
    };
