import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';

const algorithm = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;

/**
 * Encrypts numbers that must stay secret, because they reveal how much other principals do. The nonce is derived from the content, so the
 * same numbers always give the same text.
 */
export class SealedNumbers {
  readonly #key: Buffer;
  readonly #count: number;

  /**
   * @param purpose What the texts are for. A text that was made for another purpose is not accepted.
   * @param count How many numbers are in each text.
   */
  constructor(storeKey: Uint8Array, purpose: string, count: number) {
    this.#key = createHmac('sha256', storeKey).update(purpose).digest();
    this.#count = count;
  }

  /** @param binding What the text is valid for. `open` needs the same. */
  seal(numbers: readonly number[], binding: string): string {
    const bytes = Buffer.from(Float64Array.from(numbers).buffer);
    const nonce = createHmac('sha256', this.#key).update(bytes).update(binding).digest().subarray(0, nonceBytes);
    const cipher = createCipheriv(algorithm, this.#key, nonce).setAAD(Buffer.from(binding));
    const encrypted = Buffer.concat([cipher.update(bytes), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), encrypted]).toString('base64url');
  }

  /** @throws an error of any kind for a text that this store has not made with the same purpose and binding, or that was altered */
  open(text: string, binding: string): readonly number[] {
    const bytes = Buffer.from(text, 'base64url');
    const length = nonceBytes + tagBytes + this.#count * Float64Array.BYTES_PER_ELEMENT;
    // In Base64 several texts can stand for the same bytes. Only the text that `seal` makes is accepted.
    if (bytes.length !== length || bytes.toString('base64url') !== text) throw new RangeError('Not a sealed text.');
    const decipher = createDecipheriv(algorithm, this.#key, bytes.subarray(0, nonceBytes));
    decipher.setAAD(Buffer.from(binding)).setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
    const decrypted = Buffer.concat([decipher.update(bytes.subarray(nonceBytes + tagBytes)), decipher.final()]);
    return [...new Float64Array(Uint8Array.from(decrypted).buffer)];
  }
}
