import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { budget, budgetProblems, gzippedSize } from '../package/budget';

describe('the size budget of the package', () => {
  test('accepts exactly the budget', () => {
    expect(budgetProblems(budget)).toEqual([]);
  });

  test.each(Object.keys(budget) as (keyof typeof budget)[])('reports one byte too much in %s', (name) => {
    expect(budgetProblems({ ...budget, [name]: budget[name] + 1 })).toEqual([
      expect.stringMatching(new RegExp(`^${name} is [\\d,]+ kB, over its budget of [\\d,]+ kB$`)),
    ]);
  });

  test('counts what an entry loads, lazy files included, and no package', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'budget-'));
    const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
    // Random digits do not compress away.
    const text = (seed: number) =>
      `console.log('${Array.from({ length: 400 }, (_, i) => Math.sin(seed + i)).join('')}');`;
    try {
      write('lazy.js', text(0));
      write('small.js', `import 'some-package';`);
      write('large.js', `import 'some-package'; import('./lazy.js');`);
      const [small, large] = [await gzippedSize(join(folder, 'small.js')), await gzippedSize(join(folder, 'large.js'))];
      expect(small).toBeLessThan(200);
      expect(large - small).toBeGreaterThan(2_000);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
