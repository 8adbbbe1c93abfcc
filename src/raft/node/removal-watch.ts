import type { ClusterMembership } from '../../domain/cluster-membership';
import { isMember } from '../core/configuration';
import type { NodeId } from '../core/node-id';
import type { LinkStatus } from './raft-link';

export interface RemovalWatchDeps {
  readonly id: NodeId;
  membership(): ClusterMembership;
  leader(): NodeId | undefined;
  statusOf(node: NodeId): Promise<Pick<LinkStatus, 'membership'>>;
  /** This node was removed. */
  removed(): void;
}

// The other members may need this node to learn that its removal is committed.
const lingerTicks = 40;
// No election takes so long, so the others may be a cluster without this node.
const leaderlessTicks = 60;
const askTicks = 20;

/**
 * Notices that this node was removed from its cluster. Nobody sends the log to a removed node, so it may never get the entry that removes it:
 * a node that hears of no leader asks the others who the members are.
 */
export class RemovalWatch {
  readonly #deps: RemovalWatchDeps;
  #wasMember = false;
  #sinceRemoval = 0;
  #withoutLeader = 0;
  #asked = 0;
  #isOver = false;

  constructor(deps: RemovalWatchDeps) {
    this.#deps = deps;
  }

  onTick(): void {
    if (this.#isOver) return;
    const { id, membership, leader } = this.#deps;
    const isIn = isMember(membership().configuration, id);
    if (isIn) this.#wasMember = true;
    if (!this.#wasMember) return;
    this.#sinceRemoval = isIn ? 0 : this.#sinceRemoval + 1;
    if (this.#sinceRemoval >= lingerTicks) this.#end();
    this.#withoutLeader = leader() === undefined ? this.#withoutLeader + 1 : 0;
    if (this.#withoutLeader >= leaderlessTicks && this.#withoutLeader % askTicks === 0) void this.#ask();
  }

  async #ask(): Promise<void> {
    const { id, membership, statusOf } = this.#deps;
    const own = membership();
    const others = Object.keys(own.addresses)
      .map(Number)
      .filter((other) => other !== id);
    const other = others[this.#asked++ % others.length];
    if (other === undefined) return;
    try {
      const { membership: found } = await statusOf(other);
      if (found.index > own.index && !isMember(found.configuration, id)) this.#end();
    } catch {
      // Another member is asked next.
    }
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#deps.removed();
  }
}
