import crypto, { createHash } from 'node:crypto';

/** Used as the previous hash of the first entry in a chain, which has no entry before it. */
export const noHash: Uint8Array = new Uint8Array(32);

/**
 * The number of entries in a segment. Retention drops whole segments. The entries of a segment are a perfect subtree of the Merkle
 * tree.
 */
export const segmentLength = 1_024;
const segmentLevel = Math.log2(segmentLength);

const leafPrefix = 0;
const nodePrefix = 1;

/** Returns the number of the segment that contains an entry. Segments count from 0, entries from 1. */
export function segmentOf(seq: number): number {
  return Math.floor((seq - 1) / segmentLength);
}

/**
 * Computes the hash of an entry. It covers the hash of the entry before it, so the entries form a chain. The same hash is the leaf
 * of the entry in the Merkle tree. The data of that leaf are the previous hash and the body: SHA-256(0x00 || data), RFC 6962,
 * section 2.1.
 */
export function entryHash(previous: Uint8Array, body: string | Uint8Array): Buffer {
  return sha256(leafPrefix, previous, body);
}

/** Computes the hash of an inner node: SHA-256(0x01 || left || right), RFC 6962, section 2.1. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  return sha256(nodePrefix, left, right);
}

// Node 20.12 and later. One call takes half of the time of a `Hash` object, and each write computes two hashes.
const hashOnce: typeof crypto.hash | undefined = crypto.hash;

// Reused for each hash, because a new buffer would take longer than the hash itself. Longer data get a buffer of their own.
const scratch = Buffer.allocUnsafe(16_384);
// UTF-16 text becomes at most three times as many bytes in UTF-8.
const maxBytesPerUnit = 3;

function sha256(prefix: number, first: Uint8Array, second: string | Uint8Array): Buffer {
  const start = 1 + first.length;
  const maxLength = start + second.length * (typeof second === 'string' ? maxBytesPerUnit : 1);
  const data = maxLength <= scratch.length ? scratch : Buffer.allocUnsafe(maxLength);
  data[0] = prefix;
  data.set(first, 1);
  let end = start + second.length;
  if (typeof second === 'string') end = start + data.write(second, start);
  else data.set(second, start);
  const covered = data.subarray(0, end);
  // Text takes half of the time of a buffer, which Node would allocate outside its pool. In 'binary', which is Latin-1, each byte is a character.
  if (hashOnce !== undefined) return Buffer.from(hashOnce('sha256', covered, 'binary'), 'latin1');
  return createHash('sha256').update(covered).digest();
}

/**
 * A Merkle tree (RFC 6962) that only grows. It keeps only the roots of its largest perfect subtrees: one root for each bit that is
 * set in its size.
 */
export class Frontier {
  #size = 0;
  // The roots, largest subtree first.
  readonly #roots: Uint8Array[] = [];
  #segmentRoot: Uint8Array | undefined;

  get size(): number {
    return this.#size;
  }

  /** Adds a leaf, given by its hash. */
  push(leaf: Uint8Array): void {
    this.#add(leaf, 0);
  }

  /** Adds a whole segment, given by the root of its subtree. The size must be a multiple of the segment length. */
  pushSegment(root: Uint8Array): void {
    if (this.#size % segmentLength !== 0) {
      throw new RangeError(`Expected a size that is a multiple of ${segmentLength}, got ${this.#size}.`);
    }
    this.#add(root, segmentLevel);
  }

  /** Returns the root of the latest whole segment. Call it after a segment was completed. */
  segmentRoot(): Uint8Array {
    return this.#segmentRoot as Uint8Array;
  }

  /** Computes the root of the tree. The root of an empty tree is the hash of no bytes. */
  root(): Buffer {
    let root: Uint8Array | undefined;
    for (const left of this.#roots.toReversed()) root = root === undefined ? left : nodeHash(left, root);
    return root === undefined ? createHash('sha256').digest() : Buffer.from(root);
  }

  #add(subtree: Uint8Array, level: number): void {
    let root = subtree;
    let height = level;
    if (height === segmentLevel) this.#segmentRoot = root;
    // Two subtrees of one height merge into a higher one, like a carry in binary addition.
    for (let bits = Math.floor(this.#size / 2 ** level); bits % 2 === 1; bits = (bits - 1) / 2) {
      root = nodeHash(this.#roots.pop() as Uint8Array, root);
      height++;
      if (height === segmentLevel) this.#segmentRoot = root;
    }
    this.#roots.push(root);
    this.#size += 2 ** level;
  }
}

/**
 * Returns the hashes that prove that a leaf is in a tree (RFC 6962, section 2.1.1), those next to the leaf first.
 *
 * @param index The number of the leaf, from 0.
 * @param size The number of leaves in the tree.
 * @param rootOf Returns the root of the leaves from one number to before another one. They are a perfect subtree, or the end of the tree.
 */
export function inclusionProof(
  index: number,
  size: number,
  rootOf: (from: number, to: number) => Uint8Array,
): Uint8Array[] {
  const proof: Uint8Array[] = [];
  for (let [from, to] = [0, size]; to - from > 1; ) {
    const middle = from + largestPowerBelow(to - from);
    proof.push(index < middle ? rootOf(middle, to) : rootOf(from, middle));
    [from, to] = index < middle ? [from, middle] : [middle, to];
  }
  return proof.reverse();
}

/** Computes the root of a tree from a leaf and its proof (RFC 9162, section 2.1.3.2). Undefined if the proof has another length. */
export function rootFromProof(
  leaf: Uint8Array,
  index: number,
  size: number,
  proof: readonly Uint8Array[],
): Uint8Array | undefined {
  if (index >= size) return undefined;
  let [node, last] = [index, size - 1];
  let root = leaf;
  for (const hash of proof) {
    if (last === 0) return undefined;
    if (node % 2 === 1 || node === last) {
      root = nodeHash(hash, root);
      // The node has no right neighbour up to where it is one itself.
      while (node % 2 === 0 && node !== 0) [node, last] = [node / 2, Math.floor(last / 2)];
    } else root = nodeHash(root, hash);
    [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
  }
  return last === 0 ? root : undefined;
}

/** The largest power of two that is smaller than a number of at least 2. */
function largestPowerBelow(count: number): number {
  let power = 1;
  while (power * 2 < count) power *= 2;
  return power;
}
