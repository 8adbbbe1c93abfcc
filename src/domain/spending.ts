/** What calls of a model have cost. */
export interface Spending {
  readonly calls: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** What one account has spent on one day. Days are counted in UTC from 1970. */
export interface DaySpending extends Spending {
  readonly day: number;
}

/** The most that an account may spend on a day. Absent numbers have no limit. */
export type SpendingLimit = { readonly [K in keyof Spending]?: number };

export const noSpending: Spending = { calls: 0, inputTokens: 0, outputTokens: 0 };

const dayMs = 24 * 60 * 60 * 1000;

/** The day of a time in epoch milliseconds. */
export function dayOf(at: number): number {
  return Math.floor(at / dayMs);
}

/** Adds two amounts. None is below 0, although what was reserved and not spent is given back. */
export function addSpending(a: Spending, b: Spending): Spending {
  const sum = (field: keyof Spending) => Math.max(0, a[field] + b[field]);
  return { calls: sum('calls'), inputTokens: sum('inputTokens'), outputTokens: sum('outputTokens') };
}
