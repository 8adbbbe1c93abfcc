import type { Database } from 'better-sqlite3';
import { MemoryError } from '../../domain/errors';
import { prepare, translated } from '../../sqlite/sqlite';
import type { Checksum } from './checksum';
import { queries, type Tables } from './schema';

type Row = Tables['receipts'];

/** The latest receipt of each erasure, as JSON. It names nobody. */
export class Receipts {
  readonly #checksum: Checksum;
  readonly #statements;

  constructor(database: Database, checksum: Checksum) {
    this.#checksum = checksum;
    this.#statements = prepareAll(database);
  }

  /** @throws RECORD_DAMAGED */
  byErasure(erasure: string): string | undefined {
    const row = translated(() => this.#statements.byErasure.get({ erasure }));
    return row && this.#intact(row);
  }

  /**
   * All receipts, in the order in which their erasures began.
   *
   * @throws RECORD_DAMAGED
   */
  all(): string[] {
    return translated(() => this.#statements.all.all({})).map((row) => this.#intact(row));
  }

  get count(): number {
    return this.#statements.count.get({})?.receipts ?? 0;
  }

  /** Keeps a receipt, in the place of an earlier one of the same erasure. Only `apply` calls this. */
  put(erasure: string, receipt: string): void {
    const number = this.#statements.byErasure.get({ erasure })?.number ?? this.count + 1;
    const row = { erasure, number, receipt };
    this.#statements.put.run({ ...row, checksum: this.#checksumOf(row) });
  }

  #intact(row: Row): string {
    if (row.checksum === this.#checksumOf(row)) return row.receipt;
    const message = `The receipt of the erasure ${row.erasure} is damaged: it does not match its checksum. Restore the folder from a backup.`;
    throw new MemoryError('RECORD_DAMAGED', message);
  }

  #checksumOf({ erasure, number, receipt }: Omit<Row, 'checksum'>): string {
    return this.#checksum.ofText(JSON.stringify(['receipt', erasure, number, receipt]));
  }
}

function prepareAll(database: Database) {
  return {
    byErasure: prepare<{ erasure: string }, Row>(database, (p) =>
      queries.selectFrom('receipts').selectAll().where('erasure', '=', p('erasure')),
    ),
    all: prepare<object, Row>(database, () => queries.selectFrom('receipts').selectAll().orderBy('number')),
    count: prepare<object, { receipts: number }>(database, () =>
      queries.selectFrom('receipts').select(({ fn }) => fn.countAll<number>().as('receipts')),
    ),
    put: prepare<Row, unknown>(database, (p) =>
      queries
        .replaceInto('receipts')
        .values({ erasure: p('erasure'), number: p('number'), receipt: p('receipt'), checksum: p('checksum') }),
    ),
  };
}
