import type { ChangeOf, Stamp } from '../../domain/command';
import { invalidInput, MemoryError } from '../../domain/errors';
import { isRoot } from '../../domain/principal';
import { addSpending, noSpending, type Spending, type SpendingLimit } from '../../domain/spending';
import { keepSpending, spendingOf } from '../tables/spending';
import type { StoreMeta } from '../tables/store-meta';

/**
 * Adds to what an account has spent on a day. Returns false, and adds nothing, if this were more than the limit. What is given back for an
 * earlier day is dropped, and a clock that goes back does not begin a day again.
 */
export function applySpend(
  meta: StoreMeta,
  { account, day, amount, limit }: ChangeOf<'spend'>,
  { by }: Stamp,
): boolean {
  if (!isRoot(by)) throw new MemoryError('FORBIDDEN', 'Only the host may spend the budget of a consolidation policy.');
  if (![day, ...Object.values(amount)].every(Number.isSafeInteger)) {
    throw invalidInput([{ path: ['amount'], message: 'expected whole numbers, got others.' }], 'spending');
  }
  const before = spendingOf(meta, account);
  const isReturn = limit === undefined;
  if (isReturn && day < before.day) return true;
  const spent = addSpending(day > before.day ? noSpending : before, amount);
  if (limit !== undefined && exceeds(spent, limit)) return false;
  keepSpending(meta, account, { day: Math.max(day, before.day), ...spent });
  return true;
}

function exceeds(spent: Spending, limit: SpendingLimit): boolean {
  const fields = ['calls', 'inputTokens', 'outputTokens'] as const;
  return fields.some((field) => spent[field] > (limit[field] ?? Number.POSITIVE_INFINITY));
}
