import { isDeepStrictEqual } from 'node:util';
import { isDate } from '../../domain/realms';

/** LangGraph's operators that compare one value of an item. */
export const filterOperators = ['$eq', '$ne', '$gt', '$gte', '$lt', '$lte', '$in', '$nin', '$exists'] as const;
export type FilterOperator = (typeof filterOperators)[number];

/** Checks one value of an item; `undefined` stands for an absent one. */
export type ValueTest = (value: unknown) => boolean;

/** A check with the meaning that the operator has in the store: only values of one type are equal or have an order. */
export function valueTest(operator: FilterOperator, operands: readonly unknown[]): ValueTest {
  const stored = operands.map((operand) => (isDate(operand) ? operand.toJSON() : operand));
  const isOneOf: ValueTest = (value) =>
    stored.some((operand) => value === operand || isDeepStrictEqual(value, operand));
  switch (operator) {
    case '$eq':
    case '$in':
      return isOneOf;
    case '$ne':
    case '$nin':
      return (value) => !isOneOf(value);
    case '$exists':
      return (value) => (value !== undefined && value !== null) === operands[0];
    case '$gt':
      return (value) => order(value, stored[0]) > 0;
    case '$gte':
      return (value) => order(value, stored[0]) >= 0;
    case '$lt':
      return (value) => order(value, stored[0]) < 0;
    case '$lte':
      return (value) => order(value, stored[0]) <= 0;
  }
}

/** Below 0, 0 or above 0; NaN, which is none of them, for values without an order. Texts are ordered by their UTF-8 form. */
function order(value: unknown, operand: unknown): number {
  if (typeof value === 'string' && typeof operand === 'string')
    return Buffer.compare(Buffer.from(value), Buffer.from(operand));
  const isOrdered = typeof value === typeof operand && (typeof value === 'number' || typeof value === 'boolean');
  return isOrdered ? Number(value) - Number(operand) : Number.NaN;
}
