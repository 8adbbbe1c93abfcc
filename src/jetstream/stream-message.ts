import { crc32c } from '../domain/crc32c';
import { ByteReader, damagedEntry, newerEntry } from '../log/codec/byte-reader';
import { ByteWriter } from '../log/codec/byte-writer';

/**
 * What a message of the stream is.
 *
 * - `found` The first message. It names the log and contains the secret that all stores on it share.
 * - `frame` Commands, or a part of them.
 * - `start` A process has opened its store. If the store is no member yet, it becomes one.
 * - `remove` A store is no member any more.
 * - `lease` A process may read from its own state for a while.
 * - `read` Nothing. A read waits for it, because everything that was acknowledged before stands before it.
 */
export type MessageKind = (typeof kinds)[number];

/** A message of the stream. Each is one entry of the log, and its number in the stream is the index of the entry. */
export interface StreamMessage {
  readonly kind: MessageKind;
  /** The id of the log: 32 hexadecimal digits. A stream that was deleted and made again has another one. */
  readonly cluster: string;
  /** Which store has sent it, and in which of its starts. */
  readonly node: number;
  readonly start: number;
  /** Counts the messages of this kind of one start. */
  readonly number: number;
  /** A body that is too long for one message is in several, which follow each other. From 1. */
  readonly part: number;
  readonly parts: number;
  readonly body: Uint8Array;
}

const kinds = ['found', 'frame', 'start', 'remove', 'lease', 'read'] as const;
const magic = Buffer.from('MAMS', 'latin1');
const version = 1;
const clusterBytes = 16;
const checksumBytes = 4;
const minBytes = magic.length + 1 + checksumBytes;

/** A message has at most this many bytes. Servers accept a mebibyte by default. */
export const maxMessageBytes = 512 * 1_024;
// Magic, version, kind, cluster, three numbers, two counts and the checksum.
const maxOverheadBytes = 4 + 1 + 1 + clusterBytes + 3 * 8 + 2 * 5 + checksumBytes;
const maxBodyBytes = maxMessageBytes - maxOverheadBytes;

/** Converts a message to bytes. */
export function encodeMessage({ kind, cluster, node, start, number, part, parts, body }: StreamMessage): Uint8Array {
  const to = new ByteWriter(maxMessageBytes, body.length + maxOverheadBytes);
  to.raw(magic);
  to.byte(version);
  to.byte(kinds.indexOf(kind));
  to.raw(Buffer.from(cluster, 'hex'));
  for (const value of [node, start, number]) to.number(value);
  to.count(part);
  to.count(parts);
  to.raw(body);
  to.uint32(crc32c(to.written()));
  return to.written();
}

/**
 * Converts the bytes of a message back. Any bytes may be passed.
 *
 * @throws RECORD_DAMAGED, STORE_NEWER if a newer release has written the message
 */
export function decodeMessage(bytes: Uint8Array): StreamMessage {
  if (bytes.length < minBytes) throw damagedEntry('it ends too early');
  if (!magic.every((byte, i) => bytes[i] === byte)) throw damagedEntry('it is no message of this library');
  const end = bytes.length - checksumBytes;
  if (checksumOf(bytes) !== crc32c(bytes.subarray(0, end))) throw damagedEntry('its checksum is wrong');
  const found = bytes[magic.length];
  if (found !== version) throw newerEntry(`version ${found}`);
  const from = new ByteReader(bytes.subarray(magic.length + 1, end));
  const kindNumber = from.byte();
  const kind = kinds[kindNumber];
  if (kind === undefined) throw newerEntry(`the kind ${kindNumber}`);
  const cluster = from.hex(clusterBytes);
  const [node, start, number] = [from.number(), from.number(), from.number()];
  const [part, parts] = [from.count(), from.count()];
  if (part < 1 || part > parts) throw damagedEntry('it has no valid number of a part');
  const headBytes = 1 + clusterBytes + 3 * 8 + countBytes(part) + countBytes(parts);
  const body = bytes.subarray(magic.length + 1 + headBytes, end);
  return { kind, cluster, node, start, number, part, parts, body };
}

/** The checksum at the end of a message. Two messages with the same checksum are taken for the same message. */
export function checksumOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(bytes.length - checksumBytes, true);
}

/** Divides a body into parts that fit into a message: at least one. */
export function partsOf(body: Uint8Array, maxBytes = maxBodyBytes): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at === 0 || at < body.length; at += maxBytes) parts.push(body.subarray(at, at + maxBytes));
  return parts;
}

function countBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest > 127; rest >>>= 7) bytes++;
  return bytes;
}
