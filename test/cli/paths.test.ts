import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { temporaryFolder } from '../store/stores';
import { shell, values } from './shell';

let home: string;
beforeEach(async () => {
  home = await temporaryFolder();
  vi.stubEnv('HOME', home);
  vi.stubEnv('USERPROFILE', home);
});
afterEach(() => vi.unstubAllEnvs());

const memory = JSON.stringify({ text: 'The refund goes to the card.', namespace: ['support'] });

describe('a path on the command line', () => {
  test('may begin with ~/, which no shell replaces in the settings of an MCP client', async () => {
    await writeFile(join(home, 'memories.jsonl'), memory);
    expect((await shell(['import', '~/memory', '~/memories.jsonl'])).errors).toEqual([]);
    expect(values(await shell(['list', join(home, 'memory')]))).toHaveLength(1);
    expect((await shell(['backup', '~/memory', '~/copy'])).errors).toEqual([]);
    expect(existsSync(join(home, 'copy', 'memory.db'))).toBe(true);
    expect(existsSync('~')).toBe(false);
  });

  test('may be a file: URL', async () => {
    const url = (name: string) => String(pathToFileURL(join(home, name)));
    await writeFile(join(home, 'my memories.jsonl'), memory);
    expect((await shell(['import', url('memory'), url('my memories.jsonl')])).errors).toEqual([]);
    expect(values(await shell(['list', join(home, 'memory')]))).toHaveLength(1);
  });

  test('of another user is rejected', async () => {
    const { code, errors } = await shell(['stats', '~alice/memory']);
    expect([code, errors.join()]).toEqual([1, expect.stringContaining('INVALID_INPUT')]);
  });
});

describe('an import that cannot be read creates no store', () => {
  test.each([['missing.jsonl'], ['a-folder']])('%s', async (file) => {
    await mkdir(join(home, 'a-folder'));
    const { code } = await shell(['import', join(home, 'memory'), join(home, file)]);
    expect([code, existsSync(join(home, 'memory'))]).toEqual([1, false]);
  });
});

test.each([
  ['stats', []],
  ['list', []],
  ['recall', ['refund']],
  ['export', []],
  ['forget', ['--namespace=support', '--yes']],
  ['verify', []],
  ['verify', ['--repair']],
  ['backup', ['./copy']],
  ['snapshot', ['./copy']],
  ['purge', []],
  ['hold', []],
  ['erase', ['--about-user=u', '--yes']],
  ['receipts', []],
  ['rules', []],
  ['hold', ['--matter=m', '--namespace=support']],
])('%s %s does not create a store in a folder that does not exist', async (command, words) => {
  const { code } = await shell([command, join(home, 'memroy'), ...words]);
  expect([code, existsSync(join(home, 'memroy')), existsSync('copy')]).toEqual([1, false, false]);
});
