import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeGrowthDocs } from '../../bench/shared/growth-docs';
import { calls, growthLines, measures, rowName, slopeOf, slopeRowName } from '../../bench/shared/growth-figures';
import { growthPlot } from '../../bench/shared/growth-plot';
import { describeMachine } from '../../bench/shared/machine';
import { type Row, row } from '../../bench/shared/row';

const sizes = [1_000, 10_000, 100_000, 1_000_000];
/** Recall grows with the square root of the size, remember does not grow. */
const msOf = (call: string, size: number) => (call === 'remember' ? 0.5 : Math.sqrt(size) / 100);
const rows: Row[] = calls.flatMap((call) => [
  ...sizes.flatMap((size) =>
    measures.map((measure) => row({ name: rowName(call, size, measure), value: msOf(call, size), unit: 'ms' })),
  ),
  ...(['median', 'processor'] as const).map((measure) => {
    const value = slopeOf(sizes.map((size) => ({ size, ms: msOf(call, size) })));
    return row({ name: slopeRowName(call, measure), value, unit: 'power' });
  }),
]);
const machine = { ...describeMachine(new Date('2026-03-01T12:00:00Z')), commit: 'abc1234', cores: 2, loadBefore: 0.1 };

describe('the slope of a cost', () => {
  test.each([0, 0.5, 1, 2])('is the power %d of the size with which it grows', (power) => {
    expect(slopeOf(sizes.map((size) => ({ size, ms: 3 * size ** power })))).toBeCloseTo(power, 9);
  });
});

describe('the plot of the costs', () => {
  const plot = growthPlot(growthLines(rows) ?? []);

  test('has a straight line for each call, through a point for each size', () => {
    const lines = [...plot.matchAll(/<polyline[^>]* points="([^"]+)"/g)].map(([, points = '']) =>
      points.split(' ').map((point) => point.split(',').map(Number)),
    );
    expect(lines).toHaveLength(calls.length);
    for (const points of lines) {
      const steps = points.slice(1).map(([x = 0, y = 0], i) => [x - (points[i]?.[0] ?? 0), y - (points[i]?.[1] ?? 0)]);
      expect(steps).toHaveLength(sizes.length - 1);
      for (const [x = 0, y = 0] of steps) {
        expect(Math.abs(x - (steps[0]?.[0] ?? 0))).toBeLessThan(0.3);
        expect(Math.abs(y - (steps[0]?.[1] ?? 0))).toBeLessThan(0.3);
      }
    }
  });

  test('names the axes and the slopes, and names do not overlap', () => {
    for (const text of ['1,000,000', '0.1 ms', '10 ms', 'hybrid recall (0.50)', 'remember (0.00)']) {
      expect(plot).toContain(`>${text}<`);
    }
    const heights = [...plot.matchAll(/y="([\d.]+)" text-anchor="start"/g)].map(([, y]) => Number(y));
    expect(heights).toHaveLength(calls.length);
    const [a = 0, b = 0, c = 0] = heights.sort((one, other) => one - other);
    expect(Math.min(b - a, c - b)).toBeGreaterThanOrEqual(12);
  });
});

describe('the docs of the costs', () => {
  let docs: string;
  beforeAll(async () => {
    docs = await mkdtemp(join(tmpdir(), 'growth-docs-'));
    const real = await readFile(new URL('../../docs/figures.md', import.meta.url), 'utf8');
    await writeFile(join(docs, 'figures.md'), `${real}\nAfter the figures.\n`);
  });
  afterAll(() => rm(docs, { recursive: true, force: true }));

  test('get the table, the machine and the plot, again and again in the same place', async () => {
    await writeGrowthDocs(docs, rows, { ...machine, loadBefore: 7.25 });
    const busy = await readFile(join(docs, 'figures.md'), 'utf8');
    expect(busy).toContain('busy with other work (load 7.3 before the run)');
    await writeGrowthDocs(docs, rows, machine);
    const page = await readFile(join(docs, 'figures.md'), 'utf8');
    expect(page.match(/!\[.*\]\(growth\.svg\)/g)).toHaveLength(1);
    expect(page).toContain('| 1,000 | 10,000 | 100,000 | 1,000,000 | slopes |');
    expect(page).toMatch(/\| remember \| 0\.50 \/ 0\.50 \/ 0\.50 .* \| 0\.00, 0\.00 \|/);
    expect(page).toContain('Measured on 2026-03-01 at commit abc1234');
    expect(page).not.toContain('busy with other work');
    expect(page).toContain('After the figures.');
    expect(page).toContain('## Search quality');
    expect(await readFile(join(docs, 'growth.svg'), 'utf8')).toBe(growthPlot(growthLines(rows) ?? []));
  });

  test('stay as they are if the figures are missing', async () => {
    const before = await readFile(join(docs, 'figures.md'), 'utf8');
    await expect(writeGrowthDocs(docs, rows.slice(1, 3), machine)).rejects.toThrow('rows of the question growth');
    expect(await readFile(join(docs, 'figures.md'), 'utf8')).toBe(before);
  });
});
