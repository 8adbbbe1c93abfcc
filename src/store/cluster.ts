import type { StoreCluster } from '../domain/cluster-membership';
import { defined } from '../domain/defined';
import { invalidInput, MemoryError } from '../domain/errors';
import { integer, parse } from '../domain/parse/shapes';
import { pause, startStopwatch } from '../environment/timers';
import type { LinkStatus, MemberChange, NodeRole } from '../raft/node/raft-link';
import { divergedMembers } from '../replica/state-comparison';
import type { AuditedCalls } from './audited-calls';
import type { ClusterNode } from './cluster-node';

/** A member of a cluster. */
export interface ClusterMember {
  id: number;
  /** Where the other nodes reach it, as `host:port`. */
  address: string;
  /** A 'voter' counts for the majority that a write needs. A 'learner' only receives what the others have decided. */
  role: 'voter' | 'learner';
  /** 'unreachable': it has not answered this node. 'halted': it has ended by itself and must be opened again. */
  state: 'running' | 'unreachable' | 'halted';
  /** How many entries of the log it has applied. Absent if it is unreachable. */
  applied?: number;
  /** How many committed entries it has not applied yet. Absent if it is unreachable. */
  behind?: number;
  /** Whether it may answer reads now. Absent if it is unreachable. */
  hasReadLease?: boolean;
}

/** The state of a cluster, as one of its nodes knows it. */
export interface ClusterStatus {
  /** The id of the cluster. */
  cluster: string;
  /** The id of this node. */
  id: number;
  /** 'candidate': no leader is known, and this node wants to become it. 'halted': this node has ended by itself, see `haltReason`. */
  role: 'leader' | 'follower' | 'candidate' | 'halted';
  haltReason?: string;
  /** The id of the leader. Absent while none is known: then nothing can be written. Also absent if servers keep the log (`log`). */
  leader?: number;
  /** The number of the election that the leader has won. */
  term: number;
  /** How many entries of the log are committed, and how many of them this node has applied. */
  committed: number;
  applied: number;
  /**
   * By how many milliseconds the clock of this node is ahead of the middle clock of the members, negative if it is behind. Absent if no
   * other member has answered yet. See `ClusterOptions.maxClockSkewMs`.
   */
  clockSkewMs?: number;
  members: ClusterMember[];
}

/**
 * The cluster to which a store belongs. Only the host can use it. Every method rejects with CLUSTER_MISMATCH if the store belongs to no
 * cluster.
 */
export interface ClusterHandle {
  /** Asks all members how they are. It works without a majority, too. */
  status(): Promise<ClusterStatus>;
  /**
   * Makes a learner a voter.
   *
   * @throws INVALID_INPUT if it is no learner, or more than a second behind; NO_QUORUM
   */
  promote(id: number): Promise<void>;
  /**
   * Removes a member for good. Its process gets NODE_REMOVED, and its folder stays as it is. The node can join again after its folder was
   * emptied.
   *
   * @throws INVALID_INPUT if it is no member, or the only voter; NO_QUORUM
   */
  remove(id: number): Promise<void>;
  /**
   * Makes another voter the leader.
   *
   * @param id Default: the voter that has most of the log.
   * @throws INVALID_INPUT if it is no voter; NO_QUORUM
   */
  transfer(id?: number): Promise<void>;
  /**
   * Compares the states of all members at one position of the log. They must be equal. A member that differs has a fault: remove it, and let
   * it join again with an empty folder.
   *
   * @throws NO_QUORUM if no member has answered
   */
  compare(): Promise<ClusterComparison>;
}

/** Whether the members of a cluster hold the same. */
export interface ClusterComparison {
  /** The number of the log entry after which the states were compared. */
  index: number;
  members: {
    id: number;
    /** 'different': from most members. 'unknown': it did not answer, or lags so much that it could not be compared. */
    state: 'equal' | 'different' | 'unknown';
    /** A hash of everything that the member has applied. Absent if it is unknown. */
    digest?: string;
  }[];
}

/** How long a change may take to arrive at this node, after the leader has applied it. */
const maxLagMs = 1_000;
const pollMs = 25;

/** The cluster of a store, for its host. Changes of the members are recorded in the audit. */
export class StoreClusterHandle implements ClusterHandle {
  readonly #node: ClusterNode | undefined;
  readonly #calls: AuditedCalls;

  constructor(node: ClusterNode | undefined, calls: AuditedCalls) {
    this.#node = node;
    this.#calls = calls;
  }

