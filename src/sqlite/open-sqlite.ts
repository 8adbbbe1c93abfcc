import BetterSqlite, { type Database, type Options } from 'better-sqlite3';
import { bundleAdvice } from '../domain/bundle-advice';
import { MemoryError } from '../domain/errors';
import { isErrorNamed, messageOf } from '../domain/realms';
import { isSqliteError } from './sqlite';

/**
 * Opens a database: the file at a path, a new database in memory if the path is ':memory:', or an in-memory copy of the content of a
 * file.
 *
 * @throws SQLITE_UNAVAILABLE if better-sqlite3 cannot load its native part; the error of SQLite if the file cannot be opened.
 */
export function openSqlite(path: string | Buffer, options: Options = {}): Database {
  try {
    return new BetterSqlite(path, options);
  } catch (cause) {
    // better-sqlite3 reports a missing folder as a TypeError, before it loads its native part.
    const isAboutFile = isSqliteError(cause) || (isErrorNamed(cause, 'TypeError') && /database/i.test(cause.message));
    throw isAboutFile ? cause : sqliteUnavailable(cause, process.versions);
  }
}

/** Makes the error for a native part of better-sqlite3 that cannot be loaded. It names the remedy for this runtime. */
export function sqliteUnavailable(cause: unknown, versions: Readonly<Record<string, string | undefined>>): MemoryError {
  const { bun, deno, node } = versions;
  const other = deno !== undefined ? `Deno ${deno}` : bun !== undefined ? `Bun ${bun}` : undefined;
  const reason = firstLine(messageOf(cause));
  const message =
    other !== undefined
      ? `The store needs better-sqlite3, whose native part ${other} cannot load. Run this program with Node 20 or later: "node app.js".`
      : `The store needs the native part of better-sqlite3 (better_sqlite3.node), which Node ${node} cannot load: ${reason} ${remedyFor(cause)}`;
  return new MemoryError('SQLITE_UNAVAILABLE', message, { cause });
}

function remedyFor(cause: unknown): string {
  const { code, message } = Object(cause) as { code?: unknown; message?: unknown };
  if (/NODE_MODULE_VERSION/.test(String(message)))
    return 'It was built for another version of Node. Run: npm rebuild better-sqlite3';
  if (code === 'ERR_DLOPEN_FAILED')
    return 'It was built for another system, or a library of the system is missing. Run on this machine: npm rebuild better-sqlite3';
  return (
    'If packages were installed with --ignore-scripts or by a package manager that blocks install scripts, allow better-sqlite3 ' +
    `and run: npm rebuild better-sqlite3. ${bundleAdvice}`
  );
}

/** Returns the first line of a message. The other lines list the paths that were tried. */
function firstLine(message: string): string {
  const line = (message.split('\n')[0] ?? '').replace(/ Tried:$/, '').trim();
  return /[.!?:]$/.test(line) ? line.replace(/:$/, '.') : `${line}.`;
}
