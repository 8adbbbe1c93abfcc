import type { Database } from 'better-sqlite3';
import type { ChainTables } from '../../audit/audit-database';
import { prepare, queriesOver, translated } from '../../sqlite/sqlite';
import { textOf } from '../tables/memory-row';
import { queries } from '../tables/schema';
import { maxChunks, maxSpaces, vectorKey } from '../tables/vector-table';

/** Everything that the database has of a memory, in all revisions and embedding spaces. */
export interface StoredContent {
  /** Of all revisions, the latest first. */
  readonly texts: readonly string[];
  /** The user, the session, the key, the source and the tags. */
  readonly names: readonly string[];
  /** JSON, of all revisions. */
  readonly metadata: readonly string[];
  /** As they are stored. */
  readonly vectors: readonly Uint8Array[];
}

const auditQueries = queriesOver<ChainTables>();

interface ContentRow {
  readonly row: number;
  readonly text: string | Buffer | null;
  readonly metadata: string;
  readonly tags: string;
  readonly user_id: string | null;
  readonly session_id: string | null;
  readonly key: string | null;
  readonly source_ref: string | null;
}

/** Reads what is stored of memories as it is, damaged or not. Nobody is shown it: an erasure looks for it where it must not be any more. */
export class StoredContents {
  readonly #statements;

  constructor(database: Database) {
    this.#statements = prepareAll(database);
  }

  /** What is stored of a memory, apart from what is kept for a legal hold. Undefined if no memory has this id. */
  ofId(id: string): StoredContent | undefined {
    return translated(() => {
      const found = this.#statements.byId.get({ id });
      return found && this.#contentOf(found);
    });
  }

  /** What is kept of a memory for a legal hold. */
  withheldOf(row: number): StoredContent {
    return translated(() => contentIn([], this.#statements.withheld.all({ row }), []));
  }

  /** The memories after a row that are not forgotten, without their vectors. */
  liveAfter(row: number, limit: number): { row: number; content: StoredContent }[] {
    return translated(() => {
      const found = this.#statements.live.all({ row, limit });
      const range = { from: found[0]?.row ?? 0, to: found.at(-1)?.row ?? -1 };
      const revisions = new Map<number, { record: string }[]>();
      for (const each of this.#statements.revisionsIn.all(range)) {
        const ofRow = revisions.get(each.row);
        if (ofRow === undefined) revisions.set(each.row, [each]);
        else ofRow.push(each);
      }
      return found.map((each) => ({ row: each.row, content: contentIn([each], revisions.get(each.row) ?? [], []) }));
    });
  }

  /** All vectors of a memory. */
  vectorsOf(row: number): Uint8Array[] {
    return translated(() => this.#vectorsOf(row));
  }

  /** The names that the store has of principals, labels and rules, in the order of their tables. */
  names(): string[] {
    return translated(() => [
      ...this.#statements.actors.all({}).flatMap(({ name, on_behalf_of }) => [name, on_behalf_of]),
      ...this.#statements.labels.all({}).map(({ label }) => label),
      ...this.#statements.auditNames.all({}).flatMap(({ name }) => stringsIn(name)),
      ...this.#statements.declarations.all({}).flatMap(({ declaration }) => stringsIn(declaration)),
    ]);
  }

  #contentOf(found: ContentRow): StoredContent {
    const { row } = found;
    return contentIn([found], this.#statements.revisions.all({ row }), this.#vectorsOf(row));
  }

  #vectorsOf(row: number): Uint8Array[] {
    return this.#statements.spaces.all({ most: maxSpaces }).flatMap(({ id }) => {
      const range = { from: vectorKey(id, row, 0), to: vectorKey(id, row, maxChunks - 1) };
      return this.#statements.vectors.all(range).map(({ vector }) => vector);
    });
  }
}

