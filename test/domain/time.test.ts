import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toEpochMs } from '../../src/domain/parse/shapes';

const moment = fc.date({
  noInvalidDate: true,
  min: new Date('0000-01-01T00:00:00Z'),
  max: new Date('9999-12-31T23:59:59.999Z'),
});
const minute = 60_000;

describe('toEpochMs returns the same number for one moment', () => {
  test('as a Date, as an ISO string and as epoch milliseconds', () => {
    fc.assert(
      fc.property(moment, (date) => {
        const ms = date.getTime();
        expect([toEpochMs(date), toEpochMs(date.toISOString()), toEpochMs(ms)]).toEqual([ms, ms, ms]);
      }),
    );
  });

  test('in every zone', () => {
    fc.assert(
      fc.property(moment, fc.integer({ min: -14 * 60, max: 14 * 60 }), (date, offset) => {
        const local = new Date(date.getTime() + offset * minute);
        fc.pre(local.getUTCFullYear() >= 0 && local.getUTCFullYear() <= 9999);
        const digits = (value: number) => String(value).padStart(2, '0');
        const zone = `${offset < 0 ? '-' : '+'}${digits(Math.trunc(Math.abs(offset) / 60))}:${digits(Math.abs(offset) % 60)}`;
        expect(toEpochMs(local.toISOString().replace('Z', zone))).toBe(date.getTime());
      }),
    );
  });

  test('without seconds, and with more digits than a Date has', () => {
    expect(toEpochMs('2026-03-01T12:30Z')).toBe(Date.UTC(2026, 2, 1, 12, 30));
    expect(toEpochMs('2026-03-01T12:30:05.123456789Z')).toBe(Date.UTC(2026, 2, 1, 12, 30, 5, 123));
  });
});

test('toEpochMs returns an integer within the range of a Date, or undefined', () => {
  const anything = fc.oneof(fc.anything(), fc.double(), fc.string(), fc.date());
  fc.assert(
    fc.property(anything, (value) => {
      const ms = toEpochMs(value);
      return ms === undefined || (Number.isInteger(ms) && !Number.isNaN(new Date(ms).getTime()));
    }),
  );
});

describe('toEpochMs returns undefined for', () => {
  test.each([
    ['a date without a time, which depends on the time zone', '2026-03-01'],
    ['a time without a zone', '2026-03-01T12:30:00'],
    ['a date in words', 'March 1, 2026'],
    ['a number as a string', '1772323200000'],
    ['a month that does not exist', '2026-13-01T00:00:00Z'],
    ['a day that does not exist', '2026-02-30T00:00:00Z'],
    ['an hour that does not exist', '2026-03-01T25:00:00Z'],
    ['a zone that does not exist', '2026-03-01T12:30:00+99:00'],
    ['an empty string', ''],
    ['an invalid Date', new Date(Number.NaN)],
    ['NaN', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
    ['a number beyond the range of a Date', 8.64e15 + 1],
    ['a bigint', 5n],
    ['undefined', undefined],
    ['null', null],
  ])('%s', (_, value) => {
    expect(toEpochMs(value)).toBeUndefined();
  });
});
