import type { ParsedComponents, ParsedResult } from 'chrono-node';
import { Calendar, type DaySpan, dateOfDay, dayNumber, weekdayOf } from './calendar';
import {
  besideOf,
  type CalendarUnit,
  coverOf,
  isAboutFuture,
  isOtherWord,
  joinsTimes,
  mayHoldTime,
  namedMonths,
  namedYears,
  openEndOf,
  relativePhrases,
  type TimeLanguage,
  timeLanguages,
} from './time-words';

/** A span of time that a question names, in epoch milliseconds: `from <= time < to`. An end may be infinite. */
export interface QuestionTime {
  readonly from: number;
  readonly to: number;
}

/** When a question was asked, and in which time zone its days begin. */
export interface AskedAt {
  readonly now: number;
  /** A name of the IANA database, such as 'Europe/Rome'. */
  readonly timeZone: string;
}

// A question that is longer is a document. Parsing takes about a millisecond for 1,000 characters and language.
const maxLength = 1_000;
const maxTimes = 8;

/** Loads the parser of one language: each takes a few milliseconds. Written out, so that bundlers find the modules. */
const parsers: Readonly<Record<TimeLanguage, () => Promise<{ parse: typeof import('chrono-node').parse }>>> = {
  en: () => import('chrono-node/en'),
  de: () => import('chrono-node/de'),
  fr: () => import('chrono-node/fr'),
  es: () => import('chrono-node/es'),
  pt: () => import('chrono-node/pt'),
  nl: () => import('chrono-node/nl'),
  it: () => import('chrono-node/it'),
  sv: () => import('chrono-node/sv'),
  ru: () => import('chrono-node/ru'),
  ja: () => import('chrono-node/ja'),
  zh: () => import('chrono-node/zh'),
};

/** Finds the times that a question names: days, weeks, months, years, and spans of these. A question without one is not parsed. */
export async function timesOf(question: string, { now, timeZone }: AskedAt): Promise<QuestionTime[]> {
  const text = question.slice(0, maxLength);
  const languages = timeLanguages.filter((language) => mayHoldTime(language, text));
  const years = namedYears(text);
  if (languages.length === 0 && years.length === 0) return [];
  const calendar = new Calendar(timeZone);
  const today = calendar.dayOf(now);
  const found: FoundTime[] = [];
  for (const language of languages) {
    const { parse } = await parsers[language]();
    const { year, month, day } = dateOfDay(today);
    const reference = { instant: new Date(Date.UTC(year, month - 1, day, 12)), timezone: 0 };
    const results = parse(text, reference).filter((result) => isTime(language, result, text));
    found.push(...foundIn(results, text, today), ...phrasesIn(language, text, today));
  }
  for (const { year, ...place } of years) found.push({ ...place, ...spanOfUnit('year', dayNumber(year, 1, 1)) });
  const spans = withoutInner(found).map((each) => withWordsAround(each, text, today));
  const unique = new Map(spans.map((span) => [`${span.from} ${span.to}`, span]));
  return [...unique.values()].slice(0, maxTimes).map(({ from, to }) => ({
    from: Number.isFinite(from) ? calendar.startOf(from) : from,
    to: Number.isFinite(to) ? calendar.startOf(to) : to,
  }));
}

/** Days that a part of the question names. */
interface FoundTime extends DaySpan {
  readonly index: number;
  readonly length: number;
}

/** A shorter part inside another one says less: 'May' in '5 May'. Of parts with equal places, all are taken. */
function withoutInner(found: readonly FoundTime[]): FoundTime[] {
  const contains = (outer: FoundTime, inner: FoundTime) =>
    outer.length > inner.length &&
    outer.index <= inner.index &&
    outer.index + outer.length >= inner.index + inner.length;
  return found.filter((inner) => !found.some((outer) => contains(outer, inner)));
}

/** Changes a span as the words around it say: 'the week before', 'since', 'until' and 'after'. */
function withWordsAround({ index, length, from, to }: FoundTime, text: string, today: number): DaySpan {
  const before = text.slice(Math.max(0, index - 40), index);
  const beside = besideOf(before);
  if (beside !== undefined) return spanBeside({ from, to }, beside);
  switch (openEndOf(before, text.slice(index + length))) {
    case 'since':
      return from <= today ? { from, to: today + 1 } : { from, to: Number.POSITIVE_INFINITY };
    case 'before':
      return { from: Number.NEGATIVE_INFINITY, to: from };
    case 'until':
      return { from: Number.NEGATIVE_INFINITY, to };
    case 'after':
      return { from: to, to: Number.POSITIVE_INFINITY };
    case undefined:
      return { from, to };
  }
}

const daysOfUnit: Readonly<Record<string, number>> = { day: 1, weekend: 7, week: 7, month: 30 };

function spanBeside({ from, to }: DaySpan, { unit, side }: NonNullable<ReturnType<typeof besideOf>>): DaySpan {
  const days = daysOfUnit[unit] as number;
  if (side === 'of') return unit === 'week' ? spanOfUnit('week', from) : { from, to };
  return side === 'before' ? { from: from - days, to: from } : { from: to, to: to + days };
}

