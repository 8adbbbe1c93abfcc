import { createCipheriv, createDecipheriv, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';

const keyBytes = 32;
const nonceBytes = 12;
/** The last byte of a nonce says whether its chunk is the last one. Six bytes before it count the chunks. */
const counterBytes = 6;

/** The number of bytes that encryption adds to each chunk. */
export const tagBytes = 16;
export const saltBytes = 32;

/**
 * Encrypts the chunks of one snapshot with AES-256-GCM. The key is derived from the key of the host and a random salt, so that no two snapshots
 * share a key and a nonce may be a counter. The nonce contains the number of the chunk and whether it is the last one, as in the STREAM
 * construction (Hoang, Reyhanitabar, Rogaway and Vizár, 2015): chunks that were left out, repeated or put into another order do not match.
 */
export class SnapshotCipher {
  readonly #key: Uint8Array;
  readonly #header: Uint8Array;
  /** Tells a wrong key from damage. It reveals nothing about the key. */
  readonly check: string;

  /** @param header What every chunk is bound to. */
  constructor(hostKey: Uint8Array, salt: Uint8Array, header: Uint8Array) {
    const derive = (use: string) =>
      new Uint8Array(hkdfSync('sha256', hostKey, salt, `multi-agent-memory snapshot 1 ${use}`, keyBytes));
    this.#key = derive('chunks');
    this.#header = header;
    this.check = createHmac('sha256', derive('check')).update('check').digest('base64url');
  }

  /** Whether a snapshot with this check was made with this key. */
  matches(check: string): boolean {
    const [own, other] = [Buffer.from(this.check), Buffer.from(check)];
    return own.length === other.length && timingSafeEqual(own, other);
  }

  encrypt(chunk: Uint8Array, number: number, isLast: boolean): Buffer {
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonceOf(number, isLast));
    cipher.setAAD(this.#header);
    return Buffer.concat([cipher.update(chunk), cipher.final(), cipher.getAuthTag()]);
  }

  /** Returns undefined if the chunk was changed, or is not the one with this number. */
  decrypt(chunk: Uint8Array, number: number, isLast: boolean): Buffer | undefined {
    if (chunk.length < tagBytes) return undefined;
    const end = chunk.length - tagBytes;
    const decipher = createDecipheriv('aes-256-gcm', this.#key, nonceOf(number, isLast), { authTagLength: tagBytes });
    decipher.setAAD(this.#header);
    decipher.setAuthTag(chunk.subarray(end));
    const content = decipher.update(chunk.subarray(0, end));
    try {
      return Buffer.concat([content, decipher.final()]);
    } catch {
      return undefined;
    }
  }
}

function nonceOf(number: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(nonceBytes);
  nonce.writeUIntBE(number, nonceBytes - 1 - counterBytes, counterBytes);
  nonce[nonceBytes - 1] = isLast ? 1 : 0;
  return nonce;
}
