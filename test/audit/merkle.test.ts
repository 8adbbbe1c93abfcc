import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  entryHash,
  Frontier,
  inclusionProof,
  nodeHash,
  noHash,
  rootFromProof,
  segmentLength,
} from '../../src/audit/merkle';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const leaf = (data: Uint8Array) => createHash('sha256').update(Uint8Array.of(0)).update(data).digest();

/** The recursive definition of RFC 6962, section 2.1. */
function recursiveRoot(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return createHash('sha256').digest();
  if (leaves.length === 1) return leaves[0] as Uint8Array;
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return nodeHash(recursiveRoot(leaves.slice(0, k)), recursiveRoot(leaves.slice(k)));
}

// Test vectors of certificate-transparency-go: https://github.com/transparency-dev/merkle/blob/main/testonly/constants.go
const inputs = [
  ...['', '00', '10', '2021', '3031', '40414243'],
  ...['5051525354555657', '606162636465666768696a6b6c6d6e6f'],
];
const roots = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

describe('the Merkle tree', () => {
  test('has the roots in the published test vectors', () => {
    const frontier = new Frontier();
    expect(hex(frontier.root())).toBe(roots[0]);
    for (const [i, input] of inputs.entries()) {
      frontier.push(leaf(Buffer.from(input, 'hex')));
      expect(hex(frontier.root())).toBe(roots[i + 1]);
    }
  });

  test('has the root that the recursive definition gives, at every size', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 8 }), { maxLength: 70 }), (data) => {
        const frontier = new Frontier();
        const leaves = data.map(leaf);
        for (const [i, each] of leaves.entries()) {
          frontier.push(each);
          expect(hex(frontier.root())).toBe(hex(recursiveRoot(leaves.slice(0, i + 1))));
        }
      }),
      { numRuns: 50 },
    );
  });

  test('has the same root whether whole segments or single leaves are added', () => {
    const leaves = Array.from({ length: segmentLength * 3 + 5 }, (_, i) => leaf(Buffer.from(String(i))));
    const one = new Frontier();
    const other = new Frontier();
    for (const [i, each] of leaves.entries()) {
      one.push(each);
      if ((i + 1) % segmentLength === 0) other.pushSegment(one.segmentRoot());
    }
    expect(hex(one.segmentRoot())).toBe(hex(recursiveRoot(leaves.slice(segmentLength * 2, segmentLength * 3))));
    for (const each of leaves.slice(segmentLength * 3)) other.push(each);
    expect(other.size).toBe(leaves.length);
    expect(hex(other.root())).toBe(hex(one.root()));
    expect(hex(one.root())).toBe(hex(recursiveRoot(leaves)));
  });

  test('rejects a segment if the segment before it is incomplete', () => {
    const frontier = new Frontier();
    frontier.push(noHash);
    expect(() => frontier.pushSegment(noHash)).toThrow(RangeError);
  });
});

test.each([
  ['a short text', 'body'],
  ['a text that is not ASCII', 'Größe 大きさ \u{1f600}'],
  ['a long text', 'x'.repeat(20_000)],
  ['a long text that is not ASCII', '大'.repeat(20_000)],
])('the hash of an entry with %s is the hash of its leaf in the tree', (_, body) => {
  const previous = leaf(Buffer.from('before'));
  const expected = hex(leaf(Buffer.concat([previous, Buffer.from(body)])));
  expect(hex(entryHash(previous, body))).toBe(expected);
  expect(hex(entryHash(previous, Buffer.from(body)))).toBe(expected);
});

test('a proof leads from a leaf to the root of its tree, and no other proof does', () => {
  const leaves = Array.from({ length: 40 }, (_, i) => leaf(Buffer.from(`${i}`)));
  for (let size = 1; size <= leaves.length; size++) {
    const root = hex(recursiveRoot(leaves.slice(0, size)));
    for (let index = 0; index < size; index++) {
      const proof = inclusionProof(index, size, (from, to) => recursiveRoot(leaves.slice(from, to)));
      const rootFrom = (at: number, of: number, path: readonly Uint8Array[]) =>
        hex(rootFromProof(leaves[index] as Uint8Array, at, of, path) ?? Buffer.of());
      expect(rootFrom(index, size, proof)).toBe(root);
      expect(rootFrom(index, size, [...proof, noHash])).not.toBe(root);
      if (size > 1) expect(rootFrom(index === 0 ? 1 : index - 1, size, proof)).not.toBe(root);
      expect(rootFrom(size, size, proof)).toBe('');
    }
  }
});
