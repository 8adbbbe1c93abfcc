import fc from 'fast-check';
import type { MemoryStore } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { timeIssue, toEpochMs } from '../../src/domain/parse/shapes';
import { openInMemory, refusal } from '../store/stores';

const moment = fc.date({
  noInvalidDate: true,
  min: new Date('0000-01-01T00:00:00Z'),
  max: new Date('9999-12-31T23:59:59.999Z'),
});
const minute = 60_000;

describe('toEpochMs returns the same number for the same moment', () => {
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

  test('without seconds, and with more fractional digits than a Date has', () => {
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

describe('timeIssue', () => {
  const moment = Date.UTC(2026, 10, 27, 9);

  test.each<[string, unknown, RegExp]>([
    ['epoch seconds', moment / 1000, /got 1970-01-21T.*in seconds: multiply it by 1,000\.$/],
    ['epoch microseconds', moment * 1000, /in microseconds: divide it by 1,000\.$/],
    ['a number of days', 20_000, /give a Date\.$/],
    ['zero', 0, /give a Date\.$/],
    ['a negative number', -1, /give a Date\.$/],
    ['the last millisecond of 1989', Date.UTC(1990, 0, 1) - 1, /give a Date\.$/],
    ['the first millisecond of 2200', Date.UTC(2200, 0, 1), /give a Date\.$/],
    ['a text of 1970', '1970-01-21T18:43:00Z', /give a Date\.$/],
    ['a text for "never"', '9999-12-31T23:59:59Z', /give a Date\.$/],
  ])('rejects %s with a hint', (_, value, message) => {
    expect(timeIssue(value)).toMatch(message);
  });

  test.each<[string, unknown]>([
    ['epoch milliseconds', moment],
    ['the first millisecond of 1990', Date.UTC(1990, 0, 1)],
    ['the last millisecond of 2199', Date.UTC(2200, 0, 1) - 1],
    ['a text', '2026-11-27T09:00:00Z'],
    ['a Date of 1970', new Date(5)],
    ['a Date of 1850', new Date('1850-01-01T00:00:00Z')],
    ['a Date of 9999', new Date('9999-12-31T23:59:59Z')],
  ])('accepts %s', (_, value) => {
    expect(timeIssue(value)).toBeUndefined();
  });
});

describe('a time in epoch seconds is rejected with INVALID_INPUT and nothing is written, as', () => {
  const namespace = ['support'];
  const seconds = Date.UTC(2026, 10, 27) / 1000;

  test.each<[string, (store: MemoryStore) => unknown, string]>([
    ['validFrom', ({ admin }) => admin.remember('text', { namespace, validFrom: seconds }), 'validFrom'],
    ['validTo', ({ admin }) => admin.remember('text', { namespace, validTo: seconds }), 'validTo'],
    ['expiresAt', ({ admin }) => admin.remember('text', { namespace, expiresAt: seconds }), 'expiresAt'],
    ['a patch', ({ admin }) => admin.update('id', { expiresAt: seconds }), 'patch.expiresAt'],
    ['asOf', ({ admin }) => admin.recall('text', { asOf: seconds }), 'asOf'],
    ['a filter', ({ admin }) => admin.list({ filter: { createdAt: { lt: seconds } } }), 'filter.createdAt.lt'],
    [
      'a list in a filter',
      ({ admin }) => admin.count({ filter: { validTo: { in: [seconds] } } }),
      'filter.validTo.in.0',
    ],
    ['since', ({ admin }) => admin.audit.query({ since: seconds }), 'since'],
    ['until', ({ admin }) => admin.audit.query({ until: seconds }), 'until'],
    ['the time to retain from', ({ audit }) => audit.retain({ since: seconds }), 'since'],
  ])('%s', async (_, call, path) => {
    const store = await openInMemory();
    const { code, issues } = await refusal(() => call(store));
    expect(code).toBe('INVALID_INPUT');
    expect(issues).toMatchObject([{ path: path.split('.').map((step) => (step === '0' ? 0 : step)) }]);
    expect(issues[0]?.message).toContain('multiply it by 1,000');
    expect(await store.admin.count({ include: ['expired'] })).toBe(0);
  });

  test('a Date of any year is kept', async () => {
    const store = await openInMemory();
    const validFrom = new Date('1850-01-01T00:00:00Z');
    const { id } = await store.admin.remember('text', { namespace, validFrom });
    expect((await store.admin.get(id))?.validFrom).toEqual(validFrom);
    expect(await store.admin.count({ asOf: new Date('1851-01-01T00:00:00Z'), filter: { validFrom } })).toBe(1);
  });
});
