import { MemoryError } from '../domain/errors';

/** What a snapshot says about its file, so that a node can check a copy that it has received. */
export interface SnapshotManifest {
  readonly bytes: number;
  /** The SHA-256 of each megabyte of the file, in hexadecimal digits. */
  readonly chunks: readonly string[];
  /** The digest of the state at the position of the snapshot. Every node that applied the same log has the same. */
  readonly digest: string;
}

/** The chunks of a snapshot file are this long, except the last one. */
export const chunkBytes = 2 ** 20;

const version = 1;
const sha256 = /^[0-9a-f]{64}$/;

export function encodeManifest({ bytes, chunks, digest }: SnapshotManifest): Uint8Array {
  return Buffer.from(JSON.stringify({ version, bytes, chunks, digest }));
}

/** @throws RECORD_DAMAGED, STORE_NEWER */
export function decodeManifest(data: Uint8Array): SnapshotManifest {
  const parsed = parsedJson(data) as Partial<SnapshotManifest> & { version?: unknown };
  if (typeof parsed.version === 'number' && parsed.version > version) {
    const message = `A newer release has described a snapshot (version ${parsed.version}). Install that release on this node, too.`;
    throw new MemoryError('STORE_NEWER', message);
  }
  const { bytes, chunks, digest } = parsed;
  const isValid =
    parsed.version === version &&
    Number.isSafeInteger(bytes) &&
    Array.isArray(chunks) &&
    chunks.length === Math.ceil((bytes ?? 0) / chunkBytes) &&
    chunks.every((each) => typeof each === 'string' && sha256.test(each)) &&
    typeof digest === 'string';
  if (!isValid) throw new MemoryError('RECORD_DAMAGED', 'The description of a snapshot is damaged.');
  return { bytes: bytes as number, chunks: chunks as string[], digest: digest as string };
}

function parsedJson(data: Uint8Array): object {
  try {
    return Object(JSON.parse(Buffer.from(data).toString()));
  } catch {
    return {};
  }
}
