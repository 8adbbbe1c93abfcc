import { type Configuration, isVoter, membersOf, noMembers, votersOf } from './configuration';
import { Inflights } from './inflights';
import type { NodeId } from './node-id';
import { Progress } from './progress';
import { committedIndex, type VoteResult, voteResult } from './quorum';

/** The bounds of what may be on its way to one follower. */
export interface InflightBounds {
  readonly maxInflightMessages: number;
  readonly maxInflightBytes: number;
}

/** The members as this node knows them: the configuration, the progress of each and the votes of the running election. */
export class Peers {
  readonly #bounds: InflightBounds;
  #configuration: Configuration = noMembers;
  #ids: readonly NodeId[] = [];
  #voters: readonly NodeId[] = [];
  // Only looked up by id. Everything that visits members goes through `ids`, which is sorted.
  #progress = new Map<NodeId, Progress>();
  #votes = new Map<NodeId, boolean>();

  constructor(bounds: InflightBounds) {
    this.#bounds = bounds;
  }

  get configuration(): Configuration {
    return this.#configuration;
  }

  /** All members, sorted. */
  get ids(): readonly NodeId[] {
    return this.#ids;
  }

  /** All members who vote, sorted. */
  get voters(): readonly NodeId[] {
    return this.#voters;
  }

  progressOf(id: NodeId): Progress | undefined {
    return this.#progress.get(id);
  }

  isVoter(id: NodeId): boolean {
    return isVoter(this.#configuration, id);
  }

  isLearner(id: NodeId): boolean {
    return this.#configuration.learners.includes(id);
  }

  /** Whether the node decides alone. */
  isAlone(id: NodeId): boolean {
    return this.#voters.length === 1 && this.#voters[0] === id;
  }

  /** Takes over a configuration. Members that stay keep their progress; new ones count as active, so that they have time to answer. */
  configure(configuration: Configuration, lastIndex: number): void {
    const before = this.#progress;
    this.#configuration = configuration;
    this.#ids = membersOf(configuration);
    this.#voters = votersOf(configuration);
    this.#progress = new Map(
      this.#ids.map((id) => [id, before.get(id) ?? this.#newProgress(Math.max(1, lastIndex), true)]),
    );
  }

  /** Forgets all progress, as at the beginning of a term. A node knows its own log. */
  reset(own: NodeId, lastIndex: number): void {
    this.#progress = new Map(this.#ids.map((id) => [id, this.#newProgress(lastIndex + 1, false)]));
    const progress = this.#progress.get(own);
    if (progress !== undefined) progress.match = lastIndex;
  }

  /** The highest index that the configuration has acknowledged. */
  committedIndex(): number {
    return committedIndex(this.#configuration, (id) => this.#progress.get(id)?.match ?? 0);
  }

  /** Whether the members that were active lately could decide something. The node itself counts as active. */
  isQuorumActive(own: NodeId): boolean {
    return voteResult(this.#configuration, (id) => id === own || this.#progress.get(id)?.isActive === true) === 'won';
  }

  resetVotes(): void {
    this.#votes = new Map();
  }

  /** Counts a vote. The first one of each voter holds. */
  vote(id: NodeId, isGranted: boolean): void {
    if (!this.#votes.has(id)) this.#votes.set(id, isGranted);
  }

  voteResult(): VoteResult {
    return voteResult(this.#configuration, (id) => this.#votes.get(id));
  }

  #newProgress(next: number, isActive: boolean): Progress {
    const { maxInflightMessages, maxInflightBytes } = this.#bounds;
    return new Progress(next, new Inflights(maxInflightMessages, maxInflightBytes), isActive);
  }
}
