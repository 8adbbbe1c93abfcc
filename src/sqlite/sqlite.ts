import type { Database, Transaction } from 'better-sqlite3';
import { type Compilable, DummyDriver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely';
import { MemoryError } from '../domain/errors';
import { isError, isErrorNamed } from '../domain/realms';
import { fromFileSystem } from './file-errors';

/** Configures a database so that a commit is on disk when it returns, and deleted bytes are overwritten. */
export function configure(database: Database): void {
  database.pragma('journal_mode = WAL');
  // The default in WAL mode is NORMAL, which can lose acknowledged commits when the power fails.
  database.pragma('synchronous = FULL');
  database.pragma('secure_delete = ON');
  database.pragma('cache_size = -65536');
  database.pragma('temp_store = MEMORY');
}

/**
 * Returns whether an error comes from SQLite. In Jest the class of the error can be a different one, because the native part of
 * SQLite makes errors of the realm (a separate set of JavaScript globals) that loaded it first.
 */
export function isSqliteError(error: unknown): error is Error & { readonly code: string } {
  return isErrorNamed(error, 'SqliteError') && typeof error.code === 'string';
}

/**
 * Converts an error from SQLite or from the file system to a MemoryError. Returns any other error unchanged.
 *
 * @param path The file that could not be opened, for the message.
 */
export function fromSqlite(error: unknown, path = 'The database file'): unknown {
  if (isErrorNamed(error, 'TypeError') && error.message === 'The database connection is not open') {
    return new MemoryError('STORE_CLOSED', 'The store was closed during this call. Open it again.', {
      cause: error,
    });
  }
  if (isFull(error)) return diskFull(error);
  if (!isSqliteError(error)) return fromFileSystem(error);
  const { code } = error;
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB') {
    const message =
      'The part of the database file that this call reads is damaged. Restore the folder from a backup; verify() lists what is affected.';
    return new MemoryError('RECORD_DAMAGED', message, { cause: error });
  }
  if (/^SQLITE_(BUSY|LOCKED|PROTOCOL)/.test(code)) {
    const message = `Another program locks the database (${code}). Nothing of this call was written. Close that program, or try again later.`;
    return new MemoryError('STORE_BUSY', message, { cause: error });
  }
  if (code.startsWith('SQLITE_IOERR')) {
    const message = `The database file could not be read or written (${code}). Check the disk, then try again.`;
    return new MemoryError('RECORD_DAMAGED', message, { cause: error, retryable: true });
  }
  if (code.startsWith('SQLITE_CANTOPEN') || code.startsWith('SQLITE_READONLY')) {
    const issue = {
      path: ['folder'],
      message: `expected a folder with a database file that can be opened, got ${code}.`,
    };
    const message = `${path} cannot be opened (${code}). Check the path and its permissions.`;
    return new MemoryError('INVALID_INPUT', message, { cause: error, issues: [issue] });
  }
  return error;
}

const fullCodes: ReadonlySet<unknown> = new Set([
  ...['SQLITE_FULL', 'SQLITE_IOERR_WRITE', 'SQLITE_IOERR_FSYNC', 'SQLITE_IOERR_SHMSIZE'],
  ...['ENOSPC', 'EDQUOT'],
]);

/** Returns whether SQLite or the file system reports that the disk is full. */
function isFull(error: unknown): boolean {
  return isError(error) && fullCodes.has(error.code);
}

function diskFull(cause: unknown): MemoryError {
  const message =
    'The disk is full. Nothing of this write was stored; every earlier write is safe. Free some space, then write again.';
  return new MemoryError('DISK_FULL', message, { cause });
}

/**
 * How long SQLite itself waits for a lock, in milliseconds. It blocks the event loop meanwhile, so that it only covers the short locks of
 * other connections of the library. Longer waits are made by `whileBusy`.
 */
export const lockTimeoutMs = 10;
/** The same for a connection that other processes share with this one: they hold the lock for a few milliseconds. */
export const sharedLockTimeoutMs = 40;

/** Runs a function that uses the database, and converts its errors to MemoryErrors. */
export function translated<T>(run: () => T, path?: string): T {
  try {
    return run();
  } catch (error) {
    throw fromSqlite(error, path);
  }
}

const transactions = new WeakMap<Database, Transaction<(run: () => unknown) => unknown>>();

/**
 * Runs a function in a transaction, or in a savepoint of the transaction that runs. The driver makes four functions from each function that
 * becomes a transaction, which takes longer than reading a record, so all transactions of a database share them.
 *
 * @param begin 'immediate' takes the lock for writing at once.
 */
export function inTransaction<T>(database: Database, run: () => T, begin: 'deferred' | 'immediate' = 'deferred'): T {
  let transaction = transactions.get(database);
  if (transaction === undefined) {
    transaction = database.transaction((each: () => unknown) => each());
    transactions.set(database, transaction);
  }
  return transaction[begin](run) as T;
}

/**
 * Makes a builder for queries on these tables. It never runs queries, because the driver of Kysely would take a turn of the event
 * loop for each.
 */
export function queriesOver<Tables>(): Kysely<Tables> {
  return new Kysely<Tables>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (database) => new SqliteIntrospector(database),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  });
}

class Parameter {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** A prepared query with named parameters. */
export interface Statement<P, R> {
  run(parameters: P): void;
  get(parameters: P): R | undefined;
  all(parameters: P): R[];
  iterate(parameters: P): IterableIterator<R>;
}

/**
 * Compiles a query once, for any number of runs. `build` receives a function that makes a named parameter:
 * `prepare(db, (p) => queries.selectFrom('memories').selectAll().where('id', '=', p('id')))`.
 */
export function prepare<P, R>(
  database: Database,
  build: (parameter: <N extends keyof P & string>(name: N) => P[N]) => Compilable<R>,
): Statement<P, R> {
  const { statement, bind } = prepared(database, build);
  return {
    // Apart, because the driver would read each value of an array through the interface of V8.
    run: (values) => void statement.run(...bind(values)),
    get: (values) => statement.get(bind(values)) as R | undefined,
    all: (values) => statement.all(bind(values)) as R[],
    iterate: (values) => statement.iterate(bind(values)) as IterableIterator<R>,
  };
}

/** Like `prepare`, for a query of many rows: each is a list of values in the order of the columns, which is faster than an object. */
export function prepareLists<P, R extends readonly unknown[]>(
  database: Database,
  build: (parameter: <N extends keyof P & string>(name: N) => P[N]) => Compilable<unknown>,
): { get(parameters: P): R | undefined; all(parameters: P): R[]; iterate(parameters: P): IterableIterator<R> } {
  const { statement, bind } = prepared(database, build);
  statement.raw();
  return {
    get: (values) => statement.get(bind(values)) as R | undefined,
    all: (values) => statement.all(bind(values)) as R[],
    iterate: (values) => statement.iterate(bind(values)) as IterableIterator<R>,
  };
}

function prepared<P>(
  database: Database,
  build: (parameter: <N extends keyof P & string>(name: N) => P[N]) => Compilable<unknown>,
) {
  const { sql, parameters } = build((name) => new Parameter(name) as never).compile();
  const statement = database.prepare(sql);
  const names = parameters.map((bound) => (bound instanceof Parameter ? bound.name : undefined));
  // A loop over names takes a third of the time of a `map` over parameters, and a write binds 60 values.
  const bind = (values: P) => {
    const bound: unknown[] = [];
    for (let i = 0; i < names.length; i++) {
      const name = names[i];
      bound.push(name === undefined ? parameters[i] : (values as Record<string, unknown>)[name]);
    }
    return bound;
  };
  return { statement, bind };
}
