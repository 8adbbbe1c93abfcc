import { createHash } from 'node:crypto';

/** What comes before the first entry of a chain, in place of a hash. */
export const noHash: Uint8Array = new Uint8Array(32);

/** Entries of a segment, the unit of retention: a perfect subtree of the Merkle tree. */
export const segmentLength = 1_024;
const segmentLevel = Math.log2(segmentLength);

const leafPrefix = Uint8Array.of(0);
const nodePrefix = Uint8Array.of(1);

/**
 * The hash of an entry, which is chained to the one before it, and which is also the hash of its leaf in the Merkle tree: the
 * leaf's data are the hash before it and the body. RFC 6962, section 2.1: SHA-256(0x00 || data).
 */
export function entryHash(previous: Uint8Array, body: string | Uint8Array): Buffer {
  return createHash('sha256').update(leafPrefix).update(previous).update(body).digest();
}

/** RFC 6962, section 2.1: SHA-256(0x01 || left || right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  return createHash('sha256').update(nodePrefix).update(left).update(right).digest();
}

/**
 * A Merkle tree of RFC 6962 that only grows, as the roots of the perfect subtrees that its leaves make: as many as its size has
 * bits set.
 */
export class Frontier {
  #size = 0;
  // Largest subtree first.
  readonly #roots: Uint8Array[] = [];

  get size(): number {
    return this.#size;
  }

  /** Adds one leaf, by its hash. */
  push(leaf: Uint8Array): void {
    this.#add(leaf, 0);
  }

  /** Adds a whole segment, by the root of its subtree. The size must be a multiple of a segment's length. */
  pushSegment(root: Uint8Array): void {
    if (this.#size % segmentLength !== 0) throw new RangeError(`A segment cannot follow ${this.#size} leaves.`);
    this.#add(root, segmentLevel);
  }

  /** The root of the last segment: known just when it is complete. */
  segmentRoot(): Uint8Array {
    return this.#segmentRoot as Uint8Array;
  }

  /** The root of the tree. Of an empty one: the hash of nothing. */
  root(): Buffer {
    let root: Uint8Array | undefined;
    for (const left of this.#roots.toReversed()) root = root === undefined ? left : nodeHash(left, root);
    return root === undefined ? createHash('sha256').digest() : Buffer.from(root);
  }

  #segmentRoot: Uint8Array | undefined;

  #add(subtree: Uint8Array, level: number): void {
    let root = subtree;
    let height = level;
    if (height === segmentLevel) this.#segmentRoot = root;
    // Each set bit of the size is a perfect subtree: equal ones merge, as ones carry in an addition.
    for (let bits = Math.floor(this.#size / 2 ** level); bits % 2 === 1; bits = (bits - 1) / 2) {
      root = nodeHash(this.#roots.pop() as Uint8Array, root);
      height++;
      if (height === segmentLevel) this.#segmentRoot = root;
    }
    this.#roots.push(root);
    this.#size += 2 ** level;
  }
}
