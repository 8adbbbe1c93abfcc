const dayMs = 24 * 60 * 60 * 1000;

/** Days of a calendar: whole days since 1970-01-01 in one time zone. `from` belongs to the span, and `to` does not. */
export interface DaySpan {
  readonly from: number;
  readonly to: number;
}

/** The number of a day. Months count from 1. A day or month beyond its range counts on into the next month or year. */
export function dayNumber(year: number, month: number, day: number): number {
  return Date.UTC(year, month - 1, day) / dayMs;
}

export function dateOfDay(day: number): { readonly year: number; readonly month: number; readonly day: number } {
  const date = new Date(day * dayMs);
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
}

/** Days from Monday (0) to Sunday (6). */
export function weekdayOf(day: number): number {
  // 1970-01-01 was a Thursday.
  return (((day + 3) % 7) + 7) % 7;
}

/** Converts between times and days in one time zone. */
export class Calendar {
  readonly #format: Intl.DateTimeFormat | undefined;

  /** @param timeZone A name of the IANA database, such as 'Europe/Rome'. */
  constructor(timeZone: string) {
    this.#format = timeZone === 'UTC' ? undefined : wallClock(timeZone);
  }

  dayOf(time: number): number {
    return Math.floor(this.#wallTime(time) / dayMs);
  }

  /** The moment at which a day begins. */
  startOf(day: number): number {
    const wall = day * dayMs;
    // The offset is that of a moment which is at most a day away, and then that of the moment found, in case the clocks changed between.
    const first = wall - (this.#wallTime(wall) - wall);
    return wall - (this.#wallTime(first) - first);
  }

  /** What a clock on the wall shows at a time, as if it were UTC. */
  #wallTime(time: number): number {
    if (this.#format === undefined) return time;
    const parts = new Map(this.#format.formatToParts(time).map(({ type, value }) => [type, Number(value)]));
    const at = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0;
    return Date.UTC(at('year'), at('month') - 1, at('day'), at('hour'), at('minute'), at('second'));
  }
}

function wallClock(timeZone: string): Intl.DateTimeFormat {
  const number = 'numeric';
  return new Intl.DateTimeFormat('en-US', {
    ...{ timeZone, hourCycle: 'h23', calendar: 'gregory', numberingSystem: 'latn' },
    ...{ year: number, month: number, day: number, hour: number, minute: number, second: number },
  });
}
