/** A quantile of the samples by the nearest-rank method. NaN for no samples. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** The median of the samples. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The arithmetic mean. NaN for no samples. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The share of the true elements that were found. 1 if there are none. */
export function shareFound<T>(truth: readonly T[], found: readonly T[]): number {
  const known = new Set(found);
  return truth.length === 0 ? 1 : truth.filter((one) => known.has(one)).length / truth.length;
}
