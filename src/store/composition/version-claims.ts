import { version as ownVersion } from '../../../package.json';
import { MemoryError } from '../../domain/errors';
import { processWide } from '../../environment/process-wide';

/** The version of the library that has a folder open in this process. */
interface VersionClaim {
  readonly version: string;
  /** How many engines of this version have the folder open. */
  engines: number;
}

// The key is the real path of the folder. All versions of the library share this map: its name and the form of its values never change.
const claims = processWide('versions with an open folder', () => new Map<string, VersionClaim>());

/**
 * Claims a folder for this version of the library. Call this before anything opens a file of the folder. Each version may come with its own
 * copy of SQLite, and file locks do not protect two copies in one process from each other: the operating system grants both the same
 * lock, and when one copy closes a file, it releases the locks of the other. This also applies to a copy that only reads.
 *
 * @param path The real path of the folder.
 * @returns A function that ends the claim. Call it once, after all files are closed.
 * @throws STORE_HELD if another version in this process has the folder open
 */
export function claimFolder(path: string): () => void {
  const claim = claims.get(path) ?? { version: ownVersion, engines: 0 };
  if (claim.version !== ownVersion) throw heldByVersion(path, claim.version);
  claims.set(path, claim);
  claim.engines++;
  return () => {
    claim.engines--;
    if (claim.engines === 0) claims.delete(path);
  };
}

function heldByVersion(path: string, version: string): MemoryError {
  const message = `The folder ${path} is open in this process in version ${version} of this library, and cannot be opened in version ${ownVersion} too: the two may have separate copies of SQLite, whose locks do not work in one process. Install a single version ("npm ls multi-agent-memory" shows all), or close the store in the other one first. If both have the same protocol version, you can also use MemoryStore.connect(path, { takeOver: true }) in both.`;
  return new MemoryError('STORE_HELD', message, { retryable: true });
}
