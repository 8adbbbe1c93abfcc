import fs, { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32c } from '../../domain/crc32c';
import type { Incarnation } from '../../domain/frame';
import type { AppliedMark } from '../../log/shared-log';
import { damagedFile, newerFile } from '../../raft/storage/storage-errors';
import { StorageFolder } from '../../raft/storage/storage-files';

const fileName = 'store.json';
const markName = 'applied.json';
const privateFileMode = 0o600;
const format = 1;
const nodeIdBytes = 6;

export interface SharedLogIdentityOptions {
  /** The folder for the file. It is made if it is not there. */
  readonly folder: string;
  readonly trustFolder: boolean;
  randomBytes(length: number): Uint8Array;
}

/**
 * Says which store a folder holds on its log, and counts this start. Both are on disk before the log hears of them: a start whose number came
 * again could pass for the one before.
 *
 * @throws RECORD_DAMAGED, STORE_NEWER, FILE_FAILED, DISK_FULL
 */
export function nextIncarnation({ folder: path, trustFolder, randomBytes }: SharedLogIdentityOptions): Incarnation {
  const folder = StorageFolder.open(path, { calls: fs, trustFolder, readOnly: false });
  const known = folder.has(fileName) ? incarnationIn(folder) : undefined;
  const next = known ?? { node: newNodeId(randomBytes), start: 0 };
  const incarnation = { node: next.node, start: next.start + 1 };
  const text = JSON.stringify({ format, ...incarnation, checksum: checksumOf(incarnation) });
  folder.replaceNow(fileName, Buffer.from(`${text}\n`));
  return incarnation;
}

/** Reads the mark that the store has kept of its log. Undefined if there is none, or the file is damaged: it only finds less then. */
export function markIn(folder: string): AppliedMark | undefined {
  try {
    const { index, checksum } = Object(JSON.parse(readFileSync(join(folder, markName), 'utf8'))) as AppliedMark;
    return Number.isSafeInteger(index) && Number.isSafeInteger(checksum) ? { index, checksum } : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps a mark. The next one comes soon, so that a failure is left alone. */
export function keepMarkIn(folder: string, { index, checksum }: AppliedMark): void {
  const path = join(folder, markName);
  try {
    writeFileSync(`${path}.new`, JSON.stringify({ index, checksum }), { mode: privateFileMode });
    renameSync(`${path}.new`, path);
  } catch {
    // A full disk stops the entries themselves, and says so.
  }
}

function incarnationIn(folder: StorageFolder): Incarnation {
  const path = folder.pathOf(fileName);
  const content = parsed(folder.read(fileName).toString());
  if (typeof content.format === 'number' && content.format > format) throw newerFile(path);
  const { node, start, checksum } = content as unknown as Incarnation & { readonly checksum: unknown };
  const isValid = content.format === format && Number.isSafeInteger(node) && Number.isSafeInteger(start);
  if (!isValid || checksum !== checksumOf({ node, start })) throw damagedFile(path, 'its checksum is wrong');
  return { node, start };
}

function parsed(text: string): { readonly [key: string]: unknown } {
  try {
    return Object(JSON.parse(text)) as { readonly [key: string]: unknown };
  } catch {
    return {};
  }
}

function checksumOf({ node, start }: Incarnation): number {
  return crc32c(Buffer.from(`${format} ${node} ${start}`));
}

/** Never 0, which stands for no store. */
function newNodeId(randomBytes: (length: number) => Uint8Array): number {
  return Buffer.from(randomBytes(nodeIdBytes)).readUIntBE(0, nodeIdBytes) || 1;
}
