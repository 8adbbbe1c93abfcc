import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { loadLarge } from './million';
import { type Call, calls, type Measure, measures, rowName, slopeOf, slopeRowName } from './shared/growth-figures';
import type { Question } from './shared/question';
import { type Row, row } from './shared/row';
import { runScript } from './shared/script';

/** The measurements of a process that opens a store of one size. Times are in milliseconds. */
export type GrowthTimes = Readonly<Record<Call, Readonly<Record<Measure, number>>>>;

/** The cost of a call in stores of growing sizes, up to a million memories. It takes some fifteen minutes. */
export const growth: Question = {
  name: 'growth',
  asks: 'What do recall and remember cost with 1,000, 10,000, 100,000 and a million memories, and with which power of the number do they grow?',
  async run(setting) {
    const sizes = [0.01, 0.1, 1, 10].map((share) => Math.max(1, Math.round(share * setting.memories)));
    const rows: Row[] = [];
    const times = new Map<number, GrowthTimes>();
    for (const size of sizes) {
      const folder = await mkdtemp(join(setting.folder, 'growth-'));
      await loadLarge(folder, size);
      const measured = await runScript<GrowthTimes>(new URL('growth-process.ts', import.meta.url), [folder, size]);
      await rm(folder, { recursive: true });
      times.set(size, measured);
      for (const call of calls) {
        for (const measure of measures) {
          rows.push(row({ name: rowName(call, size, measure), value: measured[call][measure], unit: 'ms' }));
        }
      }
    }
    for (const call of calls) {
      for (const measure of ['median', 'processor'] as const) {
        const points = [...times].map(([size, each]) => ({ size, ms: each[call][measure] }));
        rows.push(row({ name: slopeRowName(call, measure), value: slopeOf(points), unit: 'power' }));
      }
    }
    return rows;
  },
};
