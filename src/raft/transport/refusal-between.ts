import type { NodeIdentity, RefusalCode } from './raft-transport';

/**
 * Why a transport must deliver nothing between two nodes. Undefined if it may. A node that belongs to no cluster yet may only make requests:
 * that is how it joins.
 *
 * The nodes must know each other by certificates, or in another way, before this is asked: it believes what they say about themselves.
 */
export function refusalBetween(own: NodeIdentity, peer: NodeIdentity): RefusalCode | undefined {
  const isEither = own.cluster === '' || peer.cluster === '';
  if (!isEither && own.cluster !== peer.cluster) return 'CLUSTER_MISMATCH';
  if (own.node === peer.node) return 'NODE_DUPLICATE';
  return differenceBetween(own, peer) === undefined ? undefined : 'INCOMPATIBLE';
}

/** What lets two nodes make different states of the same log. Undefined if nothing does. */
export function differenceBetween(own: NodeIdentity, peer: NodeIdentity): string | undefined {
  if (own.release !== peer.release) return 'another release of this library';
  if (own.schema !== peer.schema) return 'another schema of the database';
  return own.analyzer === peer.analyzer ? undefined : 'another version of Unicode, which comes with Node.js';
}
