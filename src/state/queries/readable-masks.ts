import type { Database } from 'better-sqlite3';
import type { ReadableLabelSets } from '../../access/compile';
import { maskFunctions, type Selected } from './selection-sql';

/** Lends the masks of readable scopes to SQLite while a query runs. Queries run one at a time, and to their end. */
export class ReadableMasks {
  #readable: Uint8Array | undefined;
  #known: Uint8Array | undefined;

  constructor(database: Database) {
    const options = { directOnly: true };
    database.function(maskFunctions.memories, options, (scope) => Number(this.#readable?.[scope as number] === 1));
    database.function(maskFunctions.linked, options, (scope) => Number(this.#known?.[scope as number] === 1));
  }

  /** Runs a query of what somebody may read. */
  lend<T>(readable: ReadableLabelSets, { known }: Selected, query: () => T): T {
    this.#readable = readable.mask;
    this.#known = known.readable.mask;
    try {
      return query();
    } finally {
      this.#readable = undefined;
      this.#known = undefined;
    }
  }
}
