import { isMember, membersOf } from '../../src/raft/core/configuration';
import { leaveJoint } from '../../src/raft/core/configuration-change';
import type { PeerMessage } from '../../src/raft/core/messages';
import type { NodeStatus } from '../../src/raft/core/raft-node';
import { Random } from '../faults/random';
import { EventQueue } from './event-queue';
import type { History } from './history';
import { Host } from './host';
import type { StoreStates } from './machine';
import { Network } from './network';
import { Oracle } from './oracle';
import { type Fault, presentLeader, type Scenario } from './scenario';
import { check } from './violation';

/** What a course came to. */
export interface Course {
  /** The error that ended it, or undefined if all promises were kept. */
  readonly violation: Error | undefined;
  /** When it ended, in virtual time. */
  readonly atMs: number;
  readonly commands: number;
  readonly acknowledged: number;
  readonly reads: number;
  readonly leaseReads: number;
  readonly revocations: number;
  /** Nodes whose disk was found damaged. */
  readonly halted: number;
  readonly terms: number;
  readonly changes: number;
  /** What the callers did and learnt. */
  readonly histories: ReturnType<History['keys']>;
  readonly sessionEvents: History['sessionEvents'];
  readonly positionEvents: History['positionEvents'];
}

type NodeFault = 'slow-disk' | 'skew' | 'campaign' | 'snapshot' | 'checkpoint' | 'damage' | 'slow-way';

/** A cluster must heal within so many elections, and in so much time even if none is held. */
const maxElections = 20;
const maxHealingMs = 60_000;

/** Plays a scenario. `trace` gets each event as a line. With `stores`, each node applies the log to a real state, too, and they are compared. */
export function runScenario(scenario: Scenario, trace?: (line: string) => void, stores?: StoreStates): Course {
  const simulation = new Simulation(scenario, trace, stores);
  let violation: Error | undefined;
  try {
    simulation.run();
  } catch (error) {
    violation = error instanceof Error ? error : new Error(String(error));
  }
  return { violation, ...simulation.figures() };
}

class Simulation {
  readonly #scenario: Scenario;
  readonly #stores: StoreStates | undefined;
  readonly #queue = new EventQueue();
  readonly #oracle: Oracle;
  readonly #network: Network;
  readonly #hosts = new Map<number, Host>();
  readonly #callers: Random;
  readonly #transport: Random;
  readonly #trace: (line: () => string) => void;
  #isHealing = false;
  #haltedCount = 0;
  #briefLeaders: readonly (Fault & { kind: 'brief-leaders' })[] = [];

