import { isAbsolute } from 'node:path';
import type { Connection, Table } from '@lancedb/lancedb';
import type { Schema } from 'apache-arrow';
import { type LanceLibrary, loadLance } from './lance-library';

/**
 * The vectors that a search found, nearest first. An address is a pair of numbers: the place in a fragment (a file of the table),
 * then the number of the fragment.
 */
export interface NearestVectors {
  readonly length: number;
  readonly addresses: Uint32Array;
  /** Squared Euclidean distances. Their error is at most `distanceTolerance`. */
  readonly distances: Float32Array;
}

/** Some of the stored vectors with their addresses, in any order. */
export interface StoredAddresses {
  readonly length: number;
  readonly addresses: Uint32Array;
  readonly rows: Int32Array;
  readonly chunks: Int32Array;
}

const tableName = 'vectors';
const indexName = 'vector_idx';
const codeBits = 4;

/**
 * Returns whether LanceDB searches compressed vectors, RaBitQ codes (https://arxiv.org/abs/2409.09913) of four bits for each
 * dimension, instead of full vectors. At 100,000 vectors of 384 dimensions, codes take half the time and a tenth of the memory, and
 * the ten nearest vectors are among the sixteen nearest codes. LanceDB makes codes only if the dimensions are a multiple of eight,
 * and up to version 0.33 its sums overflow above 1,024 dimensions (https://github.com/lance-format/lance/pull/8842).
 */
function hasCodes(dimensions: number): boolean {
  return dimensions % 8 === 0 && dimensions <= 1024;
}

/**
 * Returns the largest error of a distance. With codes of 384 dimensions the error is about 0.02 and seldom 0.03. It is larger with
 * fewer dimensions.
 */
export function distanceTolerance(dimensions: number): number {
  return hasCodes(dimensions) ? 2 / Math.sqrt(dimensions) : 1e-3;
}

/**
 * A LanceDB table of vectors with an IVF index, which groups the vectors into partitions. The table is filled once, trained once,
 * and then only read.
 */
export class LanceTable {
  readonly #library: LanceLibrary;
  readonly #dimensions: number;
  readonly #connection: Connection;
  readonly #table: Table;
  /** Ends when LanceDB has read the whole index into memory. A search before that reads what it needs. */
  #warming: Promise<unknown> = Promise.resolve();

  private constructor(library: LanceLibrary, dimensions: number, connection: Connection, table: Table) {
    this.#library = library;
    this.#dimensions = dimensions;
    this.#connection = connection;
    this.#table = table;
  }

  /** @throws LanceUnavailable */
  static async create(folder: string, dimensions: number): Promise<LanceTable> {
    const library = loadLance();
    const connection = await connect(library, folder);
    const table = await connection.createEmptyTable(tableName, schemaOf(library, dimensions));
    return new LanceTable(library, dimensions, connection, table);
  }

  /** @throws LanceUnavailable */
  static async open(folder: string, dimensions: number): Promise<LanceTable> {
    const library = loadLance();
    const connection = await connect(library, folder);
    const table = await connection.openTable(tableName);
    const opened = new LanceTable(library, dimensions, connection, table);
    // A search that cannot read the index reports it.
    opened.#warming = table.prewarmIndex(indexName).catch(() => undefined);
    return opened;
  }

  /** Adds one batch of vectors. `vectors` contains the components of all vectors, one vector after another. */
  async add(rows: Int32Array, chunks: Int32Array, vectors: Float32Array): Promise<void> {
    const { makeData, Float32, Int32, RecordBatch, Struct, Table } = this.#library.arrow;
    const schema = schemaOf(this.#library, this.#dimensions);
    const length = rows.length;
    const children = [
      makeData({ type: new Int32(), data: rows }),
      makeData({ type: new Int32(), data: chunks }),
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

  /** Builds the index. The call cannot be interrupted. */
  async train(partitions: number): Promise<void> {
    const { Index } = this.#library.lancedb;
    const common = { numPartitions: partitions, distanceType: 'l2' } as const;
    const config = hasCodes(this.#dimensions) ? Index.ivfRq({ ...common, numBits: codeBits }) : Index.ivfFlat(common);
    await this.#table.createIndex('vector', { config });
  }

  /**
   * Finds the nearest vectors in the `probes` partitions that are nearest to the query. Selects only row ids and
   * distances: reading a stored column would add half of the search time again.
   */
  async nearest(query: Float32Array, limit: number, probes: number): Promise<NearestVectors> {
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

  /** Reads the addresses of all vectors, in batches. */
  async *stored(): AsyncIterable<StoredAddresses> {
    for await (const batch of this.#table.query().select(['_rowid', 'row', 'chunk'])) {
      yield {
        length: batch.numRows,
        addresses: asPairs(batch.getChild('_rowid')?.toArray()),
        rows: batch.getChild('row')?.toArray(),
        chunks: batch.getChild('chunk')?.toArray(),
      };
    }
  }

  async close(): Promise<void> {
    await this.#warming;
    this.#table.close();
    this.#connection.close();
  }
}

async function connect(library: LanceLibrary, folder: string): Promise<Connection> {
  // LanceDB mistakes some relative paths for addresses of its cloud service.
  if (!isAbsolute(folder))
    throw new RangeError(`Invalid folder of a LanceDB table: expected an absolute path, got ${folder}.`);
  return library.lancedb.connect(folder);
}

function schemaOf({ arrow }: LanceLibrary, dimensions: number): Schema {
  const { Field, FixedSizeList, Float32, Int32, Schema } = arrow;
  return new Schema([
    new Field('row', new Int32(), false),
    new Field('chunk', new Int32(), false),
    new Field('vector', new FixedSizeList(dimensions, new Field('item', new Float32(), true)), false),
  ]);
}

/** Views 64-bit addresses as pairs of 32-bit numbers, the lower half first. LanceDB supports only little-endian platforms. */
function asPairs(addresses: BigUint64Array): Uint32Array {
  return new Uint32Array(addresses.buffer, addresses.byteOffset, 2 * addresses.length);
}
