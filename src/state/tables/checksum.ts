import xxhash from 'xxhash-wasm';

/**
 * Computes the checksums of records, names, vectors and rules. They are needed because SQLite's integrity check does not notice a flipped
 * byte. xxHash finds accidental damage; it does not protect against forgery.
 */
export interface Checksum {
  /** Computes the 64-bit checksum of a text, in hexadecimal. */
  ofText(text: string): string;
  /** Computes the 32-bit checksum of a buffer. */
  ofBytes(bytes: Uint8Array): number;
}

/** Loads the WebAssembly module of xxHash. */
export async function loadChecksum(): Promise<Checksum> {
  const { h32Raw, h64ToString } = await xxhash();
  return { ofText: (text) => h64ToString(text), ofBytes: (bytes) => h32Raw(bytes) };
}
