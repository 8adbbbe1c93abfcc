import { type FileHandle, open } from 'node:fs/promises';
import { ByteReader } from '../../log/codec/byte-reader';
import { bytes, flag, list, number, struct } from '../../log/codec/fields';
import type { InstallSnapshot } from '../core/messages';
import { decoded, nextFrame } from './handshake';
import { messageBytes, readMessage, writeMessage } from './message-codec';
import type { TransportReceiver } from './raft-transport';
import { chunkDigests, completePart, digestBytes, openPart, readChunk, sha256, writeChunk } from './snapshot-files';
import type { Wire } from './wire';
import { frameType, WireError, wireFrame } from './wire-frames';

interface Offer {
  readonly message: Uint8Array;
  readonly size: number;
  readonly chunkBytes: number;
}

interface Owned {
  readonly isWanted: boolean;
  /** The digests of the chunks that an earlier transfer has left. */
  readonly digests: readonly Uint8Array[];
}

interface Chunk {
  readonly index: number;
  readonly digest: Uint8Array;
  readonly content: Uint8Array;
}

const offer = struct<Offer>({ message: bytes, size: number, chunkBytes: number });
const owned = struct<Owned>({ isWanted: flag, digests: list(bytes) });
const chunk = struct<Chunk>({ index: number, digest: bytes, content: bytes });

const maxChunkBytes = 8 * 2 ** 20;
// The list of digests must fit into a frame.
const maxChunks = 250_000;

/** How a transfer ended. `broken`: the connection ended, and the transfer may be taken up again. */
export type TransferEnd = 'taken' | 'refused' | 'broken';

/** What the sender of a snapshot needs. */
export interface SnapshotTransfer {
  readonly message: InstallSnapshot;
  readonly file: FileHandle;
  readonly size: number;
  readonly chunkBytes: number;
  /** Called before each chunk that is sent, with its length: holds the sender back. */
  pace(length: number): Promise<void>;
  /** Called when the receiver has so many chunks for sure. */
  onProgress(chunks: number): void;
}

/**
 * Sends the file of a snapshot. The receiver first says which chunks it has, as digests, and these are not sent again. So a transfer is
 * resumed even if another node made the file: only equal chunks count.
 */
export async function sendSnapshotFile(wire: Wire, transfer: SnapshotTransfer): Promise<TransferEnd> {
  const { message, file, size, chunkBytes } = transfer;
  try {
    const encodedMessage = wireFrame(0, (to) => writeMessage(to, message), messageBytes(message)).subarray(9);
    wire.send(wireFrame(frameType.offer, (to) => offer.write(to, { message: encodedMessage, size, chunkBytes })));
    const { isWanted, digests } = decoded(owned, await nextFrame(wire, frameType.owned));
    if (!isWanted) return 'refused';
    const all: Uint8Array[] = [];
    for (let at = 0; at < size; at += chunkBytes) {
      const content = await readChunk(file, at, Math.min(chunkBytes, size - at));
      // The file has become shorter: it is not the snapshot any more.
      if (content === undefined) return 'refused';
      const digest = sha256(content);
      const has = digests[all.length];
      if (has === undefined || !digest.equals(has))
        await sendChunk(wire, transfer, { index: all.length, digest, content });
      all.push(digest);
      transfer.onProgress(all.length);
    }
    wire.send(wireFrame(frameType.end, (to) => bytes.write(to, sha256(Buffer.concat(all)))));
    return decoded(flag, await nextFrame(wire, frameType.taken)) ? 'taken' : 'refused';
  } catch (error) {
    if (error instanceof WireError) return 'broken';
    throw error;
  }
}

async function sendChunk(wire: Wire, transfer: SnapshotTransfer, value: Chunk): Promise<void> {
  await transfer.pace(value.content.length);
  await wire.drained();
  if (wire.hasEnded) throw new WireError('the connection has ended');
  wire.send(wireFrame(frameType.chunk, (to) => chunk.write(to, value), value.content.length));
}

/** Opens the file of a snapshot that is to be sent. Undefined if it cannot be read. */
export async function openSnapshot(path: string): Promise<{ file: FileHandle; size: number } | undefined> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r');
    return { file, size: (await file.stat()).size };
  } catch {
    await file?.close();
    return undefined;
  }
}

/** What is accepted of a snapshot that another node offers. */
interface Incoming extends Omit<Offer, 'message'> {
  readonly message: InstallSnapshot;
  readonly path: string;
}

