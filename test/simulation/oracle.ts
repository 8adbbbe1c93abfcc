import type { Membership } from '../../src/raft/core/configuration';
import { type Entry, equalEntries } from '../../src/raft/core/entry';
import type { PeerMessage } from '../../src/raft/core/messages';
import type { NodeStatus } from '../../src/raft/core/raft-node';
import type { Command } from './command';
import { History } from './history';
import type { LogDisk } from './log-disk';
import type { Machine, Outcome } from './machine';
import { nodeOf } from './session';
import { check } from './violation';

/** A read that waits for its answer. */
export interface BegunRead {
  /** The index that it must not miss. */
  readonly floor: number;
  readonly begunAt: number;
}

interface Promised {
  term: number;
  /** The node that got the vote in a term. */
  readonly votes: Map<number, number>;
}

/** Sees all nodes at once, and compares what they do with what they promise. */
export class Oracle {
  readonly #committed: Entry[] = [];
  readonly #digests: number[] = [];
  readonly #configurations = new Map<number, string>();
  readonly #leaderOfTerm = new Map<number, number>();
  readonly #promised = new Map<number, Promised>();
  readonly #running = new Map<number, NodeStatus>();
  // Where each command took effect, and the last one of each session.
  readonly #effects = new Map<string, number>();
  readonly #lastOfSession = new Map<number, number>();
  readonly #acknowledged = new Map<string, number>();
  readonly #history = new History();
  // When something was first known to be committed.
  readonly #commits: { readonly atMs: number; readonly index: number }[] = [{ atMs: -1, index: 0 }];
  readonly #now: () => number;
  readonly #maxStalenessMs: number;
  #floor = 0;
  #completedReads = 0;
  #revokedIndex = 0;
  #knownPosition = 0;
  #revocations = 0;
  #leaseReads = 0;

  /** `maxStalenessMs`: how old the state may be that a read with a lease shows. */
  constructor(now: () => number, maxStalenessMs: number) {
    this.#now = now;
    this.#maxStalenessMs = maxStalenessMs;
  }

  get commands(): number {
    return this.#effects.size;
  }

  get acknowledged(): number {
    return this.#acknowledged.size;
  }

  /** How many times the members changed. */
  get changes(): number {
    return this.#configurations.size;
  }

  /** For each key what its callers did and learnt. */
  get histories(): ReturnType<History['keys']> {
    return this.#history.keys((name) => this.#effects.has(name));
  }

  /** What the clients of each node learnt, in their order. */
  get sessionEvents(): History['sessionEvents'] {
    return this.#history.sessionEvents;
  }

  get positionEvents(): History['positionEvents'] {
    return this.#history.positionEvents;
  }

  /** The position of something that a caller was told last. */
  get knownPosition(): number {
    return this.#knownPosition;
  }

  get reads(): number {
    return this.#completedReads;
  }

  get revocations(): number {
    return this.#revocations;
  }

  get leaseReads(): number {
    return this.#leaseReads;
  }

  /** A node starts. Its state must be one that the cluster went through. */
  started(id: number, machine: Machine): void {
    this.#running.delete(id);
    this.#checkState(id, machine);
  }

  /** A node has installed a snapshot. */
  installed(id: number, machine: Machine): void {
    this.#checkState(id, machine);
  }

  /** A node has applied an entry. */
  applied(id: number, entry: Entry, machine: Machine, outcome: Outcome | undefined): void {
    const known = this.#committed[entry.index];
    const isNew = known === undefined;
    if (isNew) this.#committed[entry.index] = entry;
    else
      check(equalEntries(known, entry), () => {
        return `Node ${id} applies another entry at ${entry.index} (term ${entry.term}) than one before it (term ${known.term}).`;
      });
    if (outcome !== undefined && (outcome.status === 'done' || outcome.status === 'refused'))
      this.#checkEffect(outcome.command, entry.index);
    if (isNew) this.#digests[entry.index] = machine.digest;
    this.#checkState(id, machine);
  }

  /** A caller asks for a command. */
  called(command: Command): void {
    this.#history.called(nameOf(command), command);
  }

  /** A caller was told that its command is done. */
  acknowledge(outcome: Outcome): void {
    const name = nameOf(outcome.command);
    this.#history.answered(name, outcome);
    const index = this.#effects.get(name);
    check(index !== undefined, () => `The command ${name} is acknowledged, but took effect nowhere.`);
    this.#acknowledged.set(name, index);
    this.#floor = Math.max(this.#floor, index);
    this.#knownPosition = index;
    if (outcome.status === 'done') this.#history.wrote(outcome, index);
  }

  /** A client reads something that includes a position. */
  readAfter(client: number, machine: Machine, position: number): void {
    this.#history.readAfter(client, machine, position);
  }

