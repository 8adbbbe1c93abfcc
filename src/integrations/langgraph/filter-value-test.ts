import { isDeepStrictEqual } from 'node:util';
import { isDate } from '../../domain/realms';

/** LangGraph's operators that compare one value in an item. */
export const filterOperators = ['$eq', '$ne', '$gt', '$gte', '$lt', '$lte', '$in', '$nin', '$exists'] as const;
export type FilterOperator = (typeof filterOperators)[number];

/** Checks one value in an item. It is `undefined` if the item does not have the value. */
export type ValueTest = (value: unknown) => boolean;

/** Makes the check for an operator. As in the store, only values with the same type can be equal or have an order. */
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

/** Compares two values: the result is below 0, 0 or above 0. It is NaN for values without an order. Texts are ordered by UTF-8 bytes. */
function order(value: unknown, operand: unknown): number {
  if (typeof value === 'string' && typeof operand === 'string')
    return Buffer.compare(Buffer.from(value), Buffer.from(operand));
  const isOrdered = typeof value === typeof operand && (typeof value === 'number' || typeof value === 'boolean');
  return isOrdered ? Number(value) - Number(operand) : Number.NaN;
}