/** Receives snapshots. Two transfers to one path follow each other: the newer one ends the older one. */
export class SnapshotReceiver {
  readonly #receiver: TransportReceiver;
  readonly #running = new Map<string, { readonly wire: Wire; readonly done: Promise<void> }>();

  constructor(receiver: TransportReceiver) {
    this.#receiver = receiver;
  }

  /** Receives one snapshot from a node, and delivers it when it is complete and checked. */
  async take(wire: Wire, from: number): Promise<void> {
    const found = decoded(offer, await nextFrame(wire, frameType.offer));
    const message = readMessage(new ByteReader(found.message));
    const isFor = message.kind === 'snapshot' && message.from === from && message.to === this.#receiver.identity().node;
    if (!isFor || !isPossible(found)) throw new WireError('the offer of a snapshot is wrong');
    const path = this.#receiver.snapshotPath(message);
    if (path === undefined) {
      wire.send(wireFrame(frameType.owned, (to) => owned.write(to, { isWanted: false, digests: [] })));
      return;
    }
    const earlier = this.#running.get(path);
    const done = this.#afterEarlier(earlier, wire, { ...found, message, path });
    const running = { wire, done: done.catch(() => undefined) };
    this.#running.set(path, running);
    try {
      await done;
    } finally {
      if (this.#running.get(path) === running) this.#running.delete(path);
    }
  }

  async #afterEarlier(
    earlier: { readonly wire: Wire; readonly done: Promise<void> } | undefined,
    wire: Wire,
    incoming: Incoming,
  ): Promise<void> {
    earlier?.wire.destroy();
    await earlier?.done;
    const isComplete = await receiveFile(wire, incoming);
    const isTaken = isComplete && (await this.#deliver(incoming));
    wire.send(wireFrame(frameType.taken, (to) => flag.write(to, isTaken)));
  }

  async #deliver({ message, path }: Incoming): Promise<boolean> {
    try {
      await this.#receiver.receiveSnapshot(message, path);
      return true;
    } catch {
      return false;
    }
  }
}

function isPossible({ size, chunkBytes }: Offer): boolean {
  const areIntegers = Number.isSafeInteger(size) && Number.isSafeInteger(chunkBytes);
  return areIntegers && size >= 0 && chunkBytes >= 1 && chunkBytes <= maxChunkBytes && size / chunkBytes <= maxChunks;
}

/** Receives the chunks of a file. Returns whether it is complete and has its final name. */
async function receiveFile(wire: Wire, { size, chunkBytes, path }: Incoming): Promise<boolean> {
  const file = await openPart(path);
  let isClosed = false;
  try {
    const digests = [...(await chunkDigests(file, size, chunkBytes))];
    wire.send(wireFrame(frameType.owned, (to) => owned.write(to, { isWanted: true, digests }), digests.length * 40));
    const expected = await receiveChunks(wire, file, { size, chunkBytes, digests });
    const isWhole = digests.length === Math.ceil(size / chunkBytes);
    if (!isWhole || !sha256(Buffer.concat(digests)).equals(expected)) return false;
    isClosed = true;
    await completePart(file, path, size);
    return true;
  } finally {
    if (!isClosed) await file.close();
  }
}

/** Writes what arrives, and returns the digest of all digests that ends the transfer. */
async function receiveChunks(
  wire: Wire,
  file: FileHandle,
  { size, chunkBytes, digests }: { readonly size: number; readonly chunkBytes: number; readonly digests: Uint8Array[] },
): Promise<Uint8Array> {
  for (let next = 0; ; ) {
    const frame = await wire.receive();
    if (frame === undefined) throw new WireError('the connection has ended');
    if (frame.type === frameType.end) return decoded(bytes, frame.body);
    if (frame.type !== frameType.chunk) throw new WireError('a frame of another type arrived among chunks');
    const { index, digest, content } = decoded(chunk, frame.body);
    const length = Math.min(chunkBytes, size - index * chunkBytes);
    const isNext = Number.isSafeInteger(index) && index >= next && index <= digests.length && length > 0;
    if (!isNext || content.length !== length || digest.length !== digestBytes || !sha256(content).equals(digest))
      throw new WireError('a chunk of a snapshot is wrong');
    await writeChunk(file, index * chunkBytes, content);
    digests[index] = digest;
    next = index + 1;
  }
}
