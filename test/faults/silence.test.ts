import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { temporaryFolder } from './folders';
import { buildPrograms, type Programs } from './programs';

let programs: Programs;
beforeAll(async () => {
  programs = await buildPrograms('busy');
});
afterAll(() => programs.remove());

const shared = fileURLToPath(new URL('../../../shared/models', import.meta.url));
const models = existsSync(shared) ? shared : undefined;

test('a process that does a good deal of everything prints nothing, and ends by itself', async () => {
  const busy = programs.start('busy', { folder: temporaryFolder(), models });
  const { code, stdout, stderr } = await busy.ended;
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' });
}, 60_000);
