// The program of silence.test.ts. LanceDB writes to the standard error of the process, which a test in the same process cannot capture.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededVectors, VectorSourceFixture, visibleRows } from '../../src/testing/vector-source-fixture';
import { ExactIndex } from '../../src/vector-index/exact-index';
import { Indexer } from '../../src/vector-index/indexer';

const environment = JSON.stringify(process.env);
const dimensions = 16;
const source = new VectorSourceFixture();
// Few different vectors leave most partitions empty, and LanceDB warns about empty partitions.
const few = seededVectors(4, 3, dimensions) as [Float32Array, Float32Array, Float32Array];
for (let row = 1; row <= 300; row++) source.set(row, few[row % few.length] ?? few[0]);
const folder = await mkdtemp(join(tmpdir(), 'silence-'));
const exact = new ExactIndex({ dimensions, memoryBytes: 0, source });
const indexer = new Indexer({ folder, space: 's', dimensions, source, exact, newId: () => 'g', exactUpTo: 50 });
await indexer.start();
await indexer.settled();
assert.equal(indexer.hasIndex, true);
assert.equal((await indexer.search(few[0], visibleRows(source.rows()), 10)).length, 10);
assert.equal(JSON.stringify(process.env), environment);
await indexer.close();
await rm(folder, { recursive: true });
