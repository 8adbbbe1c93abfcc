import type { Database } from 'better-sqlite3';
import { type Compilable, DummyDriver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely';

/** Builds queries over tables. It never runs them: Kysely's own driver would cost a turn of the event loop for each. */
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

/** A prepared query, with its parameters by name. */
export interface Statement<P, R> {
  run(parameters: P): void;
  get(parameters: P): R | undefined;
  all(parameters: P): R[];
  iterate(parameters: P): IterableIterator<R>;
}

/**
 * Compiles a query once. `build` is given a function that stands for a parameter: `prepare(db, (p) => queries
 * .selectFrom('memories').selectAll().where('id', '=', p('id')))`.
 */
export function prepare<P, R>(
  database: Database,
  build: (parameter: <N extends keyof P & string>(name: N) => P[N]) => Compilable<R>,
): Statement<P, R> {
  const { sql, parameters } = build((name) => new Parameter(name) as never).compile();
  const statement = database.prepare(sql);
  const bind = (values: P) =>
    parameters.map((bound) => (bound instanceof Parameter ? (values as Record<string, unknown>)[bound.name] : bound));
  return {
    run: (values) => void statement.run(bind(values)),
    get: (values) => statement.get(bind(values)) as R | undefined,
    all: (values) => statement.all(bind(values)) as R[],
    iterate: (values) => statement.iterate(bind(values)) as IterableIterator<R>,
  };
}
