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
let manifest: IndexManifest;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'manifest-'));
  await mkdir(join(folder, 'generation-1', 'inner'), { recursive: true });
  await writeFile(join(folder, 'generation-1', 'a'), 'content of a');
  await writeFile(join(folder, 'generation-1', 'inner', 'b'), Buffer.alloc(3_000_000, 7));
  await writeFile(join(folder, 'generation-1', 'inner', 'empty'), '');
  manifest = {
    format: manifestFormat,
    space: 'model',
    dimensions: 8,
    generation: 'generation-1',
    lastChange: 'a change',
    indexedThrough: 42,
    probes: { partitions: 1, curve: [] },
    files: await describeFiles(join(folder, 'generation-1')),
  };
});
afterEach(() => rm(folder, { recursive: true }));

const problems = () => differences(join(folder, 'generation-1'), manifest);

describe('a manifest', () => {
  test('matches the files that it describes', async () => {
    expect(manifest.files.map(({ path, bytes }) => [path, bytes])).toEqual([
      ['a', 12],
      [join('inner', 'b'), 3_000_000],
      [join('inner', 'empty'), 0],
    ]);
    expect(await problems()).toEqual([]);
  });

  test('detects a flipped byte in a file of the same size', async () => {
    const path = join(folder, 'generation-1', 'inner', 'b');
    const bytes = await readFile(path);
    bytes[2_999_999] = 8;
    await writeFile(path, bytes);
    expect(await problems()).toEqual([expect.stringContaining('different content')]);
  });

  test('detects a truncated, a missing and an unknown file', async () => {
    await writeFile(join(folder, 'generation-1', 'a'), 'content');
    await rm(join(folder, 'generation-1', 'inner', 'empty'));
    await writeFile(join(folder, 'generation-1', 'c'), '');
    expect(await problems()).toEqual([
      expect.stringContaining('c is not in the manifest'),
      expect.stringContaining('a has a different size'),
      expect.stringContaining('empty is missing'),
    ]);
  });

  test('detects that the whole folder is missing', async () => {
    await rm(join(folder, 'generation-1'), { recursive: true });
    expect(await problems()).toHaveLength(3);
  });

  test('is the same after it was written and read', async () => {
    await writeManifest(folder, manifest);
    expect(await readManifest(folder)).toEqual(manifest);
  });

  test('is treated as absent if it is damaged or in another format', async () => {
    expect(await readManifest(folder)).toBeUndefined();
    await writeManifest(folder, { ...manifest, format: manifestFormat + 1 });
    expect(await readManifest(folder)).toBeUndefined();
    await writeManifest(folder, manifest);
    const text = await readFile(join(folder, 'manifest.json'), 'utf8');
    for (const damaged of [text.replace('42', '43'), text.slice(0, -9), '', 'null', '{}']) {
      await writeFile(join(folder, 'manifest.json'), damaged);
      expect(await readManifest(folder)).toBeUndefined();
    }
  });

  test('keeps the files that it names, and removes the other files of the index', async () => {
    await mkdir(join(folder, 'generation-0', 'left'), { recursive: true });
    await writeFile(join(folder, 'manifest.json.new'), 'half');
    await writeManifest(folder, manifest);
    await removeUnlisted(folder, manifest);
    expect((await readdir(folder)).sort()).toEqual(['generation-1', 'manifest.json']);
    await removeUnlisted(folder, undefined);
    expect(await readdir(folder)).toEqual([]);
    await removeUnlisted(join(folder, 'absent'), undefined);
  });
});
