import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runMoveCycles } from './kill/moves';
import { buildPrograms, type Programs } from './programs';

// Leaves time for a machine that is busy with other work.
let programs: Programs;
beforeAll(async () => {
  programs = await buildPrograms('mover');
});
afterAll(() => programs.remove());

test('no memory and no vector is lost if a process is killed during a move to another embedding space', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kill-moves-'));
  let moves = 0;
  const onCycle = (cycle: { moves: number }) => {
    moves += cycle.moves;
  };
  await runMoveCycles({ programs, folder, seed: 1, cycles: 7, onCycle });
  expect(moves).toBeGreaterThan(0);
  rmSync(folder, { recursive: true });
});
