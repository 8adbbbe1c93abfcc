import { writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteSearch } from '../../src/erasure/byte-search';
import { scanFolder } from '../../src/erasure/scan-folder';
import { temporaryFolder } from '../store/stores';

test('finds each pattern wherever it is', () => {
  const letters = fc.uint8Array({ min: 97, max: 99, minLength: 4, maxLength: 20 });
  fc.assert(
    fc.property(fc.array(letters, { maxLength: 12 }), fc.array(letters, { maxLength: 30 }), (patterns, parts) => {
      const data = Buffer.concat(parts);
      const found = new Map(patterns.map((_, i) => [i, [] as number[]]));
      new ByteSearch(patterns).search(data, (pattern, offset) => found.get(pattern)?.push(offset));
      for (const [i, pattern] of patterns.entries()) {
        const offsets: number[] = [];
        for (let at = data.indexOf(pattern); at >= 0; at = data.indexOf(pattern, at + 1)) offsets.push(at);
        expect(found.get(i)).toEqual(offsets);
      }
    }),
    { numRuns: 60 },
  );
});

test('reads every byte of every file below a folder, also across two reads', async () => {
  const folder = await temporaryFolder();
  const probes = ['at the beginning', 'across two reads', 'at the very end.'].map((each) => Buffer.from(each));
  const bytes = Buffer.alloc(600_000);
  probes[0]?.copy(bytes, 0);
  probes[1]?.copy(bytes, 2 ** 18 - 5);
  probes[2]?.copy(bytes, bytes.length - 16);
  await mkdir(join(folder, 'index-2', 'deep'), { recursive: true });
  writeFileSync(join(folder, 'index-2', 'deep', 'a.lance'), bytes);
  writeFileSync(join(folder, 'memory.db-wal'), Buffer.alloc(10));
  const { files, bytes: read, found } = await scanFolder(folder, new ByteSearch(probes), {});
  expect([files, read]).toEqual([2, 600_010]);
  const file = 'index-2/deep/a.lance';
  expect([...found].sort()).toEqual([
    [0, { file, offset: 0 }],
    [1, { file, offset: 2 ** 18 - 5 }],
    [2, { file, offset: bytes.length - 16 }],
  ]);
});
