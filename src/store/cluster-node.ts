import type { StoreCluster } from '../domain/cluster-membership';
import type { RaftLink } from '../raft/node/raft-link';
import type { StateComparison } from '../replica/state-comparison';

/** What a `ClusterHandle` needs of the node. */
export interface ClusterNode {
  readonly link: Pick<RaftLink, 'id' | 'status' | 'statusOf' | 'changeMembers' | 'transfer' | 'request'>;
  /** The members, as far as this node has applied the log. */
  membership(): StoreCluster | undefined;
  compare(): Promise<StateComparison>;
  /** By how much the clock of this node is ahead of the middle clock of the members. Undefined if it is not known. */
  clockSkewMs(): number | undefined;
}
