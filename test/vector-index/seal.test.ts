import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  describeFiles,
  differences,
  type IndexManifest,
  manifestFormat,
  readManifest,
  removeUnlisted,
  writeManifest,
} from '../../src/vector-index/index-manifest';

let folder: string;
let seal: IndexManifest;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'seal-'));
  await mkdir(join(folder, 'g1', 'inner'), { recursive: true });
  await writeFile(join(folder, 'g1', 'a'), 'content of a');
  await writeFile(join(folder, 'g1', 'inner', 'b'), Buffer.alloc(3_000_000, 7));
  await writeFile(join(folder, 'g1', 'inner', 'empty'), '');
  seal = {
    format: manifestFormat,
    space: 'model',
    dimensions: 8,
    generation: 'g1',
    lastChange: 'a change',
    indexedThrough: 42,
    probes: { partitions: 1, curve: [] },
    files: await describeFiles(join(folder, 'g1')),
  };
});
afterEach(() => rm(folder, { recursive: true }));

const problems = () => differences(join(folder, 'g1'), seal);

describe('a seal', () => {
  test('agrees with the files it was made of', async () => {
    expect(seal.files.map(({ path, bytes }) => [path, bytes])).toEqual([
      ['a', 12],
      [join('inner', 'b'), 3_000_000],
      [join('inner', 'empty'), 0],
    ]);
    expect(await problems()).toEqual([]);
  });

  test('tells a flipped byte, at the same size', async () => {
    const path = join(folder, 'g1', 'inner', 'b');
    const bytes = await readFile(path);
    bytes[2_999_999] = 8;
    await writeFile(path, bytes);
    expect(await problems()).toEqual([expect.stringContaining('other content')]);
  });

  test('tells a truncated, a missing and a foreign file', async () => {
    await writeFile(join(folder, 'g1', 'a'), 'content');
    await rm(join(folder, 'g1', 'inner', 'empty'));
    await writeFile(join(folder, 'g1', 'c'), '');
    expect(await problems()).toEqual([
      expect.stringContaining('c does not belong'),
      expect.stringContaining('a has another size'),
      expect.stringContaining('empty is missing'),
    ]);
  });

  test('tells that the whole folder is gone', async () => {
    await rm(join(folder, 'g1'), { recursive: true });
    expect(await problems()).toHaveLength(3);
  });

  test('is read as it was written', async () => {
    await writeManifest(folder, seal);
    expect(await readManifest(folder)).toEqual(seal);
  });

  test('that is absent, damaged or of another format is no seal', async () => {
    expect(await readManifest(folder)).toBeUndefined();
    await writeManifest(folder, { ...seal, format: manifestFormat + 1 });
    expect(await readManifest(folder)).toBeUndefined();
    await writeManifest(folder, seal);
    const text = await readFile(join(folder, 'seal.json'), 'utf8');
    for (const damaged of [text.replace('42', '43'), text.slice(0, -9), '', 'null', '{}']) {
      await writeFile(join(folder, 'seal.json'), damaged);
      expect(await readManifest(folder)).toBeUndefined();
    }
  });

  test('keeps what it speaks of, and nothing else', async () => {
    await mkdir(join(folder, 'g0', 'left'), { recursive: true });
    await writeFile(join(folder, 'seal.json.new'), 'half');
    await writeManifest(folder, seal);
    await removeUnlisted(folder, seal);
    expect((await readdir(folder)).sort()).toEqual(['g1', 'seal.json']);
    await removeUnlisted(folder, undefined);
    expect(await readdir(folder)).toEqual([]);
    await removeUnlisted(join(folder, 'absent'), undefined);
  });
});
