import { stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryFolder } from '../store/stores';
import { shell, values } from './shell';

const initialize = JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'initialize', params: {} });

test('a client of a server without a principal gets an error that names the missing option', async () => {
  const folder = join(await temporaryFolder(), 'memory');
  const ran = await shell(['mcp', folder, '--alow=writer'], { input: ['\n{}\n', `${initialize}\n`, 'not read'] });
  expect(ran.code).toBe(2);
  const [answer] = values<{ error: { message: string } }>(ran);
  expect(answer).toMatchObject({ jsonrpc: '2.0', id: 7, error: { code: -32000 } });
  expect(answer?.error.message).toMatch(
    /^The server did not start\. .*--alow.* One of --agent, --user and --service is required/,
  );
  expect(ran.errors.join('\n')).toContain('One of --agent');
  await expect(stat(folder)).rejects.toThrow('ENOENT');
});

test('a client of a folder that cannot be opened gets the error of the store', async () => {
  const folder = join(await temporaryFolder(), 'memory');
  await writeFile(folder, 'a file');
  const ran = await shell(['mcp', folder, '--agent=a'], { input: [`${initialize}\n`] });
  expect(ran.code).toBe(1);
  expect(values(ran)).toMatchObject([{ id: 7, error: { message: expect.stringContaining('did not start') } }]);
});

test('no error is sent over HTTP or without a client', async () => {
  const folder = join(await temporaryFolder(), 'memory');
  expect((await shell(['mcp', folder])).out).toEqual([]);
  expect((await shell(['mcp', folder, '--http'], { input: [`${initialize}\n`] })).out).toEqual([]);
});

test('a port in use, or a host that does not exist, is reported before a store is made', async () => {
  const parent = await temporaryFolder();
  const folder = join(parent, 'memory');
  await writeFile(join(parent, 'token'), 'a-token-of-many-characters');
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise<void>((resolve) => other.close(() => resolve())));
  const { port } = other.address() as { port: number };
  const words = ['mcp', folder, '--agent=a', '--http', `--token-file=${parent}/token`];
  const ran = await shell([...words, `--port=${port}`]);
  expect([ran.code, ran.errors.join()]).toEqual([1, expect.stringContaining('EADDRINUSE')]);
  expect((await shell([...words, '--host=192.0.2.1'])).code).toBe(1);
  await expect(stat(folder)).rejects.toThrow('ENOENT');
});
