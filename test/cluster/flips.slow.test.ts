import { expect, test } from 'vitest';
import { temporaryFolder } from '../store/stores';
import { runFlips } from './flips';

// `npm run test:cluster -- --flips 1000` flips more.
test('a node with a flipped bit in any of its files serves the right memories or reports the damage', async () => {
  const { files, opened, refused, problems } = await runFlips({ folder: await temporaryFolder(), flips: 16, seed: 3 });
  expect(problems).toEqual([]);
  expect([...files.keys()]).toEqual(expect.arrayContaining(['database', 'snapshot', 'log and state of the consensus']));
  expect(opened).toBeGreaterThan(3);
  expect(refused).toBeGreaterThan(3);
});
