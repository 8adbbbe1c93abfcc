import { afterAll, beforeAll, expect, test } from 'vitest';
import { modelFolder, modelIsMissing } from '../embedding/model-folder';
import { temporaryFolder } from './folders';
import { buildPrograms, type Programs } from './programs';

let programs: Programs;
beforeAll(async () => {
  programs = await buildPrograms('busy');
});
afterAll(() => programs.remove());

test('a process that does a good deal of everything prints nothing, and ends by itself', async () => {
  const busy = programs.start('busy', { folder: temporaryFolder(), models: modelIsMissing ? undefined : modelFolder });
  const { code, stdout, stderr } = await busy.ended;
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' });
}, 60_000);