  status(): Promise<ClusterStatus> {
    return this.#calls.read('cluster.status', () => statusOf(this.#assertNode()));
  }

  promote(id: number): Promise<void> {
    return this.#calls.read('cluster.promote', async () => {
      const node = this.#assertNode();
      assertMember(node, id, 'learner');
      await change(node, { kind: 'promote', node: id });
    });
  }

  remove(id: number): Promise<void> {
    return this.#calls.read('cluster.remove', async () => {
      const node = this.#assertNode();
      assertMember(node, id);
      await change(node, { kind: 'remove', node: id });
    });
  }

  transfer(id?: number): Promise<void> {
    return this.#calls.read('cluster.transfer', async () => {
      const node = this.#assertNode();
      if (id !== undefined) assertMember(node, id, 'voter');
      await node.link.transfer(id);
    });
  }

  compare(): Promise<ClusterComparison> {
    return this.#calls.read('cluster.compare', async () => {
      const compared = await this.#assertNode().compare();
      const diverged = divergedMembers(compared);
      const stateOf = (id: number, digest: string | undefined): ClusterComparison['members'][number]['state'] =>
        digest === undefined ? 'unknown' : diverged.includes(id) ? 'different' : 'equal';
      const members = [...compared.digests].map(([id, digest]) => ({
        id,
        state: stateOf(id, digest),
        ...defined({ digest }),
      }));
      return { index: compared.index, members };
    });
  }

  /** @throws CLUSTER_MISMATCH */
  #assertNode(): ClusterNode {
    if (this.#node !== undefined) return this.#node;
    const message = 'The store belongs to no cluster. Open it with the option `cluster`.';
    throw new MemoryError('CLUSTER_MISMATCH', message);
  }
}

/** Asks all members how they are. */
async function statusOf(node: ClusterNode): Promise<ClusterStatus> {
  const own = node.link.status();
  const { cluster, configuration, addresses } = membershipOf(node);
  const { learners } = configuration;
  const ids = Object.keys(addresses)
    .map(Number)
    .sort((a, b) => a - b);
  const answers = await Promise.all(
    ids.map((id) => (id === own.id ? own : node.link.statusOf(id).catch(() => undefined))),
  );
  const committed = Math.max(own.committed, ...answers.map((each) => each?.committed ?? 0));
  return {
    cluster,
    id: own.id,
    role: publicRole(own.role),
    ...defined({ haltReason: own.haltReason, leader: own.leader }),
    term: own.term,
    committed,
    applied: own.applied,
    ...defined({ clockSkewMs: node.clockSkewMs() }),
    members: ids.map((id, i) => ({
      id,
      address: addresses[id] as string,
      role: learners.includes(id) ? 'learner' : 'voter',
      ...memberState(answers[i], committed),
    })),
  };
}

function memberState(answer: LinkStatus | undefined, committed: number) {
  if (answer === undefined) return { state: 'unreachable' } as const;
  const { role, applied, hasReadLease } = answer;
  const state = role === 'halted' ? ('halted' as const) : ('running' as const);
  return { state, applied, behind: Math.max(0, committed - applied), hasReadLease };
}

function publicRole(role: NodeRole): ClusterStatus['role'] {
  return role === 'pre-candidate' ? 'candidate' : role;
}

/** @throws INVALID_INPUT if the id is not that of a member with this role */
function assertMember(node: ClusterNode, given: number, role?: ClusterMember['role']): void {
  const id = parse(integer(1), given, 'id');
  const { configuration, addresses } = membershipOf(node);
  const found = addresses[id] === undefined ? 'none' : configuration.learners.includes(id) ? 'learner' : 'voter';
  if (found === role || (role === undefined && found !== 'none')) return;
  const what = found === 'none' ? 'an id that no member has' : `that of a ${found}`;
  throw invalidInput(
    [{ path: [], message: `expected the id of a ${role ?? 'member'}, got ${what}. See \`cluster.status()\`.` }],
    'id',
  );
}

/** Changes the members, and resolves when this node has applied the change. */
async function change(node: ClusterNode, change: MemberChange): Promise<void> {
  const { index } = await node.link.changeMembers(change);
  const elapsedMs = startStopwatch();
  while (membershipOf(node).index < index && elapsedMs() < maxLagMs) await pause(pollMs);
}

function membershipOf(node: ClusterNode): StoreCluster {
  const membership = node.membership();
  if (membership !== undefined) return membership;
  throw new MemoryError(
    'CLUSTER_MISMATCH',
    'This node has not joined its cluster yet. Wait until `open` has resolved.',
  );
}
