import { crc32c } from '../../domain/crc32c';
import type { Configuration } from '../core/configuration';
import { isCounter } from '../core/invariants';
import type { Snapshot } from '../core/messages';
import type { StorageFolder } from './storage-files';

/** How many snapshots are kept. The one before the newest may still be on its way to another node. */
const maxSnapshots = 2;
const checksumLength = 8;

/** A file that describes a snapshot. */
export interface SnapshotRecord {
  readonly name: string;
  readonly index: number;
  readonly term: number;
  /** Undefined if the file is damaged. */
  readonly snapshot: Snapshot | undefined;
}

/** Reads what is known about the snapshots in a folder, newest first. Other files in the folder, such as those of the state, are left alone. */
export function readSnapshotRecords(folder: StorageFolder): readonly SnapshotRecord[] {
  const records = folder.names().flatMap((name): readonly SnapshotRecord[] => {
    const [, index, term] = /^(\d{1,16})-(\d{1,16})\.snapshot$/.exec(name) ?? [];
    if (index === undefined || term === undefined) return [];
    const decoded = decodeSnapshot(folder.read(name));
    const isSame = decoded?.index === Number(index) && decoded.term === Number(term);
    return [{ name, index: Number(index), term: Number(term), snapshot: isSame ? decoded : undefined }];
  });
  return [...records].sort((a, b) => b.index - a.index || b.term - a.term);
}

/** Stores what is known about a snapshot. It is durable when the promise resolves. */
export async function storeSnapshotRecord(folder: StorageFolder, snapshot: Snapshot): Promise<void> {
  const { index, term } = snapshot;
  await folder.replace(`${index}-${term}.snapshot`, encodeSnapshot(snapshot));
}

/** Removes the records of old snapshots, and damaged ones that nobody needs. The newest record must be intact. */
export function removeOldRecords(folder: StorageFolder): void {
  const records = readSnapshotRecords(folder);
  const kept = records.filter(({ snapshot }) => snapshot !== undefined).slice(0, maxSnapshots);
  for (const record of records) if (!kept.includes(record)) folder.remove(record.name);
}

function encodeSnapshot({ index, term, configuration, data }: Snapshot): Uint8Array {
  const content = JSON.stringify({ index, term, configuration, data: Buffer.from(data).toString('base64') });
  return Buffer.from(`${checksumOf(content)}\n${content}\n`);
}

function decodeSnapshot(bytes: Buffer): Snapshot | undefined {
  const text = bytes.toString();
  const content = text.slice(checksumLength + 1, -1);
  if (text !== `${checksumOf(content)}\n${content}\n`) return undefined;
  // What has the checksum was written by `encodeSnapshot`.
  const { index, term, configuration, data } = JSON.parse(content) as {
    readonly index: number;
    readonly term: number;
    readonly configuration: Configuration;
    readonly data: string;
  };
  if (!isCounter(index) || !isCounter(term)) return undefined;
  return { index, term, configuration, data: new Uint8Array(Buffer.from(data, 'base64')) };
}

function checksumOf(content: string): string {
  return crc32c(Buffer.from(content)).toString(16).padStart(checksumLength, '0');
}
