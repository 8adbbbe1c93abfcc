/** In: a Date, an ISO 8601 string with a zone, or epoch milliseconds. Out: always a Date. */
export type Time = Date | string | number;

const isoWithZone = /^(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})$/;
// The range of an ECMAScript Date: https://tc39.es/ecma262/#sec-time-values-and-time-range
const maxEpochMs = 8.64e15;

/** Epoch milliseconds, or undefined where the value is not a moment: NaN, a local time, a date alone. */
export function toEpochMs(time: unknown): number | undefined {
  const ms =
    time instanceof Date
      ? time.getTime()
      : typeof time === 'string'
        ? parseIso(time)
        : typeof time === 'number'
          ? time
          : Number.NaN;
  return Number.isFinite(ms) && Math.abs(ms) <= maxEpochMs ? Math.trunc(ms) : undefined;
}

function parseIso(text: string): number {
  const day = isoWithZone.exec(text)?.[1];
  // Date.parse takes the thirtieth of February for the second of March.
  const exists = day !== undefined && new Date(`${day}T00:00:00Z`).toJSON()?.startsWith(day) === true;
  return exists ? Date.parse(text) : Number.NaN;
}
