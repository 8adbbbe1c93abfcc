import { isAbsolute } from 'node:path';
import type { Connection, Table } from '@lancedb/lancedb';
import type { Schema } from 'apache-arrow';
import type { LanceLibrary } from './lance-library';
import { withUsualFolder } from './scratch-folder';
import { withProcessorToSpare } from './spared-processor';

/** What LanceDB found, nearest first. Addresses are pairs of numbers: where in a fragment, and in which fragment. */
export interface Nearest {
  readonly length: number;
  readonly addresses: Uint32Array;
  /** Squared Euclidean distances, see `distanceTolerance`. */
  readonly distances: Float32Array;
}

/** Some stored rows with their addresses, in no order. */
export interface StoredRows {
  readonly length: number;
  readonly addresses: Uint32Array;
  readonly rows: Int32Array;
  readonly parts: Int32Array;
}

const tableName = 'vectors';
const indexName = 'vector_idx';
const codeBits = 4;

/**
 * Whether vectors are searched as RaBitQ codes (https://arxiv.org/abs/2409.09913) of four bits a dimension, and not as they
 * are. At 100,000 vectors of 384 dimensions that takes half the time and a tenth of the memory, and the ten nearest are among
 * the sixteen that it takes for the nearest. LanceDB makes codes only for multiples of eight dimensions, and up to version
 * 0.33 its sums overflow above 1,024 (https://github.com/lance-format/lance/pull/8842).
 */
function hasCodes(dimensions: number): boolean {
  return dimensions % 8 === 0 && dimensions <= 1024;
}

/** How far a distance may be off. Of codes it is some 0.02 at 384 dimensions, seldom 0.03, and grows as dimensions are fewer. */
export function distanceTolerance(dimensions: number): number {
  return hasCodes(dimensions) ? 2 / Math.sqrt(dimensions) : 1e-3;
}

/** One table of vectors on disk with an IVF index: filled once, trained once, then only read. */
export class LanceTable {
  readonly #library: LanceLibrary;
  readonly #dimensions: number;
  readonly #connection: Connection;
  readonly #table: Table;

  private constructor(library: LanceLibrary, dimensions: number, connection: Connection, table: Table) {
    this.#library = library;
    this.#dimensions = dimensions;
    this.#connection = connection;
    this.#table = table;
  }

  static async create(library: LanceLibrary, folder: string, dimensions: number): Promise<LanceTable> {
    const connection = await connect(library, folder);
    const table = await connection.createEmptyTable(tableName, schemaOf(library, dimensions));
    return new LanceTable(library, dimensions, connection, table);
  }

  static async open(library: LanceLibrary, folder: string, dimensions: number): Promise<LanceTable> {
    const connection = await connect(library, folder);
    const table = await connection.openTable(tableName);
    await withProcessorToSpare(() => table.prewarmIndex(indexName));
    return new LanceTable(library, dimensions, connection, table);
  }

  /** Adds vectors that lie one after another in `vectors`, as one Arrow batch. */
  async add(rows: Int32Array, parts: Int32Array, vectors: Float32Array): Promise<void> {
    const { makeData, Float32, Int32, RecordBatch, Struct, Table } = this.#library.arrow;
    const schema = schemaOf(this.#library, this.#dimensions);
    const length = rows.length;
    const children = [
      makeData({ type: new Int32(), data: rows }),
      makeData({ type: new Int32(), data: parts }),
      makeData({
        type: schema.fields[2]?.type,
        length,
        nullCount: 0,
        child: makeData({ type: new Float32(), data: vectors }),
      }),
    ];
    const batch = new RecordBatch(
      schema,
      makeData({ type: new Struct(schema.fields), length, nullCount: 0, children }),
    );
    await this.#table.add(new Table(schema, [batch]));
  }

  /** Builds the index. It cannot be interrupted. */
  async train(partitions: number): Promise<void> {
    const { Index } = this.#library.lancedb;
    const common = { numPartitions: partitions, distanceType: 'l2' } as const;
    const config = hasCodes(this.#dimensions) ? Index.ivfRq({ ...common, numBits: codeBits }) : Index.ivfFlat(common);
    await withProcessorToSpare(() => this.#table.createIndex('vector', { config }));
  }

  /**
   * The nearest vectors of the `probes` partitions nearest to the query. It asks for addresses and no column: taking a column
   * costs half as much again as the search.
   */
  async nearest(query: Float32Array, limit: number, probes: number): Promise<Nearest> {
    const search = this.#table
      .query()
      .nearestTo(query)
      .distanceType('l2')
      .select(['_rowid', '_distance'])
      .nprobes(probes)
      .limit(limit);
    const addresses = new Uint32Array(2 * limit);
    const distances = new Float32Array(limit);
    let length = 0;
    for await (const batch of search) {
      addresses.set(asPairs(batch.getChild('_rowid')?.toArray()), 2 * length);
      distances.set(batch.getChild('_distance')?.toArray(), length);
      length += batch.numRows;
    }
    return { length, addresses, distances };
  }

  async *stored(): AsyncIterable<StoredRows> {
    for await (const batch of this.#table.query().select(['_rowid', 'row', 'part'])) {
      yield {
        length: batch.numRows,
        addresses: asPairs(batch.getChild('_rowid')?.toArray()),
        rows: batch.getChild('row')?.toArray(),
        parts: batch.getChild('part')?.toArray(),
      };
    }
  }

  close(): void {
    this.#table.close();
    this.#connection.close();
  }
}

async function connect(library: LanceLibrary, folder: string): Promise<Connection> {
  // LanceDB takes some relative paths for addresses of its cloud.
  if (!isAbsolute(folder)) throw new RangeError(`A LanceDB folder must be an absolute path: ${folder}`);
  return withUsualFolder(() => library.lancedb.connect(folder));
}

function schemaOf({ arrow }: LanceLibrary, dimensions: number): Schema {
  const { Field, FixedSizeList, Float32, Int32, Schema } = arrow;
  return new Schema([
    new Field('row', new Int32(), false),
    new Field('part', new Int32(), false),
    new Field('vector', new FixedSizeList(dimensions, new Field('item', new Float32(), true)), false),
  ]);
}

/** 64-bit addresses, least significant half first: the byte order of every machine that LanceDB runs on. */
function asPairs(addresses: BigUint64Array): Uint32Array {
  return new Uint32Array(addresses.buffer, addresses.byteOffset, 2 * addresses.length);
}
