import { configurationOf, type Membership } from '../../src/raft/core/configuration';
import type { Entry } from '../../src/raft/core/entry';
import type { Message, PeerMessage, Snapshot } from '../../src/raft/core/messages';
import { RaftNode } from '../../src/raft/core/raft-node';
import type { Ready, StorageAppend, StorageApply } from '../../src/raft/core/ready';
import type { Random } from '../faults/random';
import { type CommandKind, decodeCommand } from './command';
import type { EventQueue } from './event-queue';
import { DiskDamage, LogDisk } from './log-disk';
import { keyCount, Machine, type Outcome, type StoreStates } from './machine';
import type { Network } from './network';
import type { BegunRead, Oracle } from './oracle';
import type { Scenario } from './scenario';
import { Session, sessionOf } from './session';
import { StateDisk } from './state-disk';

/** What a host needs of its surroundings. */
export interface HostPorts {
  readonly queue: EventQueue;
  readonly network: Network;
  readonly oracle: Oracle;
  readonly random: Random;
  readonly scenario: Scenario;
  /** Makes real states of stores, to be compared. */
  readonly stores: StoreStates | undefined;
  trace(line: () => string): void;
  /** A node has become the leader. */
  elected(host: Host): void;
  /** A revocation was acknowledged. */
  revoked(): void;
  /** A node has found that its disk is damaged, and stops for ever. */
  halted(host: Host): void;
}

/** A revocation that this node has applied, and whose caller waits until it binds every reader. */
interface Barrier {
  readonly outcome: Outcome;
  readonly index: number;
  askedAt: number;
}

interface Read {
  readonly begun: BegunRead;
  /** The index to wait for, once the leader has named it. */
  index: number | undefined;
}

const maxWaiting = 6;
const maxReads = 6;
const commandKinds: readonly CommandKind[] = ['put', 'put', 'update', 'forget'];

/** A node of the cluster: the core with its disks, its state machine and its callers. It does what the core's `Ready` asks for. */
export class Host {
  readonly id: number;
  readonly #ports: HostPorts;
  readonly #log: LogDisk;
  readonly #state: StateDisk;
  #node: RaftNode | undefined;
  #session: Session | undefined;
  #starts = 0;
  #isPaused = false;
  // A node that waits for its disk hands out nothing more, and one with a single thread hears nothing either.
  #isWriting = false;
  #inbox: (() => void)[] = [];
  #completions: (() => void)[] = [];
  #appends: StorageAppend[] = [];
  #isAppending = false;
  #applies: StorageApply[] = [];
  #isApplying = false;
  // The index of a snapshot that is written but not in the state machine yet.
  #installing = 0;
  #reads = new Map<number, Read>();
  #readNumber = 0;
  #positionReads: number[] = [];
  #barriers = new Map<number, Barrier>();
  #startedAt = 0;
  #isHalted = false;
  #lastRole = '';

  /** The time between two ticks, by this node's clock. */
  tickMs: number;
  syncMs: number;
  applyMs: number;

  constructor(id: number, ports: HostPorts) {
    const { scenario } = ports;
    this.id = id;
    this.#ports = ports;
    this.tickMs = scenario.tickMs;
    this.syncMs = scenario.syncMs;
    this.applyMs = scenario.applyMs;
    const isFirst = scenario.voters.includes(id);
    const first: Membership = { index: 1, configuration: configurationOf(scenario.voters) };
    const machine = isFirst ? Machine.first(first, ports.stores) : new Machine();
    const snapshot = { index: 1, term: 1, configuration: first.configuration, data: machine.encode() };
    this.#state = new StateDisk(machine, ports.stores);
    this.#log = new LogDisk(isFirst ? snapshot : undefined, () => this.machine.membership);
  }

  get machine(): Machine {
    return this.#state.machine;
  }

  get node(): RaftNode | undefined {
    return this.#node;
  }

  /** How many callers wait for an answer. */
  get waiting(): number {
    return (this.#session?.waiting ?? 0) + this.#reads.size + this.#barriers.size;
  }

  start(): void {
    if (this.#node === undefined && !this.#isHalted) this.#orHalt(() => this.#start());
  }

  #start(): void {
    const { scenario, oracle, random, trace, queue } = this.#ports;
    this.#starts += 1;
    this.#startedAt = queue.now;
    // An answer to a question of the start before may still come.
    this.#readNumber = this.#starts * 1_000_000;
    const snapshot = this.#log.snapshot();
    // The crash came between the snapshot and the state machine.
    if (snapshot !== undefined && snapshot.index > this.machine.applied) this.#state.install(snapshot);
    oracle.started(this.id, this.machine);
    this.#session = new Session(sessionOf(this.id, this.#starts));
    this.#node = new RaftNode({
      id: this.id,
      storage: this.#log,
      seed: random.whole(1, 2 ** 31),
      applied: this.machine.applied,
      electionTicks: scenario.electionTicks,
      heartbeatTicks: scenario.heartbeatTicks,
      asynchronousStorage: scenario.asynchronousStorage,
      maxMessageBytes: scenario.maxMessageBytes,
      maxApplyingBytes: 400,
      maxInflightMessages: scenario.maxInflightMessages,
      reads: 'quorum',
      readLease: { now: () => this.#clock(), start: this.#starts, ms: scenario.leaseMs, maxLagMs: scenario.maxLagMs },
    });
    trace(() => `node ${this.id} starts: ${this.#summary()}`);
    this.#later(this.tickMs * random.share(), () => this.#tick());
  }

