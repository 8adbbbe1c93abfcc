import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Table } from '@lancedb/lancedb';
import { dimensions } from './vectors';

// The instance that LanceDB loads itself. It converts or rejects tables of another instance.
const lanceDb = createRequire(import.meta.url).resolve('@lancedb/lancedb');
const arrow = createRequire(lanceDb)('apache-arrow') as typeof import('apache-arrow');

const rowsPerAdd = 10_000;

/** Bare LanceDB: numbered vectors with an IVF_FLAT index. */
export class BareLance {
  readonly #table: Table;

  private constructor(table: Table) {
    this.#table = table;
  }

  /** Makes a table of vectors. The number of partitions is the square root of the number of vectors: 316 for 100,000. */
  static async create(folder: string, vectors: readonly Float32Array[]): Promise<BareLance> {
    // LanceDB reads this once, when it is loaded. Without it, warnings go to the terminal.
    process.env.LANCEDB_LOG ??= 'off';
    const { connect, Index } = await import('@lancedb/lancedb');
    const connection = await connect(join(folder, 'bare-lance'));
    const { Field, FixedSizeList, Float32, Int32, Schema } = arrow;
    const vector = new FixedSizeList(dimensions, new Field('item', new Float32(), true));
    const schema = new Schema([new Field('id', new Int32(), false), new Field('vector', vector, false)]);
    const table = await connection.createEmptyTable('vectors', schema, { mode: 'overwrite' });
    for (let from = 0; from < vectors.length; from += rowsPerAdd) {
      const batch = vectors.slice(from, from + rowsPerAdd);
      await table.add(batch.map((vector, i) => ({ id: from + i, vector })));
    }
    const numPartitions = Math.max(1, Math.round(Math.sqrt(vectors.length)));
    await table.createIndex('vector', { config: Index.ivfFlat({ numPartitions, distanceType: 'l2' }) });
    await table.prewarmIndex('vector_idx');
    return new BareLance(table);
  }

  /** The numbers of the ten nearest vectors in `probes` partitions, by the fastest call of LanceDB. */
  async nearest(query: Float32Array, probes = 20): Promise<number[]> {
    const found = await this.#table.vectorSearch(query).select(['id', '_distance']).nprobes(probes).limit(10).toArrow();
    return Array.from(found.getChild('id')?.toArray() ?? []);
  }

  close(): void {
    this.#table.close();
  }
}
