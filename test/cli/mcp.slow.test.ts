import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { temporaryFolder } from '../store/stores';
import { type BuiltCli, buildCli } from './built-cli';
import { shell, values } from './shell';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let program: BuiltCli;
beforeAll(async () => {
  program = await buildCli();
});
afterAll(() => program.remove());

async function connected(args: string[]): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(new StdioClientTransport({ command: process.execPath, args: [program.file, ...args] }));
  onTestFinished(() => client.close());
  return client;
}

const add = (client: Client, text: string) =>
  client.callTool({ name: 'add_memory', arguments: { text, namespace: ['notes'] } });

test('clients that each start a server share a folder, and one client continues after the other has ended', async () => {
  const folder = join(await temporaryFolder(), 'memory');
  const args = ['mcp', folder, '--agent=assistant', '--namespace=notes', '--allow=writer'];
  const [one, two] = await Promise.all([connected(args), connected(args)]);
  const answers = [await add(one as Client, 'from one'), await add(two as Client, 'from two')];
  expect(answers.map(({ isError }) => isError ?? false)).toEqual([false, false]);
  const texts = values<{ text: string; agentId: string }>(await shell(['list', folder, '--oldest']));
  expect(texts.map(({ text, agentId }) => [text, agentId])).toEqual([
    ['from one', 'assistant'],
    ['from two', 'assistant'],
  ]);
  await one?.close();
  expect((await add(two as Client, 'from the remaining client')).isError ?? false).toBe(false);
});

test('the server allows nothing if the store has no rule', async () => {
  const folder = join(await temporaryFolder(), 'memory');
  const client = await connected(['mcp', folder, '--agent=assistant', '--namespace=notes']);
  expect(await add(client, 'x')).toMatchObject({ isError: true });
});

test('the server answers over HTTP with a token from a file until it is terminated', async () => {
  const parent = await temporaryFolder();
  const token = 'a-token-of-many-characters';
  await writeFile(join(parent, 'token'), `${token}\n`);
  const ending = new AbortController();
  let url = '';
  const { runProgram } = await import('../../src/cli/program');
  const args = [
    'mcp',
    join(parent, 'memory'),
    '--user=u-1',
    '--allow=writer',
    '--http',
    `--token-file=${parent}/token`,
  ];
  const ended = runProgram(
    args,
    {
      print: async () => undefined,
      printError: (line) => {
        url = line.replace('Listening at ', '');
      },
      input: (async function* () {})(),
      signal: ending.signal,
    },
    '1',
  );
  await expect.poll(() => url, { timeout: 20_000 }).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/mcp$/);
  expect((await fetch(url, { method: 'POST' })).status).toBe(401);
  const client = new Client({ name: 'test', version: '1' });
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }) as never);
  expect((await add(client, 'over HTTP')).isError ?? false).toBe(false);
  await client.close();
  ending.abort(new Error('Interrupted.'));
  expect(await ended).toBe(0);
});

test('the server rejects a missing token before it listens', async () => {
  const folder = join(await temporaryFolder(), 'memory');
  const { code, errors } = await shell(['mcp', folder, '--agent=a', '--http', '--token-env=NO_SUCH_VARIABLE']);
  expect([code, errors.join('\n')]).toEqual([1, expect.stringContaining('token')]);
});

test.each([
  ['a token that is not set', ['--token-env=NO_SUCH_VARIABLE']],
  ['a token file that does not exist', ['--token-file=./no-such-file']],
  ['every address without host names', ['--token-env=PATH', '--host=0.0.0.0']],
])('the server creates no store after %s', async (_, options) => {
  const folder = join(await temporaryFolder(), 'memory');
  const { code } = await shell(['mcp', folder, '--agent=a', '--http', ...options]);
  expect([code > 0, existsSync(folder)]).toEqual([true, false]);
});

describe
  .skipIf(process.platform === 'win32')
  .concurrent('ends with the program that started it, although its input stays open', () => {
    // The client passes its own input on, which this test keeps open.
    const client = (command: string, args: string[]) => `
    require('node:child_process').spawn(${JSON.stringify(command)}, ${JSON.stringify(args)}, { stdio: 'inherit' });
    setInterval(() => undefined, 1000);`;

    test.each([
      ['directly', (words: string[]) => [process.execPath, words] as const],
      // `;` keeps the shell from becoming the program itself.
      [
        'through a shell, as npx does',
        (words: string[]) =>
          ['sh', ['-c', `${[process.execPath, ...words].map((word) => `'${word}'`).join(' ')}; true`]] as const,
      ],
    ])('%s', async (_, commandFor) => {
      const folder = join(await temporaryFolder(), 'memory');
      const [command, args] = commandFor([program.file, 'mcp', folder, '--agent=a', '--namespace=notes']);
      const started = spawn(process.execPath, ['-e', client(command, [...args])], {
        stdio: ['pipe', 'ignore', 'inherit'],
      });
      onTestFinished(() => void started.kill('SIGKILL'));
      const holder = join(folder, 'holder.json');
      await expect.poll(() => existsSync(holder), { timeout: 55_000 }).toBe(true);
      const { pid } = JSON.parse(await readFile(holder, 'utf8')) as { pid: number };
      onTestFinished(() => void isAlive(pid, 'SIGKILL'));
      started.kill('SIGKILL');
      await expect.poll(() => isAlive(pid)).toBe(false);
      expect(existsSync(holder)).toBe(false);
    });
  });

function isAlive(pid: number, signal: NodeJS.Signals | 0 = 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
