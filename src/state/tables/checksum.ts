import xxhash from 'xxhash-wasm';

/**
 * A flipped byte passes SQLite's own integrity check, so that each record and each vector carries a checksum (xxHash, which
 * finds accidents and not forgery).
 */
export interface Checksum {
  /** 64 bits of a text, in hexadecimal. */
  ofText(text: string): string;
  /** 32 bits of a buffer. */
  ofBytes(bytes: Uint8Array): number;
}

export async function loadChecksum(): Promise<Checksum> {
  const { h32Raw, h64ToString } = await xxhash();
  return { ofText: (text) => h64ToString(text), ofBytes: (bytes) => h32Raw(bytes) };
}
