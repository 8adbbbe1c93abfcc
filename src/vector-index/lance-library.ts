import { createRequire } from 'node:module';

type LanceDb = typeof import('@lancedb/lancedb');
type Arrow = typeof import('apache-arrow');

export interface LanceLibrary {
  readonly lancedb: LanceDb;
  readonly arrow: Arrow;
}

let loading: Promise<LanceLibrary> | undefined;

/** LanceDB with the very instance of Arrow that it uses itself: tables of another instance are converted, or refused. */
export function loadLance(): Promise<LanceLibrary> {
  loading ??= load();
  return loading;
}

// LanceDB reads it once, when it is loaded, and by default writes warnings to stderr, about deprecations and empty partitions.
const logVariable = 'LANCEDB_LOG';

async function load(): Promise<LanceLibrary> {
  const chosen = process.env[logVariable];
  process.env[logVariable] = chosen ?? 'off';
  try {
    const lancedb = await import('@lancedb/lancedb');
    const fromHere = createRequire(import.meta.url);
    const fromLanceDb = createRequire(fromHere.resolve('@lancedb/lancedb'));
    return { lancedb, arrow: fromLanceDb('apache-arrow') as Arrow };
  } finally {
    if (chosen === undefined) delete process.env[logVariable];
  }
}