  /** A read begins. Answers the index that it must not miss. */
  beginRead(): BegunRead {
    return { floor: this.#floor, begunAt: this.#history.begin() };
  }

  completeRead(id: number, { floor, begunAt }: BegunRead, machine: Machine): void {
    this.#completedReads += 1;
    this.#history.read(begunAt, machine);
    check(machine.applied >= floor, () => {
      return `A read at node ${id} sees the state of ${machine.applied}, but ${floor} was known to a caller before it began.`;
    });
    this.#floor = Math.max(this.#floor, machine.applied);
  }

  /** A caller was told that what the entry at `index` revokes can be read nowhere any more. */
  revoked(index: number): void {
    this.#revocations += 1;
    this.#revokedIndex = Math.max(this.#revokedIndex, index);
  }

  /** A node serves a read with its lease. `client` is the session of the node. */
  leaseRead(client: number, machine: Machine): void {
    const [id, { applied }] = [nodeOf(client), machine];
    this.#leaseReads += 1;
    this.#history.readInSession(client, machine);
    check(applied >= this.#revokedIndex, () => {
      return `A read with a lease at node ${id} sees the state of ${applied}, but the revocation at ${this.#revokedIndex} was acknowledged.`;
    });
    const before = this.#now() - this.#maxStalenessMs;
    const expected = this.#commits.findLast(({ atMs }) => atMs < before)?.index ?? 0;
    check(applied >= expected, () => {
      return `A read with a lease at node ${id} sees the state of ${applied}, but ${expected} was committed more than ${this.#maxStalenessMs} ms ago.`;
    });
  }

  /** A message leaves that says that something is durable. */
  promised(message: PeerMessage): void {
    if (message.kind === 'pre-vote-response' && !message.isRejected) return;
    const { from, to, term } = message;
    const before = this.#promisedBy(from);
    check(term >= before.term, () => `Node ${from} goes back from term ${before.term} to ${term}.`);
    before.term = term;
    if (message.kind === 'vote-response' && !message.isRejected) this.#checkVote(from, to, term);
  }

  /** A node has done something. `applied` counts a snapshot that is being installed. */
  stepped(status: NodeStatus, log: LogDisk, applied: number): void {
    const { id, role, hardState } = status;
    if (hardState.commit > this.#commits.at(-1)!.index)
      this.#commits.push({ atMs: this.#now(), index: hardState.commit });
    const last = this.#running.get(id);
    const before = last?.hardState;
    if (last?.membership !== status.membership) this.#checkMembership(id, status.membership);
    if (before !== undefined)
      check(hardState.term >= before.term && hardState.commit >= before.commit, () => {
        return `Node ${id} goes back from term ${before.term}, commit ${before.commit} to ${hardState.term}, ${hardState.commit}.`;
      });
    this.#running.set(id, status);
    if (role === 'leader') {
      const known = this.#leaderOfTerm.get(hardState.term) ?? id;
      check(known === id, () => `The nodes ${known} and ${id} both lead in term ${hardState.term}.`);
      this.#leaderOfTerm.set(hardState.term, id);
      this.#checkVote(id, id, hardState.term);
    }
    const order = [log.firstIndex() - 1, log.snapshot()?.index ?? 0, applied, hardState.commit, status.lastIndex];
    check(
      order.every((index, at) => at === 0 || order[at - 1]! <= index),
      () => `At node ${id}, purged <= snapshot <= applied <= committed <= last does not hold: ${order.join(', ')}.`,
    );
  }

  /** The cluster has healed. Everything that a caller was told must be there. */
  checkAcknowledged(): void {
    for (const [name, index] of this.#acknowledged)
      check(this.#effects.get(name) === index, () => `The command ${name} was acknowledged at ${index} and is lost.`);
  }

  /** The members stand at the same index. Their real states must be the same in every table, not only in what a digest covers. */
  checkContents(members: readonly { readonly id: number; readonly machine: Machine }[]): void {
    const [first, ...others] = members.map(({ id, machine }) => ({ id, content: machine.store?.content() }));
    for (const { id, content } of others)
      check(
        content === first?.content,
        () => `The tables of the nodes ${first?.id} and ${id} differ, although their digests agree.`,
      );
  }

  #checkState(id: number, machine: Machine): void {
    const { applied, digest, membership } = machine;
    const expected = this.#digests[applied];
    check(expected === undefined || expected === digest, () => {
      return `Node ${id} has another state at ${applied} than the others.`;
    });
    this.#checkMembership(id, membership);
  }

  #checkMembership(id: number, { index, configuration }: Membership): void {
    const text = JSON.stringify(configuration);
    const known = this.#configurations.get(index) ?? text;
    check(known === text, () => `Node ${id} has the members ${text} from ${index} on, but others have ${known}.`);
    this.#configurations.set(index, text);
  }

  #checkEffect(command: Command, index: number): void {
    const name = nameOf(command);
    const known = this.#effects.get(name);
    check(
      known === undefined || known === index,
      () => `The command ${name} takes effect at ${known} and at ${index}.`,
    );
    if (known !== undefined) return;
    this.#effects.set(name, index);
    const last = this.#lastOfSession.get(command.session) ?? 0;
    check(
      command.number === last + 1,
      () => `The command ${name} takes effect, but the last one before it is ${last}.`,
    );
    this.#lastOfSession.set(command.session, command.number);
  }

  #checkVote(from: number, to: number, term: number): void {
    const { votes } = this.#promisedBy(from);
    const known = votes.get(term) ?? to;
    check(known === to, () => `Node ${from} votes for ${known} and for ${to} in term ${term}.`);
    votes.set(term, to);
  }

  #promisedBy(id: number): Promised {
    const promised = this.#promised.get(id) ?? { term: 0, votes: new Map() };
    this.#promised.set(id, promised);
    return promised;
  }
}

function nameOf({ session, number }: Command): string {
  return `${session}:${number}`;
}
