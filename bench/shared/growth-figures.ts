import type { Row } from './row';

export const calls = ['hybrid recall', 'semantic recall', 'remember'] as const;
export type Call = (typeof calls)[number];

/** Milliseconds of wall time, and of processor time. */
export const measures = ['median', 'p95', 'processor'] as const;
export type Measure = (typeof measures)[number];

/** The name of the row with one figure. */
export function rowName(call: Call, size: number, measure: Measure): string {
  return `growth, ${call}, ${size.toLocaleString('en-US')}, ${measure}`;
}

export function slopeRowName(call: Call, measure: Measure): string {
  return `growth, ${call}, slope of ${measure}`;
}

interface Point {
  readonly size: number;
  readonly ms: number;
}

/**
 * The slope of the line of least squares through the logarithms of the points: the power of the size with which the time grows. It is
 * 0 if the time stays the same, and 1 if it doubles with the size.
 */
export function slopeOf(points: readonly Point[]): number {
  const logs = points.map(({ size, ms }) => [Math.log(size), Math.log(ms)] as const);
  const mean = (axis: 0 | 1) => logs.reduce((sum, log) => sum + log[axis], 0) / logs.length;
  const [x, y] = [mean(0), mean(1)];
  const covariance = logs.reduce((sum, log) => sum + (log[0] - x) * (log[1] - y), 0);
  const variance = logs.reduce((sum, log) => sum + (log[0] - x) ** 2, 0);
  return covariance / variance;
}

/** A slope with two digits. Zero has no sign. */
export function showSlope(slope: number): string {
  return (Math.round(slope * 100) / 100 || 0).toFixed(2);
}

/** The figures of one call, smallest size first, read from the rows of the question `growth`. */
export interface GrowthLine {
  readonly call: Call;
  readonly slopes: Readonly<Record<'median' | 'processor', number>>;
  readonly points: readonly (Readonly<Record<Measure, number>> & { readonly size: number })[];
}

/** Reads the figures from rows. Undefined if the rows do not contain them. */
export function growthLines(rows: readonly Row[]): GrowthLine[] | undefined {
  const values = new Map(rows.map(({ name, value }) => [name, value]));
  const lines = calls.map((call) => ({
    call,
    slopes: {
      median: values.get(slopeRowName(call, 'median')) ?? Number.NaN,
      processor: values.get(slopeRowName(call, 'processor')) ?? Number.NaN,
    },
    points: sizesIn(rows, call).map((size) => {
      const of = (measure: Measure) => values.get(rowName(call, size, measure)) ?? Number.NaN;
      return { size, median: of('median'), p95: of('p95'), processor: of('processor') };
    }),
  }));
  return lines.every(({ points }) => points.length > 1) ? lines : undefined;
}

function sizesIn(rows: readonly Row[], call: Call): number[] {
  const sizes = rows.map(({ name }) => {
    const digits = name.match(/, ([\d,]+), median$/)?.[1]?.replaceAll(',', '');
    return digits !== undefined && rowName(call, Number(digits), 'median') === name ? Number(digits) : undefined;
  });
  return sizes.filter((size) => size !== undefined).sort((a, b) => a - b);
}
