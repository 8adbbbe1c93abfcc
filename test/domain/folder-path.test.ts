import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runInNewContext } from 'node:vm';
import { MemoryStore, minilm, transformersEmbedder } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { folderPath } from '../../src/domain/folder-path';
import { temporaryFolder } from '../store/stores';

describe('a folder', () => {
  test.each<[unknown, string]>([
    ['./memory', resolve('memory')],
    ['a~b/~c', resolve('a~b/~c')],
    ['./~/memory', resolve('./~/memory')],
    ['~memory', resolve('~memory')],
    ['file:///srv/my%20memory', resolve('/srv/my memory')],
    ['FILE:///srv/memory/', resolve('/srv/memory')],
    [new URL('file:///srv/memory'), resolve('/srv/memory')],
    [new URL('file://localhost/srv/memory'), resolve('/srv/memory')],
    ['memory:x', resolve('memory:x')],
  ])('may be given as %s', (given, path) => {
    expect(folderPath(given)).toBe(path);
  });

  test.each<[unknown, string]>([
    ['~', '"~"'],
    ['~/memory', 'homedir()'],
    ['~alice/memory', '"~"'],
    ['~\\memory', '"~"'],
    ['https://example.com/memory', 'another scheme'],
    ['s3://bucket/memory', 'another scheme'],
    [new URL('https://example.com/memory'), 'another scheme'],
    ['file:memory', 'absolute path'],
    ['file://host/memory', 'absolute path'],
    ['file:///', 'absolute path'],
    ['file:///a%2Fb', 'absolute path'],
    ['', 'an empty string'],
    ['  ', 'got a string'],
    ['a\0b', 'got a string'],
    [undefined, 'got undefined'],
    [7, 'got 7'],
    [{}, 'an object'],
  ])('may not be given as %s', (given, message) => {
    expect(() => folderPath(given)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
    expect(() => folderPath(given)).toThrow(message);
  });

  test('may be a URL of another realm', () => {
    const url = runInNewContext('new URL(path)', { URL: class extends URL {}, path: 'file:///srv/memory' });
    expect(folderPath(url)).toBe(resolve('/srv/memory'));
  });
});

describe('every place that takes a folder', () => {
  test('understands file: URLs', async () => {
    const parent = await temporaryFolder();
    const url = pathToFileURL(join(parent, 'memory'));
    await using store = await MemoryStore.open(url, { serve: true });
    await store.admin.remember('The refund goes to the card.', { namespace: ['a'] });
    await using connected = await MemoryStore.connect(String(url));
    await connected.backup(pathToFileURL(join(parent, 'copy')));
    await store.backup(String(pathToFileURL(join(parent, 'copy 2'))));
    await using copy = await MemoryStore.open(pathToFileURL(join(parent, 'copy 2')), { readOnly: true });
    expect((await copy.stats()).memories).toBe(1);
    expect(readdirSync(parent).sort()).toEqual(['copy', 'copy 2', 'memory']);
  });

  test('rejects ~ and does not create a folder with that name', async () => {
    const here = join(await temporaryFolder(), 'memory');
    await using store = await MemoryStore.open(here, { serve: true });
    await using connected = await MemoryStore.connect(here);
    const path = '~/multi-agent-memory-test';
    for (const call of [
      () => MemoryStore.open(path),
      () => MemoryStore.open(path, { readOnly: true }),
      () => MemoryStore.connect(path, { takeOver: true }),
      () => store.backup(path),
      () => connected.backup(path),
      async () => minilm({ localPath: path }),
      async () => transformersEmbedder({ model: 'a/b', dimensions: 8, localPath: path }),
    ])
      await expect(call()).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    expect([existsSync('~'), existsSync(join(homedir(), 'multi-agent-memory-test'))]).toEqual([false, false]);
  });
});
