import type { Database } from 'better-sqlite3';
import type { ErasureState, StoredErasure } from '../../domain/erasure';
import { MemoryError } from '../../domain/errors';
import { prepare, translated } from '../../sqlite/sqlite';
import type { Checksum } from './checksum';
import { queries, type Tables } from './schema';

type Row = Tables['erasures'];

/** The erasures of a store, and the memories that a legal hold still keeps although one of them has erased them. */
export class Erasures {
  readonly #checksum: Checksum;
  readonly #statements;

  constructor(database: Database, checksum: Checksum) {
    this.#checksum = checksum;
    this.#statements = prepareAll(database);
  }

  /** @throws RECORD_DAMAGED */
  byId(id: string): StoredErasure | undefined {
    const row = this.#statements.byId.get({ id });
    return row && this.#erasureOf(row);
  }

  /**
   * All erasures, in the order of their ids.
   *
   * @throws RECORD_DAMAGED
   */
  all(): StoredErasure[] {
    return translated(() => this.#statements.all.all({})).map((row) => this.#erasureOf(row));
  }

  put({ id, at, subject, reason, erased, finished, namesWait }: StoredErasure): void {
    const row = {
      id,
      at,
      subject: subject === undefined ? null : JSON.stringify([subject.kind, subject.hash, subject.depth]),
      reason: reason ?? null,
      erased,
      finished: finished ?? null,
      names_wait: Number(namesWait),
    };
    this.#statements.put.run({ ...row, checksum: this.#checksumOf(row) });
  }

  /** The number of memories of an erasure that legal holds still keep. */
  waiting(id: string): number {
    return this.#statements.waiting.get({ erasure: id })?.count ?? 0;
  }

  /** The memories of an erasure that legal holds still keep. Without an erasure: those of all. */
  awaited(id?: string): { readonly row: number; readonly id: string; readonly erasure: string }[] {
    const found = translated(() => this.#statements.awaited.all({}));
    return id === undefined ? found : found.filter(({ erasure }) => erasure === id);
  }

  /** Records that a legal hold keeps a memory that an erasure has erased. */
  await(erasure: string, row: number): void {
    this.#statements.await.run({ erasure, row });
  }

  /** Records that nothing of a memory is kept any more. */
  settle(row: number): void {
    this.#statements.settle.run({ row });
  }

  stateOf({ id, finished, namesWait }: StoredErasure): ErasureState {
    if (finished === undefined) return 'running';
    return namesWait || this.waiting(id) > 0 ? 'waiting' : 'complete';
  }

  #erasureOf(row: Row): StoredErasure {
    if (row.checksum !== this.#checksumOf(row)) {
      const message = `The erasure ${row.id} is damaged: it does not match its checksum. Restore the folder from a backup.`;
      throw new MemoryError('RECORD_DAMAGED', message);
    }
    const { id, at, erased, reason, finished } = row;
    const subject = row.subject === null ? undefined : JSON.parse(row.subject);
    return {
      id,
      at,
      erased,
      namesWait: row.names_wait === 1,
      ...(subject === undefined ? {} : { subject: { kind: subject[0], hash: subject[1], depth: subject[2] } }),
      ...(reason === null ? {} : { reason }),
      ...(finished === null ? {} : { finished }),
    };
  }

  #checksumOf({ id, at, subject, reason, erased, finished, names_wait }: Omit<Row, 'checksum'>): string {
    return this.#checksum.ofText(JSON.stringify(['erasure', id, at, subject, reason, erased, finished, names_wait]));
  }
}

function prepareAll(database: Database) {
  return {
    byId: prepare<{ id: string }, Row>(database, (p) =>
      queries.selectFrom('erasures').selectAll().where('id', '=', p('id')),
    ),
    all: prepare<object, Row>(database, () => queries.selectFrom('erasures').selectAll().orderBy('id')),
    put: prepare<Row, unknown>(database, (p) =>
      queries.replaceInto('erasures').values({
        id: p('id'),
        at: p('at'),
        subject: p('subject'),
        reason: p('reason'),
        erased: p('erased'),
        finished: p('finished'),
        names_wait: p('names_wait'),
        checksum: p('checksum'),
      }),
    ),
    waiting: prepare<{ erasure: string }, { count: number }>(database, (p) =>
      queries
        .selectFrom('awaiting_erasure')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .where('erasure', '=', p('erasure')),
    ),
    awaited: prepare<object, { row: number; id: string; erasure: string }>(database, () =>
      queries
        .selectFrom('awaiting_erasure')
        .innerJoin('memories', 'memories.row', 'awaiting_erasure.row')
        .select(['memories.row', 'memories.id', 'awaiting_erasure.erasure'])
        .orderBy('memories.row'),
    ),
    await: prepare<Tables['awaiting_erasure'], unknown>(database, (p) =>
      queries.replaceInto('awaiting_erasure').values({ row: p('row'), erasure: p('erasure') }),
    ),
    settle: prepare<{ row: number }, unknown>(database, (p) =>
      queries.deleteFrom('awaiting_erasure').where('row', '=', p('row')),
    ),
  };
}
