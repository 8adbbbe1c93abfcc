import type { Configuration } from './configuration';
import type { LeaseGrant, LeaseOffer, LeaseReport } from './messages';
import type { NodeId } from './node-id';
import type { ReadLeaseOptions } from './options';
import { committedIndex } from './quorum';

/** A round of leases: heartbeats that left after a moment. */
interface Round {
  readonly number: number;
  readonly beganAt: number;
  /** What was committed when it began. */
  readonly committed: number;
}

/** A report that may become a lease. */
interface Stamp {
  readonly stamp: number;
  readonly receivedAt: number;
  /** The round that ran when it arrived. Only a later one proves that the leader still led then. */
  readonly round: number;
}

/** What a leader knows about one start of a member. */
interface MemberStart {
  readonly start: number;
  applied: number;
  /** When its lease has certainly run out, by the leader's clock. */
  endsAt: number;
  stamps: Stamp[];
}

// Clocks may drift apart by 1 %: whoever waits for the end of the lease of somebody else waits so much longer.
const drift = 0.01;
// One for each round that is not confirmed yet. A leader with more of them hears from no majority.
const maxStamps = 32;

/** The leases that a leader gives. `read-leases.ts` says why they are safe. */
export class LeaseLedger {
  readonly #ms: number;
  readonly #maxLagMs: number;
  #round = 0;
  #rounds: Round[] = [];
  #answered = new Map<NodeId, number>();
  #starts = new Map<NodeId, MemberStart[]>();
  #floor = 0;
  #inheritedUntil = Number.POSITIVE_INFINITY;

  constructor({ ms, maxLagMs }: Required<ReadLeaseOptions>) {
    this.#ms = ms;
    this.#maxLagMs = maxLagMs;
  }

  /** A term of this leader begins: nobody gets a lease who lacks what may be committed by now, and leases of earlier leaders may still run. */
  lead(now: number, lastIndex: number): void {
    this.#rounds = [];
    this.#answered = new Map();
    this.#starts = new Map();
    this.#floor = lastIndex;
    this.#inheritedUntil = now + this.#patience;
  }

  /** Whether a round has begun in this term. */
  get hasBegun(): boolean {
    return this.#rounds.length > 0;
  }

  beginRound(now: number, committed: number): void {
    this.#round += 1;
    this.#rounds.push({ number: this.#round, beganAt: now, committed });
    const recent = this.#rounds.findLastIndex(({ beganAt }) => beganAt <= now - Math.max(this.#ms, this.#maxLagMs));
    if (recent > 0) this.#rounds.splice(0, recent);
  }

  /** From now on only members that have applied `index` get a lease. */
  raiseFloor(index: number): void {
    this.#floor = Math.max(this.#floor, index);
  }

  /** A member speaks. */
  report(from: NodeId, { round, start, stamp, applied }: LeaseReport, now: number): void {
    if (round > (this.#answered.get(from) ?? 0)) this.#answered.set(from, round);
    const member = this.#startOf(from, start, now);
    member.applied = Math.max(member.applied, applied);
    if (member.stamps.at(-1)?.round === this.#round) member.stamps.pop();
    member.stamps.push({ stamp, receivedAt: now, round: this.#round });
    if (member.stamps.length > maxStamps) member.stamps.shift();
  }

  /** When the latest round began that a majority has answered. Undefined if none has been in this term. */
  confirmedAt(own: NodeId, configuration: Configuration): number | undefined {
    const confirmed = this.#confirmed(own, configuration);
    return this.#rounds.findLast(({ number }) => number <= confirmed)?.beganAt;
  }

  /** What to say to a member. Notes the lease that it gets by that. */
  offer(to: NodeId, own: NodeId, configuration: Configuration, now: number): LeaseOffer {
    const grant = this.#grant(to, this.#confirmed(own, configuration), now);
    const offer = { round: this.#round, awaited: this.#floor };
    return grant === undefined ? offer : { ...offer, grant };
  }

  /** What a member must have applied to get a lease now. */
  floor(now: number): number {
    // The first round since then knows all that was committed before. Without one, nobody knows, and nobody gets a lease.
    const recent = this.#rounds.find(({ beganAt }) => beganAt > now - this.#maxLagMs);
    return recent === undefined ? Number.POSITIVE_INFINITY : Math.max(this.#floor, recent.committed);
  }

  /** Whether leases of earlier leaders may still run. */
  mayBeInherited(now: number): boolean {
    return now < this.#inheritedUntil;
  }

  /** Whether some member may hold a lease of this leader and has not applied `index`. */
  mayReadBefore(index: number, now: number): boolean {
    for (const starts of this.#starts.values())
      if (starts.some(({ applied, endsAt }) => endsAt > now && applied < index)) return true;
    return false;
  }

  /** Whether a member has said in this term that it has applied `index`. */
  hasApplied(id: NodeId, index: number): boolean {
    return this.appliedBy(id) >= index;
  }

  /** What a member has said in this term that it has applied. */
  appliedBy(id: NodeId): number {
    return Math.max(0, ...(this.#starts.get(id) ?? []).map(({ applied }) => applied));
  }

  /** Whether a member may hold a lease of this leader. */
  mayHold(id: NodeId, now: number): boolean {
    return this.#starts.get(id)?.some(({ endsAt }) => endsAt > now) ?? false;
  }

  get #patience(): number {
    return this.#ms * (1 + drift);
  }

  #confirmed(own: NodeId, configuration: Configuration): number {
    return committedIndex(configuration, (id) => (id === own ? this.#round : (this.#answered.get(id) ?? 0)));
  }

  #grant(to: NodeId, confirmed: number, now: number): LeaseGrant | undefined {
    // The start that spoke last: the others are over, or it speaks again.
    const member = this.#starts.get(to)?.at(-1);
    if (member === undefined || member.applied < this.floor(now)) return undefined;
    const at = member.stamps.findLastIndex(({ round }) => round < confirmed);
    const found = member.stamps[at];
    if (found === undefined) return undefined;
    member.stamps.splice(0, at);
    // The member took the stamp before the report arrived, so its lease ends before this moment.
    member.endsAt = Math.max(member.endsAt, found.receivedAt + this.#patience);
    return { start: member.start, stamp: found.stamp };
  }

  #startOf(from: NodeId, start: number, now: number): MemberStart {
    const known = this.#starts.get(from) ?? [];
    const last = known.at(-1);
    if (last?.start === start) return last;
    const found = known.find((each) => each.start === start);
    const speaking = found ?? { start, applied: 0, endsAt: Number.NEGATIVE_INFINITY, stamps: [] };
    // An earlier start holds a lease no longer if it ended, and it matters only that long.
    const others = known.filter((each) => each !== found && each.endsAt > now);
    this.#starts.set(from, [...others, speaking]);
    return speaking;
  }
}
