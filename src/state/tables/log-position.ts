import type { Database } from 'better-sqlite3';
import type { Incarnation, LogPosition } from '../../domain/frame';
import { prepare } from '../../sqlite/sqlite';
import { queries, type Tables } from './schema';

// Later a store may follow several logs.
const log = 0;

const start: LogPosition = { index: 0, term: 0, digest: '' };

/** How far this peer has applied the log, and which frames of each node are in it. Written in the transaction of each entry. */
export class LogPositions {
  readonly #get;
  readonly #put;
  readonly #session;
  readonly #putSession;

  constructor(database: Database) {
    this.#get = prepare<{ log: number }, Tables['log_position']>(database, (p) =>
      queries.selectFrom('log_position').selectAll().where('log', '=', p('log')),
    );
    this.#put = prepare<Tables['log_position'], unknown>(database, (p) =>
      queries
        .replaceInto('log_position')
        .values({ log: p('log'), entry: p('entry'), term: p('term'), digest: p('digest') }),
    );
    this.#session = prepare<{ log: number; node: number }, Tables['sessions']>(database, (p) =>
      queries.selectFrom('sessions').selectAll().where('log', '=', p('log')).where('node', '=', p('node')),
    );
    this.#putSession = prepare<Tables['sessions'], unknown>(database, (p) =>
      queries
        .replaceInto('sessions')
        .values({ log: p('log'), node: p('node'), start: p('start'), last_frame: p('last_frame') }),
    );
  }

  /** The position of the last entry that was applied. The index is 0 if there was none. */
  get(): LogPosition {
    const found = this.#get.get({ log });
    return found === undefined ? start : { index: found.entry, term: found.term, digest: found.digest };
  }

  put({ index, term, digest }: LogPosition): void {
    this.#put.run({ log, entry: index, term, digest });
  }

  /** The latest incarnation of a node, and the number of its last frame. Undefined if the node has no frame in the log. */
  session(node: number): { readonly start: number; readonly lastFrame: number } | undefined {
    const found = this.#session.get({ log, node });
    return found && { start: found.start, lastFrame: found.last_frame };
  }

  putSession({ node, start }: Incarnation, lastFrame: number): void {
    this.#putSession.run({ log, node, start, last_frame: lastFrame });
  }
}
