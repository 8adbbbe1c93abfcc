import { join } from 'node:path';
import Database from 'better-sqlite3';
import { scopeOf, tagSetOf } from '../shared/scopes';
import { dimensions } from '../shared/vectors';
import { loadPeer, PeerUnavailable, type SearchPeer } from './peer';

/** What a reader sees: a tenant, a team in it, a project in that, and there a set of access tags. */
export interface VisiblePart {
  /** The tenants up to this number, this one excluded. */
  readonly tenants: number;
  readonly team?: number;
  readonly project?: number;
  readonly tagSet?: number;
}

/** How the table stores what a search is filtered by: metadata columns, or partition keys. */
export type ScopeColumns = 'columns' | 'partitions';

const names = ['tenant', 'team', 'project', 'tag_set'] as const;

/** A table of numbered vectors, with columns for the scope of each. */
export class SqliteVec {
  readonly #database: Database.Database;

  /** @throws PeerUnavailable */
  constructor(folder: string, vectors: readonly Float32Array[], columns: ScopeColumns | 'unfiltered') {
    const { getLoadablePath } = loadPeer<{ getLoadablePath(): string }>('sqlite-vec');
    this.#database = new Database(join(folder, `sqlite-vec ${columns}.sqlite`));
    try {
      this.#database.loadExtension(getLoadablePath());
    } catch (error) {
      this.#database.close();
      throw new PeerUnavailable(`sqlite-vec cannot be loaded: ${(error as Error).message}`);
    }
    this.#create(columns);
    const scoped = columns !== 'unfiltered';
    const places = Array.from({ length: 2 + (scoped ? names.length : 0) }, () => '?').join(', ');
    const insert = this.#database.prepare(
      `insert into vectors (rowid, embedding${scoped ? `, ${names.join(', ')}` : ''}) values (${places})`,
    );
    this.#database.transaction(() => {
      for (const [number, vector] of vectors.entries()) {
        const scope = scoped ? numbersOf(number).map(BigInt) : [];
        insert.run(BigInt(number), bytesOf(vector), ...scope);
      }
    })();
  }

  /** Prepares the search for the ten nearest vectors of a part, or of all. */
  nearestIn(part?: VisiblePart): (question: Uint8Array) => number[] {
    const conditions = part === undefined ? [] : conditionsOf(part);
    const where = ['embedding match ?', 'k = 10', ...conditions].join(' and ');
    const search = this.#database.prepare(`select rowid from vectors where ${where}`).pluck();
    return (question) => search.all(question) as number[];
  }

  close(): void {
    this.#database.close();
  }

  #create(columns: ScopeColumns | 'unfiltered'): void {
    const kind = columns === 'partitions' ? ' integer partition key' : ' integer';
    const scope = columns === 'unfiltered' ? '' : `, ${names.map((name) => name + kind).join(', ')}`;
    // Each partition takes at least one chunk, and most partitions have 20 vectors.
    const chunks = columns === 'partitions' ? ', chunk_size = 64' : '';
    this.#database.exec(`create virtual table vectors using vec0(embedding float[${dimensions}]${scope}${chunks})`);
  }
}

export function bytesOf(vector: Float32Array): Uint8Array {
  return new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
}

function conditionsOf({ tenants, team, project, tagSet }: VisiblePart): string[] {
  return [
    tenants === 1 ? 'tenant = 0' : `tenant < ${tenants}`,
    ...(team === undefined ? [] : [`team = ${team}`]),
    ...(project === undefined ? [] : [`project = ${project}`]),
    ...(tagSet === undefined ? [] : [`tag_set = ${tagSet}`]),
  ];
}

function numbersOf(ticket: number): number[] {
  const digits = scopeOf(ticket).namespace.map((label) => Number(label.split('-')[1]));
  return [...digits, tagSetOf(ticket)];
}

/** sqlite-vec over all vectors. */
export const sqliteVec: SearchPeer = {
  name: 'sqlite-vec',
  mostMemories: Number.POSITIVE_INFINITY,
  questions: 100,
  async fill({ vectors }, folder) {
    const table = new SqliteVec(folder, vectors, 'unfiltered');
    const search = table.nearestIn();
    return {
      prepare: (question) => {
        const bytes = bytesOf(question);
        return () => search(bytes);
      },
      close: () => table.close(),
    };
  },
};
