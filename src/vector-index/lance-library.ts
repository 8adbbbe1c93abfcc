import { createRequire } from 'node:module';
import { messageOf } from '../domain/realms';
import { moduleUrlOf } from '../environment/module-url';

type LanceDb = typeof import('@lancedb/lancedb');
type Arrow = typeof import('apache-arrow');

export interface LanceLibrary {
  readonly lancedb: LanceDb;
  readonly arrow: Arrow;
}

/** LanceDB or its native part is missing or cannot be loaded. */
export class LanceUnavailable extends Error {
  override readonly name = 'LanceUnavailable';
}

// LanceDB reads this variable once, when it is loaded. Without it LanceDB writes warnings about deprecations and empty partitions to
// stderr.
const logVariable = 'LANCEDB_LOG';

/**
 * Loads LanceDB, and the copy of Arrow that LanceDB itself uses. LanceDB converts or rejects tables that were made with another
 * copy.
 *
 * @throws LanceUnavailable
 */
export function loadLance(): LanceLibrary {
  const chosen = process.env[logVariable];
  process.env[logVariable] = chosen ?? 'off';
  try {
    // Uses `require` instead of `import`, because it loads within one turn of the event loop, so no other code sees the changed
    // variable.
    const fromHere = createRequire(moduleUrlOf(import.meta.url));
    const lancedb = fromHere('@lancedb/lancedb') as LanceDb;
    const fromLance = createRequire(fromHere.resolve('@lancedb/lancedb'));
    return { lancedb, arrow: fromLance('apache-arrow') as Arrow };
  } catch (cause) {
    throw new LanceUnavailable(messageOf(cause), { cause });
  } finally {
    if (chosen === undefined) delete process.env[logVariable];
  }
}
