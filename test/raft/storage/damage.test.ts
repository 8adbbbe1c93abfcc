import { describe, expect, test } from 'vitest';
import { Random } from '../../faults/random';
import {
  type DamageReport,
  erase,
  exampleNode,
  filesOf,
  flip,
  readDamaged,
  startDamaged,
  startWithout,
} from './damage';

const flipsPerFile = 40;

describe.each(['killed', 'closed'] as const)('a node whose process was %s', (end) => {
  test('halts or heals after any flipped bit, and never serves a wrong log or another vote', async () => {
    const random = new Random(1);
    const report = { healed: 0, halted: 0 };
    const node = await exampleNode(3, end);
    for (const [path, size] of filesOf(node))
      for (let count = 0; count < flipsPerFile; count++)
        await startDamaged(node, path, flip(random.whole(0, size - 1), random), report);
    expect(report.halted).toBeGreaterThan(50);
    expect(report.healed).toBeGreaterThan(50);
  });

  test('halts or heals after any lost sector or page', async () => {
    const report: DamageReport = { healed: 0, halted: 0 };
    const node = await exampleNode(4, end);
    for (const [path, size] of filesOf(node))
      for (const length of [512, 4096])
        for (let from = 0; from < size; from += length) await startDamaged(node, path, erase(from, length), report);
    expect(report.halted).toBeGreaterThan(10);
    expect(report.healed).toBeGreaterThan(3);
  });

  test('halts or heals without any of its files', async () => {
    const report: DamageReport = { healed: 0, halted: 0 };
    const node = await exampleNode(5, end);
    for (const path of filesOf(node).keys()) await startWithout(node, path, report);
    expect(report.halted).toBeGreaterThan(4);
  });
});

test('a read of an entry that was damaged meanwhile fails', async () => {
  const random = new Random(2);
  const report = { healed: 0, halted: 0 };
  const node = await exampleNode(6, 'killed');
  for (const [path, size] of filesOf(node)) {
    if (!path.endsWith('.segment')) continue;
    for (let count = 0; count < flipsPerFile; count++)
      await readDamaged(node, path, flip(random.whole(0, size - 1), random), report);
  }
  expect(report.halted).toBeGreaterThan(20);
});