  constructor(scenario: Scenario, trace: ((line: string) => void) | undefined, stores: StoreStates | undefined) {
    this.#stores = stores;
    const { seed } = scenario;
    const queue = this.#queue;
    this.#scenario = scenario;
    // A little more: clocks differ, and heartbeats leave with the next tick.
    this.#oracle = new Oracle(() => queue.now, (scenario.leaseMs + scenario.maxLagMs) * 1.02);
    this.#callers = new Random(seed, 2);
    this.#transport = new Random(seed, 3);
    this.#trace = trace === undefined ? () => {} : (line) => trace(`${queue.now.toFixed(0).padStart(6)} ms  ${line()}`);
    this.#network = new Network({
      queue,
      random: new Random(seed, 4),
      scenario,
      deliver: (message) => this.#hosts.get(message.to)?.receive(message),
      sent: (message, isDelivered) => this.#report(message, isDelivered),
      trace: this.#trace,
    });
    for (const id of [...scenario.voters, ...scenario.spares]) this.#addHost(id);
  }

  #addHost(id: number): Host {
    const host = new Host(id, {
      queue: this.#queue,
      network: this.#network,
      oracle: this.#oracle,
      scenario: this.#scenario,
      stores: this.#stores,
      random: new Random(this.#scenario.seed, 5, id),
      trace: this.#trace,
      elected: (elected) => this.#elected(elected),
      // Everybody reads at once: that is when a reader who was forgotten shows.
      revoked: () => {
        for (const each of this.#hosts.values()) each.readWithLease();
      },
      halted: (halted) => this.#replace(halted),
    });
    this.#hosts.set(id, host);
    return host;
  }

  figures(): Omit<Course, 'violation'> {
    const { commands, acknowledged, reads, leaseReads, revocations, changes, histories } = this.#oracle;
    const halted = this.#haltedCount;
    const figures = { commands, acknowledged, reads, leaseReads, revocations, changes, histories, halted };
    const { sessionEvents, positionEvents } = this.#oracle;
    return { atMs: this.#queue.now, terms: this.#term(), ...figures, sessionEvents, positionEvents };
  }

  run(): void {
    const { faults, durationMs, commandEveryMs, readEveryMs } = this.#scenario;
    for (const host of this.#hosts.values()) {
      host.start();
      this.#every(commandEveryMs, () => host.propose(this.#callers));
      this.#every(readEveryMs, () => host.read());
      this.#every(readEveryMs, () => host.readAfter(this.#oracle.knownPosition));
    }
    for (const fault of faults) this.#queue.after(fault.atMs, () => this.#happens(fault));
    this.#queue.runUntil(durationMs);
    this.#heal();
    this.#oracle.checkAcknowledged();
    this.#oracle.checkContents(this.#members().map(({ id, machine }) => ({ id, machine })));
  }

  #every(meanMs: number, run: () => void): void {
    this.#queue.after(meanMs * 2 * this.#callers.share(), () => {
      if (this.#isHealing) return;
      run();
      this.#every(meanMs, run);
    });
  }

  #happens(fault: Fault): void {
    if (this.#isHealing) return;
    this.#trace(() => `--- ${JSON.stringify({ ...fault, atMs: undefined })}`);
    switch (fault.kind) {
      case 'crash':
        for (const host of fault.nodes.map((id) => this.#target(id))) {
          host.crash();
          this.#queue.after(fault.forMs, () => host.start());
        }
        break;
      case 'pause':
        this.#pause(this.#target(fault.node), fault.forMs);
        break;
      case 'cut':
        this.#cut(fault);
        break;
      case 'brief-leaders':
        this.#briefLeaders = [...this.#briefLeaders, fault];
        this.#queue.after(fault.forMs, () => {
          this.#briefLeaders = this.#briefLeaders.filter((each) => each !== fault);
        });
        break;
      case 'slow-machine':
        for (const id of fault.nodes) this.#slowMachine(this.#host(id), fault);
        break;
      case 'storm':
        this.#network.beginStorm(fault.loss);
        this.#queue.after(fault.forMs, () => this.#network.endStorm(fault.loss));
        break;
      case 'change':
        this.#leader()?.call((node) => node.proposeConfigurationChange(fault.change));
        break;
      case 'transfer':
        this.#leader()?.call((node) => node.transferLeadership(fault.node));
        break;
      default:
        this.#happensAt(this.#target(fault.node), fault);
    }
  }

  #happensAt(host: Host, fault: Fault & { kind: NodeFault }): void {
    const { tickMs, syncMs } = this.#scenario;
    switch (fault.kind) {
      case 'slow-disk':
        host.syncMs = fault.syncMs;
        this.#queue.after(fault.forMs, () => (host.syncMs = syncMs));
        break;
      case 'skew':
        host.tickMs = tickMs * fault.rate;
        break;
      case 'campaign':
        host.call((node) => node.campaign());
        break;
      case 'snapshot':
        host.takeSnapshot(fault.margin);
        break;
      case 'checkpoint':
        host.checkpoint();
        break;
      case 'damage':
        host.damage(fault.part);
        break;
      case 'slow-way':
        this.#network.slowWay(host.id, fault.delayMs);
        this.#queue.after(fault.forMs, () => this.#isHealing || this.#network.slowWay(host.id, -fault.delayMs));
        break;
    }
  }

  #slowMachine(host: Host, { applyMs, forMs }: Fault & { kind: 'slow-machine' }): void {
    host.applyMs = applyMs;
    this.#queue.after(forMs, () => (host.applyMs = this.#scenario.applyMs));
  }

  // Some of them are heard by nobody from the beginning: their logs then end in entries that no other node has.
  #elected(host: Host): void {
    const [brief] = this.#briefLeaders;
    if (brief === undefined || this.#isHealing) return;
    const silenced = this.#transport.chance(0.5) ? [...this.#hosts.keys()].filter((id) => id !== host.id) : [];
    this.#network.block([host.id], silenced, 1);
    this.#queue.after(brief.lifeMs * (0.3 + this.#transport.share()), () => {
      if (this.#isHealing) return;
      this.#trace(() => `--- the new leader ${host.id} crashes`);
      host.crash();
      this.#network.block([host.id], silenced, -1);
      this.#queue.after(brief.downMs * (0.7 + 0.6 * this.#transport.share()), () => host.start());
    });
  }

  #pause(host: Host, forMs: number): void {
    host.pause();
    this.#queue.after(forMs, () => host.resume());
  }

  #cut({ nodes: targets, direction, forMs }: Fault & { kind: 'cut' }): void {
    const nodes = targets.map((id) => this.#target(id).id);
    const others = [...this.#hosts.keys()].filter((id) => !nodes.includes(id));
    const block = (by: 1 | -1) => {
      if (this.#isHealing) return;
      if (direction !== 'to') this.#network.block(nodes, others, by);
      if (direction !== 'from') this.#network.block(others, nodes, by);
    };
    block(1);
    this.#queue.after(forMs, () => block(-1));
  }

  // A node with a damaged disk does not come back: it may have promised what it no longer holds. A new one takes its place.
  #replace(lost: Host): void {
    this.#haltedCount += 1;
    const fresh = this.#addHost(Math.max(...this.#hosts.keys()) + 1);
    fresh.start();
    this.#exchange(lost.id, fresh.id);
  }

  #exchange(lost: number, fresh: number): void {
    const leader = this.#leader();
    const configuration = leader?.node?.status().membership.configuration;
    if (configuration !== undefined && !isMember(configuration, lost)) return;
    const changes = [
      { kind: 'remove', node: lost },
      { kind: 'add-voter', node: fresh },
    ] as const;
    leader?.call((node) => node.proposeConfigurationChange({ transition: 'joint-implicit', changes }));
    this.#queue.after(500, () => this.#exchange(lost, fresh));
  }

  // The core relies on the report of a snapshot, but not on that of other messages: not every transport can tell.
  #report(message: PeerMessage, isDelivered: boolean): void {
    const sender = this.#hosts.get(message.from);
    if (message.kind === 'snapshot') {
      sender?.call((node) => node.reportSnapshot(message.to, isDelivered));
    } else if (!isDelivered && this.#transport.chance(0.05)) {
      this.#queue.after(0, () => sender?.call((node) => node.reportUnreachable(message.to)));
    }
  }

  /** All faults end. The cluster must find a leader, apply everything everywhere, and then do what it is asked. */
  #heal(): void {
    this.#isHealing = true;
    this.#trace(() => '--- all faults end');
    this.#network.heal();
    for (const host of this.#hosts.values()) {
      host.resume();
      host.start();
      host.tickMs = this.#scenario.tickMs;
      host.syncMs = Math.min(this.#scenario.syncMs, 20);
      host.applyMs = Math.min(this.#scenario.applyMs, 10);
    }
    const [term, endMs] = [this.#term(), this.#queue.now + maxHealingMs];
    this.#untilQuiet(term, endMs);
    for (const host of this.#members()) {
      host.propose(this.#callers);
      host.read();
    }
    this.#untilQuiet(term, endMs);
  }

  #untilQuiet(firstTerm: number, endMs: number): void {
    do {
      this.#queue.runUntil(this.#queue.now + 200);
      check(this.#term() - firstTerm <= maxElections, () => `No leader stays within ${maxElections} elections.`);
      check(this.#queue.now < endMs, () => `The cluster does not heal within ${maxHealingMs} ms: ${this.#summary()}`);
      this.#leaveJoint();
    } while (!this.#isQuiet());
  }

  // A joint configuration that was entered explicitly waits for somebody to leave it.
  #leaveJoint(): void {
    const leader = this.#leader();
    const configuration = leader?.node?.status().membership.configuration;
    if (configuration === undefined || configuration.outgoing.length === 0 || configuration.autoLeave) return;
    leader?.call((node) => node.proposeConfigurationChange(leaveJoint));
  }

  #isQuiet(): boolean {
    const status = this.#leader()?.node?.status();
    if (status === undefined || status.membership.configuration.outgoing.length > 0) return false;
    return this.#members().every(({ machine, waiting }) => machine.applied === status.lastIndex && waiting === 0);
  }

  /** The members, as the leader knows them. */
  #members(): readonly Host[] {
    const configuration = this.#leader()?.node?.status().membership.configuration;
    return configuration === undefined ? [] : membersOf(configuration).map((id) => this.#host(id));
  }

  #leader(): Host | undefined {
    let [found, term]: [Host | undefined, number] = [undefined, -1];
    for (const host of this.#hosts.values()) {
      const status = host.node?.status();
      if (status?.role !== 'leader' || status.hardState.term <= term) continue;
      [found, term] = [host, status.hardState.term];
    }
    return found;
  }

  #term(): number {
    return Math.max(0, ...this.#statuses().map(({ hardState }) => hardState.term));
  }

  #summary(): string {
    return this.#statuses()
      .map(({ id, role, hardState, lastIndex, applied, membership }) => {
        const place = isMember(membership.configuration, id) ? role : 'no member';
        return `node ${id} ${place}, term ${hardState.term}, last ${lastIndex}, committed ${hardState.commit}, applied ${applied}, ${this.#host(id).waiting} wait`;
      })
      .join('; ');
  }

  #statuses(): readonly NodeStatus[] {
    return [...this.#hosts.values()].flatMap(({ node }) => node?.status() ?? []);
  }

  #target(id: number): Host {
    return id === presentLeader ? (this.#leader() ?? this.#host(1)) : this.#host(id);
  }

  #host(id: number): Host {
    return this.#hosts.get(id)!;
  }
}
