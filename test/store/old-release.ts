import BetterSqlite from 'better-sqlite3';
import type { MemoryStore, Metadata, OpenOptions } from 'multi-agent-memory';
import { restoreSchema9 } from './earlier-schema';
import { openFolder, temporaryFolder } from './stores';

/** Makes a folder in which a release with schema version 8 has run `write`. The mock of `names.ts` in the test looks at `release.isOld`. */
export async function oldFolder(
  release: { isOld: boolean },
  write: (store: MemoryStore) => Promise<void>,
  options: OpenOptions<Metadata> = {},
): Promise<string> {
  const folder = await temporaryFolder();
  release.isOld = true;
  try {
    const store = await openFolder<Metadata>(folder, options);
    await write(store);
    await store.close();
  } finally {
    release.isOld = false;
  }
  const database = new BetterSqlite(`${folder}/memory.db`);
  restoreSchema9(database);
  database.exec("delete from store_meta where key = 'name_form'; pragma user_version = 8");
  database.close();
  return folder;
}

/** Runs a script in the database of a closed store. */
export function changeDatabase(folder: string, script: string): void {
  const database = new BetterSqlite(`${folder}/memory.db`);
  database.exec(script);
  database.close();
}
