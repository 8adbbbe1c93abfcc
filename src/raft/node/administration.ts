import type { ClusterMembership } from '../../domain/cluster-membership';
import { MemoryError } from '../../domain/errors';
import { isVoter } from '../core/configuration';
import { type NodeId, noNode } from '../core/node-id';
import type { RaftNode } from '../core/raft-node';
import { changeOf, refusalText, refused } from './member-changes';
import type { MemberChange } from './raft-link';

export interface AdministrationDeps {
  readonly core: RaftNode;
  membership(): ClusterMembership;
  elapsedMs(): number;
  /** The core has something to do. */
  wake(): void;
}

interface Waiter {
  readonly isOver: () => boolean;
  readonly deadline: number;
  /** Makes the error for a wait that has lasted too long. */
  readonly late: () => MemoryError;
  resolve(): void;
  reject(error: MemoryError): void;
}

// A learner that lacks only what was committed in the last second gets a vote: it cannot delay the cluster.
const catchUpTicks = 20;

/** What a leader does for operators: changes of the members, and handing over its office. */
export class Administration {
  readonly #deps: AdministrationDeps;
  #waiters: Waiter[] = [];
  #ticks = 0;
  /** What was committed at each of the last ticks, oldest first. */
  readonly #committed: number[] = [];

  constructor(deps: AdministrationDeps) {
    this.#deps = deps;
  }

  /**
   * Changes the members. Resolves with them when this node has applied the change.
   *
   * @param deadline By `elapsedMs`.
   * @throws INVALID_INPUT, NO_QUORUM if nothing was written, OUTCOME_UNKNOWN
   */
  async change(change: MemberChange, deadline: number): Promise<ClusterMembership> {
    const { core, wake } = this.#deps;
    if (change.kind === 'promote') await this.#caughtUp(change.node, deadline);
    for (let isProposed = false; ; ) {
      const wanted = changeOf(change, this.#deps.membership());
      if (wanted === undefined) return this.#deps.membership();
      const outcome = core.proposeConfigurationChange(wanted);
      wake();
      if (outcome.isAccepted) {
        const { place } = outcome;
        if (place === undefined) throw notLeading();
        isProposed = true;
        await this.#until(() => core.status().applied >= place.index || !this.#leads, deadline, unknownChange);
        if (!this.#leads && this.#deps.membership().index < place.index) throw unknownChange();
        continue;
      }
      switch (outcome.refusal) {
        case 'NO_LEADER':
        case 'NOT_A_MEMBER':
          throw isProposed ? unknownChange() : notLeading();
        case 'LEADER_MOVES':
        case 'LEADER_LEAVES':
        case 'TOO_MUCH_UNCOMMITTED':
        case 'CHANGE_PENDING':
          await this.#nextTick(deadline, isProposed ? unknownChange : pendingChange);
          // The next leader takes the change. Forwarded by the core, it would be written although this call says that it was not.
          if (!this.#leads) throw isProposed ? unknownChange() : notLeading();
          break;
        default:
          throw refused(refusalText(outcome.refusal));
      }
    }
  }

  /** Hands the leadership to a voter. Resolves when another node leads. */
  async transfer(to: NodeId | undefined, deadline: number): Promise<void> {
    const { core, wake } = this.#deps;
    if (!this.#leads) throw notLeading();
    const target = to ?? this.#successor();
    if (target === core.id) return;
    if (target === undefined || !isVoter(this.#deps.membership().configuration, target))
      throw refused('no other voter can take over the leadership. Add a voter first.');
    core.transferLeadership(target);
    wake();
    const isOver = () => {
      const { leader, transferTarget } = core.status();
      return leader === core.id ? transferTarget === noNode : leader !== noNode;
    };
    await this.#until(isOver, deadline, () => notTaken(target));
    if (this.#leads) throw notTaken(target);
  }

  /** Something has changed in the core: an entry was applied, or the role. */
  onChange(): void {
    const over = this.#waiters.filter(({ isOver }) => isOver());
    if (over.length === 0) return;
    this.#waiters = this.#waiters.filter((each) => !over.includes(each));
    for (const { resolve } of over) resolve();
  }

  onTick(): void {
    this.#ticks++;
    this.#committed.push(this.#deps.core.status().hardState.commit);
    if (this.#committed.length > catchUpTicks) this.#committed.shift();
    this.onChange();
    const now = this.#deps.elapsedMs();
    const late = this.#waiters.filter(({ deadline }) => deadline <= now);
    if (late.length === 0) return;
    this.#waiters = this.#waiters.filter((each) => !late.includes(each));
    for (const { reject, late: error } of late) reject(error());
  }

  /** Ends what waits. */
  end(error: MemoryError): void {
    for (const { reject } of this.#waiters.splice(0)) reject(error);
  }

  get #leads(): boolean {
    return this.#deps.core.status().role === 'leader';
  }

  /** The voter that holds most of the log and answers. */
  #successor(): NodeId | undefined {
    const { id, members } = this.#deps.core.status();
    const candidates = members.filter((member) => member.id !== id && !member.isLearner && member.isActive);
    return candidates.sort((a, b) => b.match - a.match)[0]?.id;
  }

  async #caughtUp(node: NodeId, deadline: number): Promise<void> {
    const hasCaughtUp = () => {
      const { members, hardState } = this.#deps.core.status();
      const wanted = this.#committed.length < catchUpTicks ? hardState.commit : (this.#committed[0] ?? 0);
      const member = members.find(({ id }) => id === node);
      return member === undefined || member.match >= wanted;
    };
    await this.#until(hasCaughtUp, deadline, () => {
      return refused(
        `the node ${node} lacks entries that are more than a second old. Promote it when it has caught up.`,
      );
    });
  }

  #nextTick(deadline: number, late: () => MemoryError): Promise<void> {
    const now = this.#ticks;
    return this.#until(() => this.#ticks > now, deadline, late);
  }

  async #until(isOver: () => boolean, deadline: number, late: () => MemoryError): Promise<void> {
    if (isOver()) return;
    await new Promise<void>((resolve, reject) => {
      this.#waiters.push({ isOver, deadline, late, resolve, reject });
    });
  }
}

/** Makes the error for a call that only a leader can carry out. */
export function notLeading(): MemoryError {
  return new MemoryError('NO_QUORUM', 'No leader of the cluster answers. Nothing of this call was written. Try again.');
}

function pendingChange(): MemoryError {
  return new MemoryError(
    'NO_QUORUM',
    'Another change of the members has not ended in time. Nothing was written. Try again.',
  );
}

function unknownChange(): MemoryError {
  const message =
    'The change of the members was proposed, but not confirmed in time. Look at the status of the cluster.';
  return new MemoryError('OUTCOME_UNKNOWN', message);
}

function notTaken(target: NodeId): MemoryError {
  return new MemoryError('NO_QUORUM', `The node ${target} has not taken over the leadership in time. Try again.`);
}