  crash(): void {
    if (this.#node === undefined) return;
    const { random, trace } = this.#ports;
    this.#node = undefined;
    this.#session = undefined;
    this.#isPaused = this.#isWriting = this.#isAppending = this.#isApplying = false;
    this.#inbox = [];
    this.#completions = [];
    this.#appends = [];
    this.#applies = [];
    this.#reads.clear();
    this.#barriers.clear();
    this.#positionReads = [];
    this.#installing = 0;
    this.#ports.network.crashed(this.id);
    this.#log.crash(random);
    this.#state.crash(random);
    trace(() => `node ${this.id} crashes: its log ends at ${this.#log.lastIndex()}, applied ${this.machine.applied}`);
  }

  pause(): void {
    if (this.#node !== undefined) this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.readWithLease();
    this.#orHalt(() => {
      for (const run of this.#completions.splice(0)) run();
      this.#drain();
    });
  }

  receive(message: PeerMessage): void {
    if (this.#node !== undefined) this.#do(() => this.#node?.step(message));
  }

  /** Calls the node as its program does. */
  call(action: (node: RaftNode) => void): void {
    if (this.#node !== undefined) this.#do(() => this.#node !== undefined && action(this.#node));
  }

  /** Some callers propose commands. */
  propose(random: Random): void {
    const session = this.#session;
    if (session === undefined || this.#isPaused || session.waiting >= maxWaiting) return;
    const batch = Array.from({ length: random.whole(1, 3) }, () => {
      const key = random.whole(0, keyCount - 1);
      const kind = random.pick(commandKinds);
      const expected = this.machine.register(key).revision;
      return session.add({ kind, key, expected, value: random.whole(1, 2 ** 31) }, this.#ports.queue.now);
    });
    for (const data of batch) this.#ports.oracle.called(decodeCommand(data));
    this.call((node) => node.propose(batch));
  }

  /** A caller wants to read the latest state. */
  read(): void {
    this.readWithLease();
    if (this.#node === undefined || this.#isPaused || this.#reads.size >= maxReads) return;
    this.#readNumber += 1;
    const context = this.#readNumber;
    this.#reads.set(context, { begun: this.#ports.oracle.beginRead(), index: undefined });
    this.call((node) => node.requestReadIndex(context));
    // The answer may be lost. The caller asks again then, as another read.
    this.#later(this.#ports.scenario.resendMs, () => this.#reads.delete(context));
  }

  /** A caller reads what is here, if a lease allows it. */
  readWithLease(): void {
    const { oracle } = this.#ports;
    if (this.#node?.hasReadLease === true && !this.#isPaused)
      oracle.leaseRead(sessionOf(this.id, this.#starts), this.machine);
  }

  /** A caller wants to read something that includes a position, of which it heard from anybody. */
  readAfter(position: number): void {
    if (this.#node === undefined || this.#isPaused || this.#positionReads.length >= maxReads) return;
    this.#positionReads.push(position);
    this.#serveReads();
  }

  /** Flips a bit of what is stored. */
  damage(part: 'entry' | 'hard-state'): void {
    if (this.#log.damage(part, this.#ports.random))
      this.#ports.trace(() => `a bit flips on the disk of node ${this.id}`);
  }

  /** Takes a snapshot, and cuts the log behind it, as far as the state machine is durable. */
  takeSnapshot(margin: number): void {
    const { applied: index, membership } = this.machine;
    const term = this.#log.term(index);
    if (this.#node === undefined || term === undefined || index <= (this.#log.snapshot()?.index ?? 0)) return;
    const { configuration } = membership;
    this.#log.write({ kind: 'save', snapshot: { index, term, configuration, data: this.machine.encode() } });
    const durable = Math.min(index, this.#state.durable);
    this.#log.write({ kind: 'purge', index: durable - margin });
    this.#ports.trace(() => `node ${this.id} takes a snapshot at ${index}, and purges up to ${durable - margin}`);
  }

  checkpoint(): void {
    if (this.#node !== undefined) this.#state.checkpoint();
  }

  #tick(): void {
    this.#later(this.tickMs, () => this.#tick());
    // A timer that fires while the process stands still fires once afterwards, not as often as it should have.
    if (this.#isPaused || this.#isBlocked) return;
    const { queue, scenario } = this.#ports;
    const again = this.#session?.resend(queue.now, scenario.resendMs) ?? [];
    this.#do(() => {
      this.#node?.tick();
      if (again.length > 0) this.#node?.propose(again);
      this.#askAgain(queue.now - scenario.resendMs);
    });
  }

  // A clock of the process: it begins anew with each start, and is a little faster or slower than that of others.
  #clock(): number {
    const { queue, scenario } = this.#ports;
    return (queue.now - this.#startedAt) * scenario.clockRates[this.id % scenario.clockRates.length]!;
  }

  #orHalt(run: () => void): void {
    try {
      run();
    } catch (error) {
      if (!(error instanceof DiskDamage)) throw error;
      this.#ports.trace(() => `node ${this.id} halts: ${error.message}`);
      this.#isHalted = true;
      this.crash();
      this.#node = undefined;
      this.#ports.halted(this);
    }
  }

  get #isBlocked(): boolean {
    return this.#isWriting && this.#ports.scenario.blocking;
  }

  // Runs something of this start of the node, after a while.
  #later(delayMs: number, run: () => void): void {
    const start = this.#starts;
    this.#ports.queue.after(delayMs, () => {
      if (start === this.#starts && this.#node !== undefined) this.#orHalt(run);
    });
  }

  // Runs something as soon as the process runs.
  #do(run: () => void): void {
    if (this.#isPaused || this.#isBlocked) {
      this.#inbox.push(run);
      return;
    }
    this.#orHalt(() => {
      run();
      this.#pump();
    });
  }

  #drain(): void {
    while (!this.#isPaused && !this.#isBlocked) {
      const run = this.#inbox.shift();
      if (run === undefined) break;
      run();
      this.#pump();
    }
  }

  #pump(): void {
    while (this.#node?.hasReady === true && !this.#isWriting) {
      const ready = this.#node.ready();
      for (const message of ready.messages) this.#ports.network.send(message);
      for (const { context, index } of ready.readStates) this.#readConfirmed(context, index);
      for (const { context } of ready.barriers) this.#barrierSettled(context);
      if (this.#ports.scenario.asynchronousStorage) this.#enqueue(ready);
      else this.#store(ready);
    }
    this.#observe();
  }

  #readConfirmed(context: number, index: number): void {
    const read = this.#reads.get(context);
    if (read !== undefined) read.index = index;
    this.#serveReads();
  }

  #serveReads(): void {
    for (const [context, { begun, index }] of this.#reads) {
      if (index === undefined || index > this.machine.applied) continue;
      this.#reads.delete(context);
      this.#ports.oracle.completeRead(this.id, begun, this.machine);
    }
    const isServed = (position: number) => position <= this.machine.applied;
    const client = sessionOf(this.id, this.#starts);
    for (const position of this.#positionReads.filter(isServed))
      this.#ports.oracle.readAfter(client, this.machine, position);
    this.#positionReads = this.#positionReads.filter((position) => !isServed(position));
  }

  // Synchronous mode.

  #store(ready: Ready): void {
    this.#write(ready);
    if (!ready.mustSync && ready.snapshot === undefined) {
      this.#finish(ready);
      return;
    }
    this.#isWriting = true;
    const { written } = this.#log;
    this.#later(this.#syncTime(), () =>
      this.#whenRunning(() => {
        this.#log.sync(written);
        this.#isWriting = false;
        this.#finish(ready);
        this.#pump();
        this.#drain();
      }),
    );
  }

