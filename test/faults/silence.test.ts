import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { modelFolder, modelIsMissing } from '../embedding/model-folder';
import { filesBelow, temporaryFolder } from './folders';
import { buildPrograms, type Programs } from './programs';

// Leaves time for a machine that is busy with other work.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

let programs: Programs;
beforeAll(async () => {
  programs = await buildPrograms('busy');
});
afterAll(() => programs.remove());

test('a process that uses every part of the library prints nothing, leaves no files, and ends by itself', async () => {
  const TMPDIR = temporaryFolder();
  const task = { folder: temporaryFolder(), models: modelIsMissing ? undefined : modelFolder };
  const { code, stdout, stderr } = await programs.start('busy', task, { TMPDIR }).ended;
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(filesBelow(TMPDIR)).toEqual([]);
});
