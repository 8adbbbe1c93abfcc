import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { modelFolder, modelIsMissing } from '../embedding/model-folder';
import { filesBelow, temporaryFolder } from './folders';
import { buildPrograms, type Programs } from './programs';

// Disks and processors that others use too may take their time.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

let programs: Programs;
beforeAll(async () => {
  programs = await buildPrograms('busy');
});
afterAll(() => programs.remove());

test('a process that does a good deal of everything prints nothing, leaves nothing lying about, and ends by itself', async () => {
  const TMPDIR = temporaryFolder();
  const task = { folder: temporaryFolder(), models: modelIsMissing ? undefined : modelFolder };
  const { code, stdout, stderr } = await programs.start('busy', task, { TMPDIR }).ended;
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(filesBelow(TMPDIR)).toEqual([]);
});
