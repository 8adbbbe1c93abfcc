import { MemoryError } from '../../domain/errors';
import { type DaySpending, noSpending } from '../../domain/spending';
import type { StoreMeta } from './store-meta';

const form = /^(\d+) (\d+) (\d+) (\d+)$/;
const keyOf = (account: string) => `spent ${account}`;

/**
 * What an account has spent on the last day on which it spent anything.
 *
 * @throws RECORD_DAMAGED
 */
export function spendingOf(meta: Pick<StoreMeta, 'get'>, account: string): DaySpending {
  const stored = meta.get(keyOf(account));
  if (stored === undefined) return { day: 0, ...noSpending };
  const numbers = typeof stored === 'string' ? stored.match(form)?.slice(1).map(Number) : undefined;
  if (numbers !== undefined) {
    const [day = 0, calls = 0, inputTokens = 0, outputTokens = 0] = numbers;
    return { day, calls, inputTokens, outputTokens };
  }
  const message = 'What a consolidation policy has spent is damaged in the database. Restore the folder from a backup.';
  throw new MemoryError('RECORD_DAMAGED', message);
}

/** Keeps what an account has spent. Only `apply` calls this. */
export function keepSpending(meta: Pick<StoreMeta, 'put'>, account: string, spent: DaySpending): void {
  meta.put(keyOf(account), `${spent.day} ${spent.calls} ${spent.inputTokens} ${spent.outputTokens}`);
}
