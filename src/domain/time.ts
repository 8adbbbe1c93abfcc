/** In: a Date, an ISO 8601 string with a zone, or epoch milliseconds. Out: always a Date. */
export type Time = Date | string | number;

const isoWithZone = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})$/;
// The range of an ECMAScript Date: https://tc39.es/ecma262/#sec-time-values-and-time-range
const maxEpochMs = 8.64e15;

/** Epoch milliseconds, or undefined where the value is not a moment: NaN, a local time, a date alone. */
export function toEpochMs(time: unknown): number | undefined {
  const ms =
    time instanceof Date
      ? time.getTime()
      : typeof time === 'string' && isoWithZone.test(time)
        ? Date.parse(time)
        : typeof time === 'number'
          ? time
          : Number.NaN;
  return Number.isFinite(ms) && Math.abs(ms) <= maxEpochMs ? Math.trunc(ms) : undefined;
}
