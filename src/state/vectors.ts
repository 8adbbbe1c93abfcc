import type { Database } from 'better-sqlite3';
import { translated } from '../sqlite/errors';
import { prepare, type Statement } from '../sqlite/statement';
import type { StoredVector, VectorTruth } from '../vector-index/vector-index';
import type { Checksum } from './checksum';
import { queries } from './queries';
import { damaged } from './record';
import { maxParts, partOf, vectorKey } from './vector-key';

interface VectorRow {
  key: number;
  vector: Buffer;
  checksum: number;
}

/** An embedding space, and how many vectors each row has there. */
export interface SpaceParts {
  space(): number | undefined;
  parts(): Uint16Array;
}

/** The stored vectors, in one embedding space. */
export class Vectors implements VectorTruth {
  readonly #where: SpaceParts;
  readonly #checksum: Checksum;
  readonly #ofRow: Statement<{ from: number; to: number }, VectorRow>;
  readonly #idOf: Statement<{ row: number }, { id: string }>;
  readonly #lastChange: Statement<object, { entry: number | null }>;
  readonly #lastOfSpace: Statement<{ space: number }, { entry: number }>;
  readonly #change: Statement<{ entry: number }, object>;
  readonly #changedSince: Statement<{ entry: number; space: number }, { row: number }>;

  constructor(database: Database, checksum: Checksum, where: SpaceParts) {
    this.#where = where;
    this.#checksum = checksum;
    this.#ofRow = prepare(database, (p) =>
      queries.selectFrom('vectors').selectAll().where('key', '>=', p('from')).where('key', '<=', p('to')),
    );
    this.#idOf = prepare(database, (p) => queries.selectFrom('memories').select('id').where('row', '=', p('row')));
    this.#lastChange = prepare(database, () =>
      queries.selectFrom('changes').select(({ fn }) => fn.max('entry').as('entry')),
    );
    this.#lastOfSpace = prepare(database, (p) =>
      queries.selectFrom('spaces').select('entry').where('id', '=', p('space')),
    );
    this.#change = prepare(database, (p) =>
      queries
        .selectFrom('changes')
        .innerJoin('memories', 'memories.row', 'changes.row')
        .select(['memories.id', 'changes.revision', 'changes.at'])
        .where('changes.entry', '<=', p('entry'))
        .orderBy('changes.entry', 'desc')
        .limit(1),
    );
    this.#changedSince = prepare(database, (p) =>
      queries
        .selectFrom('changes')
        .select('row')
        .where('entry', '>', p('entry'))
        .union(
          queries.selectFrom('embedded').select('row').where('space', '=', p('space')).where('entry', '>', p('entry')),
        )
        .orderBy('row'),
    );
  }

  *read(rows: ArrayLike<number>): Iterable<StoredVector> {
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i] as number;
      for (const [part, vector] of this.ofRow(row).entries()) yield { row, part, vector };
    }
  }

  rows(): Uint32Array {
    const parts = this.#where.parts();
    return Uint32Array.from(parts.keys()).filter((row) => parts[row] !== 0);
  }

  entry(): number {
    const ofSpace = this.#lastOfSpace.get({ space: this.#where.space() ?? 0 })?.entry ?? 0;
    return Math.max(this.#lastChange.get({})?.entry ?? 0, ofSpace);
  }

  fingerprint(entry: number): string {
    return JSON.stringify(this.#change.get({ entry }) ?? null);
  }

  rowsChangedSince(entry: number): Uint32Array {
    const space = this.#where.space() ?? 0;
    return Uint32Array.from(this.#changedSince.all({ entry, space }), ({ row }) => row);
  }

  /**
   * The vectors of a row, by part.
   *
   * @throws RECORD_DAMAGED where one does not match its checksum.
   */
  ofRow(row: number): Float32Array[] {
    const space = this.#where.space();
    const parts = this.#where.parts()[row] ?? 0;
    if (space === undefined || parts === 0) return [];
    const range = { from: vectorKey(space, row, 0), to: vectorKey(space, row, maxParts - 1) };
    const stored = translated(() => this.#ofRow.all(range));
    const intact = stored.every(
      ({ key, vector, checksum }, i) =>
        partOf(key) === i && vector instanceof Uint8Array && this.#checksum.ofBytes(vector) === checksum,
    );
    if (!intact || stored.length !== parts) throw damaged(this.#idOf.get({ row })?.id ?? `in row ${row}`);
    return stored.map(({ vector }) => floats(vector));
  }
}

function floats(bytes: Buffer): Float32Array {
  // A view of floats must begin at a multiple of four, and SQLite's buffers need not.
  const aligned = bytes.byteOffset % Float32Array.BYTES_PER_ELEMENT === 0 ? bytes : Uint8Array.from(bytes);
  return new Float32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / Float32Array.BYTES_PER_ELEMENT);
}
