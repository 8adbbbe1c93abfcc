import { defined } from '../../domain/defined';
import type { VisibleRows } from '../../vector-index/vector-index';
import type { QuestionTime } from './question-times';

const dayMs = 24 * 60 * 60 * 1000;

// Chosen on conversations 1, 3, 5, 7 and 9 of LoCoMo. See docs/scoring.md.
export const timeWeight = 0.25;
// What happened is often written down some days later, and sometimes planned some days before. A month is named less exactly than a day.
const fadeBefore = { least: 3 * dayMs, share: 0.25 };
const fadeAfter = { least: 7 * dayMs, share: 0.5 };

/** The part of a score for the time that a question names. It takes a share of what is missing to a score of 1, so it never exceeds 1. */
export function timePart(sum: number, closeness: number): number {
  return timeWeight * closeness * Math.max(0, 1 - sum);
}

/** Returns the sum of the other parts that a row needs for a score, if its time is exactly the one asked for. */
export function sumWithoutTime(score: number): number {
  return (score - timeWeight) / (1 - timeWeight);
}

/** How close memories are to the times that a question names. */
export class TimeBoost {
  readonly times: readonly QuestionTime[];
  readonly #validFrom: { readonly validFrom: Float64Array };

  /** @param columns Its array may be replaced when the store grows. */
  constructor(times: readonly QuestionTime[], columns: { readonly validFrom: Float64Array }) {
    this.times = times;
    this.#validFrom = columns;
  }

  /** The times as they are explained. An end that is not limited is absent. */
  asSpans(): { from?: Date; to?: Date }[] {
    const dateOf = (time: number) => (Number.isFinite(time) ? new Date(time) : undefined);
    return this.times.map(({ from, to }) => defined({ from: dateOf(from), to: dateOf(to) }));
  }

  /** From 1 for a row whose `validFrom` is inside one of the spans, to 0 for a row that is far from all. */
  of(row: number): number {
    const time = this.#validFrom.validFrom[row] as number;
    let closest = 0;
    for (const span of this.times) closest = Math.max(closest, closeness(time, span));
    return closest;
  }

  /** Adds the part for the time to the sum of the other parts. */
  added(sum: number, row: number): number {
    const closeness = this.of(row);
    return closeness === 0 ? sum : sum + timePart(sum, closeness);
  }

  /** The rows among these that are close to a time, in the same order. */
  among(visible: VisibleRows): VisibleRows {
    const close = visible.rows().filter((row) => this.of(row) > 0);
    return { count: close.length, has: (row) => this.of(row) > 0 && visible.has(row), rows: () => close };
  }
}

function closeness(time: number, { from, to }: QuestionTime): number {
  if (time >= from && time < to) return 1;
  const length = Number.isFinite(to - from) ? to - from : 0;
  const { least, share } = time < from ? fadeBefore : fadeAfter;
  const distance = time < from ? from - time : time - to;
  return Math.max(0, 1 - distance / Math.max(least, share * length));
}
