import type { Database } from 'better-sqlite3';
import { Policy } from '../../access/policy';
import type { StoredDeclaration } from '../../domain/declaration';
import { MemoryError } from '../../domain/errors';
import { prepare, type Statement } from '../../sqlite/sqlite';
import type { Checksum } from './checksum';
import { queries, type Tables } from './schema';

type Row = Omit<Tables['declarations'], 'number'>;

/** The stored rules, clearances, roles and groups. A declaration is ended, never deleted. */
export class Declarations {
  readonly #checksum: Checksum;
  readonly #select: Statement<{ ended: number }, Row>;
  readonly #byId: Statement<{ id: string }, { number: number }>;
  readonly #insert: Statement<Row, unknown>;
  readonly #end: Statement<Pick<Row, 'id' | 'until' | 'checksum'>, unknown>;
  readonly #setContent: Statement<Pick<Row, 'id' | 'declaration' | 'checksum'>, unknown>;
  readonly #version: Statement<object, { value: number }>;
  readonly #setVersion: Statement<{ value: number }, unknown>;

  constructor(database: Database, checksum: Checksum) {
    this.#checksum = checksum;
    this.#select = prepare(database, (p) =>
      queries
        .selectFrom('declarations')
        .selectAll()
        .where((is) => is.or([is('until', 'is', null), is(is.val(p('ended')), '=', 1)]))
        .orderBy('number'),
    );
    this.#byId = prepare(database, (p) =>
      queries.selectFrom('declarations').select('number').where('id', '=', p('id')),
    );
    this.#insert = prepare(database, (p) =>
      queries.insertInto('declarations').values({
        id: p('id'),
        declaration: p('declaration'),
        at_open: p('at_open'),
        since: p('since'),
        until: p('until'),
        checksum: p('checksum'),
      }),
    );
    this.#end = prepare(database, (p) =>
      queries
        .updateTable('declarations')
        .set({ until: p('until'), checksum: p('checksum') })
        .where('id', '=', p('id')),
    );
    this.#setContent = prepare(database, (p) =>
      queries
        .updateTable('declarations')
        .set({ declaration: p('declaration'), checksum: p('checksum') })
        .where('id', '=', p('id')),
    );
    this.#version = prepare(
      database,
      () => queries.selectFrom('store_meta').select('value').where('key', '=', 'policy_version') as never,
    );
    this.#setVersion = prepare(database, (p) =>
      queries.replaceInto('store_meta').values({ key: 'policy_version', value: p('value') }),
    );
  }

  /** Checks whether a declaration has, or ever had, this id. */
  isTaken(id: string): boolean {
    return this.#byId.get({ id }) !== undefined;
  }

  /** The version of the policy: the number of changes to it. */
  get version(): number {
    const version = this.#version.get({})?.value ?? 0;
    if (Number.isSafeInteger(version)) return version;
    const message = 'The version of the access rules is damaged. Restore the folder from a backup.';
    throw new MemoryError('RECORD_DAMAGED', message);
  }

  /**
   * Reads the declarations in force.
   *
   * @throws RECORD_DAMAGED if a declaration does not match its checksum. Access must not depend on damaged rules.
   */
  policy(): Policy {
    return Policy.of(this.version, this.all(false));
  }

  /** Reads the declarations in force. If `ended` is true, the result includes those that have ended. */
  all(ended: boolean): StoredDeclaration[] {
    return this.#select.all({ ended: Number(ended) }).map((row) => this.#declarationOf(row));
  }

  /** Adds and ends declarations. Returns the new version of the policy. */
  change(added: readonly StoredDeclaration[], ended: readonly StoredDeclaration[], at: number): number {
    // It throws if the version is damaged, so it comes before the first write.
    const version = this.version + 1;
    for (const each of ended) {
      const { id, until, checksum } = this.#rowOf({ ...each, until: at });
      this.#end.run({ id, until, checksum });
    }
    for (const each of added) this.#insert.run(this.#rowOf(each));
    this.#setVersion.run({ value: version });
    return version;
  }

  /**
   * Converts all declarations, also those that have ended, and ends those that the conversion ends. Returns false if nothing has changed.
   *
   * @throws RECORD_DAMAGED
   */
  replace(convert: (stored: StoredDeclaration) => StoredDeclaration): boolean {
    const version = this.version + 1;
    const changed = this.all(true).flatMap((stored) => {
      const converted = convert(stored);
      return converted === stored ? [] : [this.#rowOf(converted)];
    });
    for (const { id, declaration, until, checksum } of changed) {
      this.#setContent.run({ id, declaration, checksum });
      this.#end.run({ id, until, checksum });
    }
    if (changed.length > 0) this.#setVersion.run({ value: version });
    return changed.length > 0;
  }

  /** Converts the content of all declarations, also of those that have ended. Damaged ones stay as they are. */
  convert(convert: (all: readonly StoredDeclaration[]) => readonly StoredDeclaration[]): void {
    const intact = this.#select.all({ ended: 1 }).flatMap((row) => {
      try {
        return [this.#declarationOf(row)];
      } catch {
        return [];
      }
    });
    const before = new Map(intact.map((each) => [each.id, JSON.stringify(each.declaration)]));
    for (const each of convert(intact)) {
      const { id, declaration, checksum } = this.#rowOf(each);
      if (declaration !== before.get(id)) this.#setContent.run({ id, declaration, checksum });
    }
  }

  #rowOf({ id, declaration, atOpen, since, until }: StoredDeclaration): Row {
    const row = { id, declaration: JSON.stringify(declaration), at_open: Number(atOpen), since, until: until ?? null };
    return { ...row, checksum: this.#checksumOf(row) };
  }

  #declarationOf(row: Row): StoredDeclaration {
    // The first version of the schema had no checksums for declarations.
    if (row.checksum !== null && row.checksum !== this.#checksumOf(row)) throw damaged(row.id);
    const { id, since, until } = row;
    const declaration = JSON.parse(row.declaration);
    return { id, declaration, atOpen: row.at_open === 1, since, ...(until === null ? {} : { until }) };
  }

  #checksumOf({ id, declaration, at_open, since, until }: Omit<Row, 'checksum'>): string {
    return this.#checksum.ofText(JSON.stringify([id, declaration, at_open, since, until]));
  }
}

function damaged(id: string): MemoryError {
  const message = `The access rule ${id} is damaged: it does not match its checksum. Restore the folder from a backup.`;
  return new MemoryError('RECORD_DAMAGED', message);
}
