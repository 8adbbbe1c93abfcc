import { crc32c } from '../../domain/crc32c';
import { damagedFile, newerFile } from './storage-errors';
import type { StorageFolder } from './storage-files';

export const identityName = 'identity.json';
const format = 1;
const clusterId = /^[0-9a-f]{32}$/;

/** What `identity.json` holds. How often the node was started is in the hard state, which can be stored on a full disk. */
export interface StoredIdentity {
  readonly cluster: string | undefined;
  readonly node: number;
}

/** Whether this is the id of a cluster. */
export function isClusterId(value: string): boolean {
  return clusterId.test(value);
}

/** Writes the file, whole or not at all. */
export function writeIdentity(folder: StorageFolder, identity: StoredIdentity): void {
  const text = `${JSON.stringify({ ...fieldsOf(identity), checksum: checksumOf(identity) }, undefined, 2)}\n`;
  folder.replaceNow(identityName, Buffer.from(text));
}

/**
 * Reads the file.
 *
 * @throws RECORD_DAMAGED, STORE_NEWER, FILE_FAILED
 */
export function readIdentity(folder: StorageFolder): StoredIdentity {
  const path = folder.pathOf(identityName);
  const content = parsed(folder.read(identityName).toString(), path);
  if (typeof content.format === 'number' && content.format > format) throw newerFile(path);
  const identity = { cluster: content.cluster as string | undefined, node: content.node as number };
  const isValid =
    content.format === format &&
    Number.isSafeInteger(identity.node) &&
    (identity.cluster === undefined || (typeof identity.cluster === 'string' && isClusterId(identity.cluster)));
  if (!isValid || content.checksum !== checksumOf(identity)) throw damagedFile(path, 'its checksum is wrong');
  return identity;
}

function parsed(text: string, path: string): { readonly [key: string]: unknown } {
  try {
    const content: unknown = JSON.parse(text);
    if (typeof content === 'object' && content !== null) return content as { readonly [key: string]: unknown };
  } catch {
    // Reported below.
  }
  throw damagedFile(path, 'it is not JSON');
}

function fieldsOf({ cluster, node }: StoredIdentity): object {
  return { format, ...(cluster === undefined ? {} : { cluster }), node };
}

function checksumOf(identity: StoredIdentity): string {
  return crc32c(Buffer.from(JSON.stringify(fieldsOf(identity))))
    .toString(16)
    .padStart(8, '0');
}
