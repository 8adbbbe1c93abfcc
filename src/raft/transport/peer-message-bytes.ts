import { invalidInput } from '../../domain/errors';
import { ByteReader } from '../../log/codec/byte-reader';
import { ByteWriter } from '../../log/codec/byte-writer';
import type { PeerMessage } from '../core/messages';
import { messageBytes, readMessage, writeMessage } from './message-codec';
import { maxWireBytes, WireError } from './wire-frames';

// What a message has beside its entries.
const spareBytes = 1_024;

/**
 * Encodes a message between nodes of a cluster, for a `RaftTransport` of your own. The same message always gives the same bytes, at most
 * about 8 MB. They have no checksum: the transport must not alter them.
 */
export function encodePeerMessage(message: PeerMessage): Uint8Array {
  const to = new ByteWriter(maxWireBytes, messageBytes(message) + spareBytes);
  writeMessage(to, message);
  return to.written();
}

/**
 * Decodes what `encodePeerMessage` has encoded. Any bytes may be passed. The message may share memory with them.
 *
 * @throws INVALID_INPUT for other bytes
 */
export function decodePeerMessage(bytes: Uint8Array): PeerMessage {
  try {
    return readMessage(new ByteReader(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)));
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw invalidInput(
      [{ path: [], message: 'expected the bytes of a message of this release, got others.' }],
      'message',
    );
  }
}