  #finish(ready: Ready): void {
    for (const message of ready.messagesAfterSync) this.#sendPromise(message);
    if (ready.snapshot !== undefined) this.#install(ready.snapshot);
    this.#applyAll(ready.committed);
    this.#node?.advance();
  }

  // Asynchronous mode.

  #enqueue({ append, apply }: Ready): void {
    if (append !== undefined) this.#appends.push(append);
    if (apply !== undefined) this.#applies.push(apply);
    this.#nextAppend();
    this.#nextApply();
  }

  // One sync for everything that waits.
  #nextAppend(): void {
    if (this.#appends.length === 0 || this.#isAppending) return;
    this.#isAppending = true;
    const works = this.#appends.splice(0);
    for (const work of works) this.#write(work);
    const { written } = this.#log;
    const isNothingNew = works.every(
      ({ entries, hardState, snapshot }) => !(entries.length > 0 || hardState || snapshot),
    );
    this.#later(isNothingNew ? 0 : this.#syncTime(), () =>
      this.#whenRunning(() => {
        this.#log.sync(written);
        this.#isAppending = false;
        for (const { snapshot, responses } of works) {
          if (snapshot !== undefined) this.#install(snapshot);
          this.#answer(responses);
        }
        this.#nextAppend();
        this.#pump();
      }),
    );
  }

  #nextApply(): void {
    const work = this.#applies[0];
    if (work === undefined || this.#isApplying) return;
    this.#isApplying = true;
    this.#later(this.applyMs * this.#ports.random.share(), () =>
      this.#whenRunning(() => {
        this.#applies.shift();
        this.#isApplying = false;
        this.#applyAll(work.entries);
        this.#answer(work.responses);
        this.#nextApply();
        this.#pump();
      }),
    );
  }

  #answer(responses: readonly Message[]): void {
    for (const response of responses) {
      if (response.to === this.id) this.#node?.step(response);
      else this.#sendPromise(response as PeerMessage);
    }
  }

  // Both modes.

  #write({ snapshot, hardState, entries }: Pick<Ready, 'snapshot' | 'hardState' | 'entries'>): void {
    if (snapshot !== undefined) {
      this.#log.write({ kind: 'install', snapshot });
      this.#installing = snapshot.index;
    }
    if (entries.length > 0) this.#log.write({ kind: 'entries', entries });
    if (hardState !== undefined) this.#log.write({ kind: 'hard-state', hardState });
  }

  #sendPromise(message: PeerMessage): void {
    this.#ports.oracle.promised(message);
    this.#ports.network.send(message);
  }

  #install(snapshot: Snapshot): void {
    this.#state.install(snapshot);
    this.#ports.trace(() => `node ${this.id} installs the snapshot at ${snapshot.index}`);
    this.#ports.oracle.installed(this.id, this.machine);
    this.#serveReads();
  }

  #applyAll(entries: readonly Entry[]): void {
    for (const entry of entries) if (entry.index > this.machine.applied) this.#apply(entry);
    this.#serveReads();
  }

  #apply(entry: Entry): void {
    const { oracle, trace } = this.#ports;
    const membership =
      entry.kind === 'configuration'
        ? { index: entry.index, configuration: this.#node!.applyConfigurationChange(entry) }
        : undefined;
    if (membership !== undefined)
      trace(() => `node ${this.id} applies at ${entry.index}: ${JSON.stringify(membership.configuration)}`);
    const outcome = this.#state.apply(entry, membership);
    oracle.applied(this.id, entry, this.machine, outcome);
    // A duplicate answers as well: this node may have got the first one in a snapshot.
    if (outcome === undefined || outcome.status === 'gap') return;
    if (this.#session?.applied(outcome.command) !== true) return;
    if (outcome.command.kind !== 'forget') oracle.acknowledge(outcome);
    else this.#awaitBarrier(outcome, entry.index);
  }

  // To forget is to revoke: when its caller hears that it is done, no reader may see the key any more, on any node.
  #awaitBarrier(outcome: Outcome, index: number): void {
    this.#readNumber += 1;
    this.#barriers.set(this.#readNumber, { outcome, index, askedAt: this.#ports.queue.now });
    this.#node?.requestBarrier(this.#readNumber, index);
  }

  #barrierSettled(context: number): void {
    const barrier = this.#barriers.get(context);
    if (barrier === undefined) return;
    this.#barriers.delete(context);
    this.#ports.oracle.acknowledge(barrier.outcome);
    this.#ports.oracle.revoked(barrier.index);
    this.#ports.trace(() => `node ${this.id} acknowledges the revocation at ${barrier.index}`);
    this.#ports.revoked();
  }

  #askAgain(before: number): void {
    for (const [context, barrier] of this.#barriers) {
      if (barrier.askedAt > before) continue;
      barrier.askedAt = this.#ports.queue.now;
      this.#node?.requestBarrier(context, barrier.index);
    }
  }

  #syncTime(): number {
    return this.syncMs * (0.5 + this.#ports.random.share());
  }

  // A disk may be done while the process stands still, which hears of it later.
  #whenRunning(run: () => void): void {
    if (this.#isPaused) this.#completions.push(run);
    else run();
  }

  #observe(): void {
    if (this.#node === undefined) return;
    const status = this.#node.status();
    this.#ports.oracle.stepped(status, this.#log, Math.max(this.machine.applied, this.#installing));
    const role = `${status.role} in term ${status.hardState.term}`;
    if (role === this.#lastRole) return;
    this.#lastRole = role;
    if (status.role === 'leader') this.#ports.elected(this);
    this.#ports.trace(() => `node ${this.id} is ${this.#summary()}`);
  }

  #summary(): string {
    const { role, hardState, applied, firstIndex, lastIndex } = this.#node!.status();
    const { term, vote, commit } = hardState;
    return `${role}, term ${term}, vote ${vote}, log ${firstIndex} to ${lastIndex}, committed ${commit}, applied ${applied}`;
  }
}