function contentIn(
  rows: readonly ContentRow[],
  revisions: readonly { record: string }[],
  vectors: readonly Uint8Array[],
): StoredContent {
  const all: Partial<ContentRow>[] = [...rows, ...revisions.map(({ record }) => columnsIn(record)).reverse()];
  const texts = all.flatMap(({ text }) => (text === undefined || text === null ? [] : [textOf(text)]));
  const names = all.flatMap(({ user_id, session_id, key, source_ref, tags }) => [
    ...[user_id, session_id, key, source_ref].filter((each) => typeof each === 'string'),
    ...tagsIn(tags),
  ]);
  const metadata = all.flatMap((each) => (typeof each.metadata === 'string' ? [each.metadata] : []));
  return { texts, names: [...new Set(names)], metadata, vectors };
}

/** The strings in JSON. */
export function stringsIn(json: string): string[] {
  const found: string[] = [];
  const visit = (value: unknown): void => {
    if (typeof value === 'string') found.push(value);
    else if (typeof value === 'object' && value !== null) Object.values(value).forEach(visit);
  };
  visit(parsed(json));
  return found;
}

/** The columns in a line of `revisions` or `withheld`: of a whole row, or those that the next revision has changed. */
function columnsIn(json: string): Partial<ContentRow> {
  const value = parsed(json);
  const row: object = typeof value === 'object' && value !== null ? value : {};
  return 'changed' in row ? Object(row.changed) : row;
}

function tagsIn(json: string | undefined): string[] {
  const value = json === undefined ? [] : parsed(json);
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}

/** Undefined for damaged JSON. */
function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function prepareAll(database: Database) {
  const contents = () =>
    queries
      .selectFrom('memories')
      .leftJoin('texts', 'texts.row', 'memories.row')
      .select(['memories.row', 'texts.text', 'memories.metadata', 'memories.tags'])
      .select(['memories.user_id', 'memories.session_id', 'memories.key', 'memories.source_ref']);
  return {
    byId: prepare<{ id: string }, ContentRow>(database, (p) => contents().where('memories.id', '=', p('id'))),
    live: prepare<{ row: number; limit: number }, ContentRow>(database, (p) =>
      contents()
        .where('memories.row', '>', p('row'))
        .where('memories.state', '<>', 'forgotten')
        .orderBy('memories.row')
        .limit(p('limit')),
    ),
    revisionsIn: prepare<{ from: number; to: number }, { row: number; record: string }>(database, (p) =>
      queries
        .selectFrom('revisions')
        .select(['row', 'record'])
        .where('row', '>=', p('from'))
        .where('row', '<=', p('to'))
        .orderBy('row')
        .orderBy('revision'),
    ),
    revisions: prepare<{ row: number }, { record: string }>(database, (p) =>
      queries.selectFrom('revisions').select('record').where('row', '=', p('row')).orderBy('revision'),
    ),
    actors: prepare<object, { name: string; on_behalf_of: string }>(database, () =>
      queries.selectFrom('actors').select(['name', 'on_behalf_of']),
    ),
    labels: prepare<object, { label: string }>(database, () => queries.selectFrom('namespaces').select('label')),
    auditNames: prepare<object, { name: string }>(database, () =>
      auditQueries.selectFrom('audit_names').select('name'),
    ),
    declarations: prepare<object, { declaration: string }>(database, () =>
      queries.selectFrom('declarations').select('declaration'),
    ),
    withheld: prepare<{ row: number }, { record: string }>(database, (p) =>
      queries.selectFrom('withheld').select('record').where('row', '=', p('row')).orderBy('revision'),
    ),
    spaces: prepare<{ most: number }, { id: number }>(database, (p) =>
      queries.selectFrom('spaces').select('id').where('id', '<=', p('most')).where('role', '<>', 'dropped'),
    ),
    vectors: prepare<{ from: number; to: number }, { vector: Buffer }>(database, (p) =>
      queries.selectFrom('vectors').select('vector').where('key', '>=', p('from')).where('key', '<=', p('to')),
    ),
  };
}
