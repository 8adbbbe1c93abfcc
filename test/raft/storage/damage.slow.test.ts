import { expect, test } from 'vitest';
import { Random } from '../../faults/random';
import { exampleNode, filesOf, flip, startDamaged } from './damage';

test.each([11, 12, 13, 14, 15, 16])(
  'a node halts or heals after 1,000 flipped bits in its files (seed %i)',
  async (seed) => {
    const random = new Random(seed);
    const report = { healed: 0, halted: 0 };
    const node = await exampleNode(seed, seed % 2 === 0 ? 'closed' : 'killed');
    const files = [...filesOf(node)];
    for (let count = 0; count < 1_000; count++) {
      const [path, size] = random.pick(files);
      await startDamaged(node, path, flip(random.whole(0, size - 1), random), report);
    }
    expect(report.halted + report.healed).toBe(1_000);
    expect(report.halted).toBeGreaterThan(100);
  },
);
