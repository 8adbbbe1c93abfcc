/** Who decides in a cluster, as ids of nodes. It is what `raft/core` calls a configuration. */
export interface ClusterConfiguration {
  readonly voters: readonly number[];
  /** The voters from before a change that is under way. Otherwise empty. */
  readonly outgoing: readonly number[];
  /** Nodes that receive the log, and neither vote nor count. */
  readonly learners: readonly number[];
  /** Voters of `outgoing` that become learners when the change ends. */
  readonly learnersNext: readonly number[];
  /** Whether the leader ends the change by itself. */
  readonly autoLeave: boolean;
}

/** The members of a cluster from one entry of the log on, until the next entry that changes them. */
export interface ClusterMembership {
  /** The index of the entry that made it. */
  readonly index: number;
  readonly configuration: ClusterConfiguration;
  /** The address of each member, such as `10.0.0.1:7411`, by its id. */
  readonly addresses: Readonly<Record<string, string>>;
}

/** The cluster to which a store belongs, as far as the store has applied the log. */
export interface StoreCluster extends ClusterMembership {
  /** The id of the cluster: 32 hexadecimal digits. */
  readonly cluster: string;
}