/** Checks whether a result is a date. The parser also finds times of day, and words that mean something else more often. */
function isTime(language: TimeLanguage, { text: found, index, start }: ParsedResult, text: string): boolean {
  const knowsDate = (['day', 'weekday', 'month', 'year'] as const).some((part) => start.isCertain(part));
  // Months alone are found by `namedMonths`, which looks at the word before them.
  const isMonthAlone = start.isCertain('month') && !start.isCertain('day') && !start.isCertain('year');
  if (!knowsDate || isMonthAlone || isOtherWord(language, found, text)) return false;
  // 'now' knows the second, and says nothing.
  if (start.isCertain('second')) return false;
  return mayHoldTime(language, text.slice(Math.max(0, index - 6), index + found.length));
}

function foundIn(results: readonly ParsedResult[], text: string, today: number): FoundTime[] {
  const found: FoundTime[] = [];
  for (let i = 0; i < results.length; i++) {
    const result = results[i] as ParsedResult;
    const next = results[i + 1];
    const end = result.index + result.text.length;
    if (next !== undefined && joinsTimes(text.slice(end, next.index))) {
      const { from } = spanOf(result.start, result.text, today, yearOf(result.start, next.start));
      const { to } = spanOf(next.start, next.text, today);
      if (from < to) {
        found.push({ index: result.index, length: next.index + next.text.length - result.index, from, to });
        i++;
        continue;
      }
    }
    const place = { index: result.index, length: result.text.length };
    for (const span of spansOf(result, today)) found.push({ ...place, ...span });
  }
  return found;
}

/** In 'between August 11 and August 15 2023' only the second day has a year. */
function yearOf(start: ParsedComponents, other: ParsedComponents): number {
  return (!start.isCertain('year') && start.isCertain('month') ? other : start).get('year') as number;
}

/** The spans that a result may mean. A day without a year may be in the past or to come, and '1/2/2023' may be in January or February. */
function spansOf({ text, start, end }: ParsedResult, today: number): DaySpan[] {
  const { from } = spanOf(start, text, today);
  const { to } = spanOf(end ?? start, text, today);
  if (coverOf(text) === 'until now') return from <= today ? [{ from, to: today + 1 }] : [{ from: today, to: from + 1 }];
  const span = { from, to: Math.max(to, from + 1) };
  const [, first, separator, second] = /^\D*(\d{1,2})([./-])(\d{1,2})[./-]\d{2,4}$/u.exec(text) ?? [];
  if (Number(first) <= 12 && Number(second) <= 12) {
    const year = start.get('year') as number;
    const days = [dayNumber(year, Number(second), Number(first)), dayNumber(year, Number(first), Number(second))];
    // With dots, the day always comes first.
    return days.slice(0, separator === '.' ? 1 : 2).map((each) => ({ from: each, to: each + 1 }));
  }
  if (from <= today || isAboutFuture(text) || start.isCertain('year')) return [span];
  if (!start.isCertain('day')) return [span, { from: span.from - 7, to: span.to - 7 }];
  const { year, month, day } = dateOfDay(from);
  const before = dayNumber(year - 1, month, day);
  return [span, { from: before, to: before + span.to - span.from }];
}

function spanOf(parts: ParsedComponents, text: string, today: number, year = parts.get('year') as number): DaySpan {
  const day = dayNumber(year, parts.get('month') as number, parts.get('day') as number);
  const cover = coverOf(text);
  if (parts.isCertain('day') || parts.isCertain('weekday')) {
    if (cover === 'weekend') return weekendOf(day);
    // The parser finds the first day of 'the week before 16 November 2023'.
    if (/weeks?\s+(?:before|after)/iu.test(text)) return { from: day, to: day + 7 };
    // 'Two weeks ago' is a week. The day of a date in the same words is meant.
    if (cover === 'week' && !/\d{4}/u.test(text) && day <= today) return spanOfUnit('week', day);
    return { from: day, to: day + 1 };
  }
  return spanOfUnit(parts.isCertain('month') ? 'month' : 'year', day);
}

function weekendOf(day: number): DaySpan {
  const saturday = day - ((weekdayOf(day) + 2) % 7);
  return { from: saturday, to: saturday + 2 };
}

/** The day, week, month or year around a day, or one that is some units later. */
function spanOfUnit(unit: CalendarUnit, around: number, offset = 0): DaySpan {
  const { year, month } = dateOfDay(around);
  switch (unit) {
    case 'day':
      return { from: around + offset, to: around + offset + 1 };
    case 'week': {
      const monday = around - weekdayOf(around) + 7 * offset;
      return { from: monday, to: monday + 7 };
    }
    case 'month':
      return { from: dayNumber(year, month + offset, 1), to: dayNumber(year, month + offset + 1, 1) };
    case 'year':
      return { from: dayNumber(year + offset, 1, 1), to: dayNumber(year + offset + 1, 1, 1) };
  }
}

/** Months in words, and phrases such as 'this week', which the parser does not know or takes for one day. */
function phrasesIn(language: TimeLanguage, text: string, today: number): FoundTime[] {
  const months = namedMonths(language, text).map(({ month, year, ...place }) => {
    const now = dateOfDay(today);
    // A month without a year is the latest one that has begun.
    const latest = month <= now.month ? now.year : now.year - 1;
    return { ...place, ...spanOfUnit('month', dayNumber(year ?? latest, month, 1)) };
  });
  const relative = relativePhrases(language, text).map(({ unit, offset, ...place }) => ({
    ...place,
    ...spanOfUnit(unit, today, offset),
  }));
  return [...months, ...relative];
}
