import type { AuditChain } from './chain';
import type { ChainHead } from './chain-entry';
import { entryHash, Frontier, inclusionProof, noHash, rootFromProof, segmentLength, segmentOf } from './merkle';

/** An audit entry, and the proof that it is in the chain whose checkpoint is given with it. */
export interface EntryProof {
  /** The number of the entry in its chain. */
  seq: number;
  /** The entry, as its hash covers it. It contains pseudonyms in place of names. */
  body: string;
  /** The hash of the entry before it, in Base64. */
  previous: string;
  /** The hashes from the entry to the root (RFC 6962, section 2.1.1), in Base64. */
  path: string[];
}

/**
 * Proves that an entry is in the chain as it was when it had `size` entries. Undefined if the entry, or another one that the proof needs, is
 * not kept any more.
 */
export function proveEntry(chain: AuditChain, seq: number, size: number): EntryProof | undefined {
  const stored = chain.entry(seq);
  if (stored?.seq !== seq || seq > size) return undefined;
  const segments = chain.segments();
  const before = chain.entry(seq - 1);
  const previous = seq === 1 ? noHash : before?.seq === seq - 1 ? before.hash : segments[segmentOf(seq - 1)]?.hash;
  let isWhole = previous !== undefined;
  const rootOf = (from: number, to: number): Uint8Array => {
    const frontier = new Frontier();
    let at = from;
    for (; at % segmentLength === 0 && at + segmentLength <= to; at += segmentLength) {
      const segment = segments[at / segmentLength];
      if (segment === undefined) break;
      frontier.pushSegment(segment.root);
    }
    if (at < to) for (const { hash } of chain.after(at, to - at)) frontier.push(hash);
    if (frontier.size !== to - from) isWhole = false;
    return frontier.root();
  };
  const path = inclusionProof(seq - 1, size, rootOf).map(base64);
  if (!isWhole || previous === undefined) return undefined;
  return { seq, body: stored.body.toString(), previous: base64(previous), path };
}

/** Returns whether a proof shows that its entry is in the chain with this head. */
export function isProven({ seq, body, previous, path }: EntryProof, { size, root }: ChainHead): boolean {
  const leaf = entryHash(Buffer.from(previous, 'base64'), body);
  const proof = path.map((hash) => Buffer.from(hash, 'base64'));
  const computed = rootFromProof(leaf, seq - 1, size, proof);
  return computed !== undefined && Buffer.from(computed).equals(root);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
