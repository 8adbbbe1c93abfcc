import type { Database } from 'better-sqlite3';
import { isUint8Array } from '../../domain/realms';
import { prepare, type Statement, translated } from '../../sqlite/sqlite';
import type { StoredVector, VectorSource } from '../../vector-index/vector-index';
import type { Checksum } from './checksum';
import { damaged } from './memory-row';
import { queries } from './schema';

interface VectorRow {
  key: number;
  vector: Buffer;
  checksum: number;
}

/** An embedding space, and how many vectors each row has in this space. */
export interface SpaceChunks {
  space(): number | undefined;
  chunks(): Uint16Array;
}

/** Reads the stored vectors in one embedding space. */
export class VectorTable implements VectorSource {
  readonly #spaceChunks: SpaceChunks;
  readonly #checksum: Checksum;
  readonly #ofRow: Statement<{ from: number; to: number }, VectorRow>;
  readonly #idOf: Statement<{ row: number }, { id: string }>;
  readonly #lastChange: Statement<object, { change_seq: number | null }>;
  readonly #lastOfSpace: Statement<{ space: number }, { change_seq: number }>;
  readonly #change: Statement<{ change_seq: number }, object>;
  readonly #changedSince: Statement<{ change_seq: number; space: number }, { row: number }>;

  constructor(database: Database, checksum: Checksum, spaceChunks: SpaceChunks) {
    this.#spaceChunks = spaceChunks;
    this.#checksum = checksum;
    this.#ofRow = prepare(database, (p) =>
      queries.selectFrom('vectors').selectAll().where('key', '>=', p('from')).where('key', '<=', p('to')),
    );
    this.#idOf = prepare(database, (p) => queries.selectFrom('memories').select('id').where('row', '=', p('row')));
    this.#lastChange = prepare(database, () =>
      queries.selectFrom('changes').select(({ fn }) => fn.max('change_seq').as('change_seq')),
    );
    this.#lastOfSpace = prepare(database, (p) =>
      queries.selectFrom('spaces').select('change_seq').where('id', '=', p('space')),
    );
    this.#change = prepare(database, (p) =>
      queries
        .selectFrom('changes')
        .innerJoin('memories', 'memories.row', 'changes.row')
        .select(['memories.id', 'changes.revision', 'changes.at'])
        .where('changes.change_seq', '<=', p('change_seq'))
        .orderBy('changes.change_seq', 'desc')
        .limit(1),
    );
    this.#changedSince = prepare(database, (p) =>
      queries
        .selectFrom('changes')
        .select('row')
        .where('change_seq', '>', p('change_seq'))
        .union(
          queries
            .selectFrom('embedded')
            .select('row')
            .where('space', '=', p('space'))
            .where('change_seq', '>', p('change_seq')),
        )
        .orderBy('row'),
    );
  }

  *read(rows: ArrayLike<number>): Iterable<StoredVector> {
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i] as number;
      for (const [chunk, vector] of this.ofRow(row).entries()) yield { row, chunk, vector };
    }
  }

  rows(): Uint32Array {
    const chunks = this.#spaceChunks.chunks();
    const rows = new Uint32Array(chunks.length);
    let found = 0;
    for (let row = 0; row < chunks.length; row++) if (chunks[row] !== 0) rows[found++] = row;
    return rows.slice(0, found);
  }

  lastChangeSeq(): number {
    const ofSpace = this.#lastOfSpace.get({ space: this.#spaceChunks.space() ?? 0 })?.change_seq ?? 0;
    return Math.max(this.#lastChange.get({})?.change_seq ?? 0, ofSpace);
  }

  fingerprint(changeSeq: number): string {
    return JSON.stringify(this.#change.get({ change_seq: changeSeq }) ?? null);
  }

  rowsChangedSince(changeSeq: number): Uint32Array {
    const space = this.#spaceChunks.space() ?? 0;
    return Uint32Array.from(this.#changedSince.all({ change_seq: changeSeq, space }), ({ row }) => row);
  }

  /**
   * Reads the vectors of a row, in the order of its chunks.
   *
   * @throws RECORD_DAMAGED if a vector is missing or does not match its checksum
   */
  ofRow(row: number): Float32Array[] {
    const space = this.#spaceChunks.space();
    const chunks = this.#spaceChunks.chunks()[row] ?? 0;
    if (space === undefined || chunks === 0) return [];
    const range = { from: vectorKey(space, row, 0), to: vectorKey(space, row, maxChunks - 1) };
    const stored = translated(() => this.#ofRow.all(range));
    const intact = stored.every(
      ({ key, vector, checksum }, i) =>
        chunkOf(key) === i && isUint8Array(vector) && this.#checksum.ofBytes(vector) === checksum,
    );
    if (!intact || stored.length !== chunks) throw damaged(this.#idOf.get({ row })?.id ?? `in row ${row}`);
    return stored.map(({ vector }) => floats(vector));
  }
}

function floats(bytes: Buffer): Float32Array {
  // A Float32Array must start at a multiple of four bytes. SQLite's buffers may start anywhere.
  const aligned = bytes.byteOffset % Float32Array.BYTES_PER_ELEMENT === 0 ? bytes : Uint8Array.from(bytes);
  return new Float32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / Float32Array.BYTES_PER_ELEMENT);
}

// The key of a vector is one integer that combines space, row and chunk. A table with a longer primary key would need a separate index,
// or would keep vectors in the inner pages of its tree. The space takes 9 bits, the row 32 and the chunk 12. Together these are 53 bits,
// the most that a JavaScript number represents exactly.
const chunksPerRow = 2 ** 12;
const rowsPerSpace = 2 ** 32;
const spaces = 2 ** 9;

/** The maximum number of vectors that a memory can have in one space. */
export const maxChunks = chunksPerRow;

/** The maximum number of spaces that a store can ever have. They are numbered from 1. */
export const maxSpaces = spaces - 1;

/** Computes the key of one vector in the table `vectors`. */
export function vectorKey(space: number, row: number, chunk: number): number {
  if (!(space >= 0 && space < spaces && row >= 0 && row < rowsPerSpace && chunk >= 0 && chunk < chunksPerRow)) {
    throw new RangeError(`No vector key for space ${space}, row ${row}, chunk ${chunk}.`);
  }
  return (space * rowsPerSpace + row) * chunksPerRow + chunk;
}

/** Extracts the chunk from a vector's key. */
export function chunkOf(key: number): number {
  return key % chunksPerRow;
}

/** Extracts the row from a vector's key. */
export function rowOf(key: number): number {
  return Math.floor(key / chunksPerRow) % rowsPerSpace;
}
