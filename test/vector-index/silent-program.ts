// Run by silence.test.ts: LanceDB writes to the process's own standard error, where a test in the same process does not see it.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededVectors, VectorTruthFixture, visibleRows } from '../../src/testing/vector-truth';
import { exactIndex } from '../../src/vector-index/exact-index';
import { Indexer } from '../../src/vector-index/indexer';

const dimensions = 16;
const source = new VectorTruthFixture();
// The same few again and again leave most partitions empty, of which LanceDB warns.
const few = seededVectors(4, 3, dimensions) as [Float32Array, Float32Array, Float32Array];
for (let row = 1; row <= 300; row++) source.set(row, few[row % few.length] ?? few[0]);
const folder = await mkdtemp(join(tmpdir(), 'silence-'));
const exact = exactIndex({ dimensions, memoryBytes: 0, source });
const indexer = new Indexer({ folder, space: 's', dimensions, source, exact, newId: () => 'g', exactUpTo: 50 });
await indexer.start();
await indexer.settled();
assert.equal(indexer.ready, true);
assert.equal((await indexer.search(few[0], visibleRows(source.rows()), 10)).length, 10);
assert.equal(process.env.LANCEDB_LOG, undefined);
await indexer.close();
await rm(folder, { recursive: true });
