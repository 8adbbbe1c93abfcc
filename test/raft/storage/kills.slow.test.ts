import { afterAll, beforeAll, expect, test } from 'vitest';
import { temporaryFolder } from '../../faults/folders';
import { buildPrograms, type Programs } from '../../faults/programs';
import { runKills } from './kills';

let programs: Programs;
beforeAll(async () => {
  programs = await buildPrograms('node-writer');
});
afterAll(() => programs.remove());

test('a process that is killed 40 times loses nothing that was confirmed', async () => {
  let confirmed = 0;
  const onCycle = ({ done }: { readonly done: number }) => {
    confirmed += done;
  };
  await runKills({ programs, folder: temporaryFolder(), seed: 2, cycles: 40, onCycle });
  expect(confirmed).toBeGreaterThan(400);
});
