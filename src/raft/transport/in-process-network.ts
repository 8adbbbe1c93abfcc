import { copyFile, rename } from 'node:fs/promises';
import { invalidInput, type MemoryError } from '../../domain/errors';
import { nextTurn, type Schedule, schedule } from '../../environment/timers';
import { Generator } from '../core/generator';
import type { InstallSnapshot, PeerMessage } from '../core/messages';
import type { NodeId } from '../core/node-id';
import type { NodeAddress, NodeIdentity, RaftTransport, TransportReceiver } from './raft-transport';
import { refusalBetween } from './refusal-between';
import { otherCluster, transportClosed, unreachableNode } from './transport-errors';

/** How a network in one process treats messages. */
export interface NetworkConditions {
  /** The share of messages that are lost, from 0 to 1. Default: 0. */
  readonly loss?: number;
  /** The share of messages that arrive twice, from 0 to 1. Default: 0. */
  readonly duplicates?: number;
  /** The shortest and the longest delay, in milliseconds. Messages with different delays overtake each other. Default: [0, 0]. */
  readonly delayMs?: readonly [number, number];
}

/** How a network in one process is set up. */
export interface InProcessNetworkOptions extends NetworkConditions {
  /** Decides which messages are lost, doubled and delayed. Any safe integer. Default: 1. */
  readonly seed?: number;
  /** The timers for delays and time-outs. Default: those of the process, also fake ones. */
  readonly schedule?: Schedule;
  /** Copies the file of a snapshot. The copy must be complete when it appears at its path. Default: copies a file on disk. */
  readonly copySnapshot?: (from: string, to: string) => Promise<void>;
}

/**
 * A network of nodes in one process, for tests. It delivers messages in later turns of the event loop, and can lose, double and delay
 * them, and cut nodes off. The same seed and the same calls give the same deliveries.
 */
export class InProcessNetwork {
  readonly #random: Generator;
  readonly #schedule: Schedule;
  readonly #copySnapshot: (from: string, to: string) => Promise<void>;
  readonly #transports = new Map<string, InProcessTransport>();
  readonly #blocked = new Set<string>();
  #conditions: NetworkConditions;
  #due: (() => void)[] = [];

  constructor({ seed = 1, schedule: own, copySnapshot, ...conditions }: InProcessNetworkOptions = {}) {
    this.#random = new Generator(seed);
    this.#schedule = own ?? schedule;
    this.#copySnapshot = copySnapshot ?? copiedFile;
    this.#conditions = checked(conditions);
  }

  /** Makes the transport of a node. The address is any text. It is free again when the transport was closed. */
  transport(address: string): RaftTransport {
    return new InProcessTransport(address, this.#wires);
  }

  /** Changes loss, duplicates and delays for messages that are sent from now on. */
  setConditions(conditions: NetworkConditions): void {
    this.#conditions = checked(conditions);
  }

  /** Lets nodes reach only those of their own group. Addresses that are in no group form one more. Replaces earlier partitions. */
  partition(...groups: readonly (readonly string[])[]): void {
    this.heal();
    const groupOf = (address: string) => groups.findIndex((group) => group.includes(address));
    const all = [...new Set([...groups.flat(), ...this.#transports.keys()])];
    for (const from of all) for (const to of all) if (groupOf(from) !== groupOf(to)) this.cutOff(from, to);
  }

  /** Stops what `from` sends to `to`. The other direction stays open. */
  cutOff(from: string, to: string): void {
    this.#blocked.add(wayOf(from, to));
  }

  /** Ends all partitions. */
  heal(): void {
    this.#blocked.clear();
  }

  // What the transports of this network use, and its users do not see.
  readonly #wires: Wires = {
    join: (transport) => {
      if (this.#transports.has(transport.address)) throw addressInUse(transport.address);
      this.#transports.set(transport.address, transport);
    },
    leave: (transport) => {
      if (this.#transports.get(transport.address) === transport) this.#transports.delete(transport.address);
    },
    find: (address) => this.#transports.get(address),
    findNode: (node) => [...this.#transports.values()].find((each) => each.receiver?.identity().node === node),
    isOpen: (from, to) => !this.#blocked.has(wayOf(from, to)),
    carry: (deliver) => {
      const { loss = 0, duplicates = 0 } = this.#conditions;
      if (this.#chance(loss)) return;
      this.#later(deliver);
      if (this.#chance(duplicates)) this.#later(deliver);
    },
    soon: (action) => this.#inNextTurn(action),
    schedule: (ms, action) => this.#schedule(ms, action),
    copySnapshot: (from, to) => this.#copySnapshot(from, to),
  };

  #later(deliver: () => void): void {
    const [min, max] = this.#conditions.delayMs ?? [0, 0];
    // A number is drawn only where it decides something, so that a network without faults needs none.
    const ms = max > min ? min + this.#random.below(max - min + 1) : min;
    if (ms === 0) this.#inNextTurn(deliver);
    else this.#schedule(ms, deliver);
  }

  #chance(share: number): boolean {
    return share > 0 && this.#random.below(1_000_000) < share * 1_000_000;
  }

  #inNextTurn(action: () => void): void {
    this.#due.push(action);
    if (this.#due.length > 1) return;
    void nextTurn().then(() => {
      const due = this.#due;
      this.#due = [];
      for (const each of due) each();
    });
  }
}

interface Wires {
  join(transport: InProcessTransport): void;
  leave(transport: InProcessTransport): void;
  find(address: string): InProcessTransport | undefined;
  findNode(node: NodeId): InProcessTransport | undefined;
  isOpen(from: string, to: string): boolean;
  /** Delivers in a later turn, never, or twice. */
  carry(deliver: () => void): void;
  soon(action: () => void): void;
  readonly schedule: Schedule;
  copySnapshot(from: string, to: string): Promise<void>;
}

class InProcessTransport implements RaftTransport {
  readonly address: string;
  receiver: TransportReceiver | undefined;
  readonly #wires: Wires;
  // The last start of each node that has sent something.
  readonly #met = new Map<NodeId, number>();
  #members: ReadonlyMap<NodeId, string> = new Map();
  #isClosed = false;

  constructor(address: string, wires: Wires) {
    this.address = address;
    this.#wires = wires;
  }

  async start(receiver: TransportReceiver): Promise<void> {
    this.#wires.join(this);
    this.receiver = receiver;
  }

  setMembers(addresses: ReadonlyMap<NodeId, string>): void {
    this.#members = new Map(addresses);
  }

  send(messages: readonly PeerMessage[]): void {
    const from = this.receiver?.identity();
    if (from === undefined || this.#isClosed) return;
    const missing = new Set<NodeId>();
    for (const message of messages) {
      const target = this.#targetOf(message.to);
      if (target === undefined || message.kind === 'snapshot') missing.add(message.to);
      else if (this.#wires.isOpen(this.address, target.address)) this.#carry(message, from, target);
    }
    for (const node of missing) this.#wires.soon(() => this.#isClosed || this.receiver?.unreachable(node));
  }

  async sendSnapshot(message: InstallSnapshot, path: string): Promise<boolean> {
    const from = this.receiver?.identity();
    await nextTurn();
    const target = this.#targetOf(message.to);
    const to = target?.receiver?.snapshotPath(message);
    if (from === undefined || target === undefined || to === undefined) return false;
    const isUp = () => !this.#isClosed && target.accepts(from, message.to) && this.#isOpenBothWays(target.address);
    if (!isUp()) return false;
    try {
      await this.#wires.copySnapshot(path, to);
      if (!isUp()) return false;
      await target.receiver?.receiveSnapshot(message, to);
      return isUp();
    } catch {
      return false;
    }
  }

  async request(to: NodeId | NodeAddress, body: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    const from = this.receiver?.identity();
    if (from === undefined || this.#isClosed) throw transportClosed();
    const name = typeof to === 'number' ? `node ${to}` : to.address;
    const target = typeof to === 'number' ? this.#targetOf(to) : this.#wires.find(to.address);
    await nextTurn();
    if (target?.receiver === undefined) throw unreachableNode(name, 'no node is there');
    return new Promise((resolve, reject) => {
      const cancel = this.#wires.schedule(timeoutMs, () => {
        reject(unreachableNode(name, `it did not answer within ${timeoutMs} ms`));
      });
      if (!this.#isOpenBothWays(target.address)) return;
      const asker = from.cluster === '' ? undefined : from.node;
      this.#answerOf(target, from, asker, body.slice()).then(
        (answer) => {
          if (!this.#isOpenBothWays(target.address)) return;
          cancel();
          resolve(answer.slice());
        },
        (error: unknown) => {
          cancel();
          reject(error);
        },
      );
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#wires.leave(this);
  }

  /** Whether this node takes messages of that one for a node of this id. */
  accepts(from: NodeIdentity, to: NodeId): boolean {
    const own = this.receiver?.identity();
    if (this.#isClosed || own?.node !== to || own.cluster === '' || from.cluster === '') return false;
    return refusalBetween(own, from) === undefined;
  }

  take(message: PeerMessage, from: NodeIdentity): void {
    if (!this.accepts(from, message.to)) return;
    if (this.#met.get(from.node) !== from.start) {
      this.#met.set(from.node, from.start);
      this.receiver?.met?.(from);
    }
    this.receiver?.receive(message);
  }

  #carry(message: PeerMessage, from: NodeIdentity, target: InProcessTransport): void {
    this.#wires.carry(() => {
      // What is on its way when a partition begins, or when the sender crashes, is lost.
      if (!this.#isClosed && this.#wires.isOpen(this.address, target.address)) target.take(message, from);
    });
  }

  async #answerOf(
    target: InProcessTransport,
    from: NodeIdentity,
    asker: NodeId | undefined,
    body: Uint8Array,
  ): Promise<Uint8Array> {
    const own = target.receiver?.identity();
    if (own === undefined) throw unreachableNode(target.address, 'no node is there');
    const refusal = refusalBetween(own, from);
    if (refusal === 'CLUSTER_MISMATCH') throw otherCluster(target.address);
    if (refusal === 'INCOMPATIBLE') throw unreachableNode(target.address, 'it runs another release');
    const answer = await target.receiver?.request(asker, body);
    if (answer === undefined) throw unreachableNode(target.address, 'no node is there');
    return answer;
  }

  // A node that is not a member yet answers its leader, so an unknown id is looked for among all nodes.
  #targetOf(node: NodeId): InProcessTransport | undefined {
    const address = this.#members.get(node);
    return address === undefined ? this.#wires.findNode(node) : this.#wires.find(address);
  }

  #isOpenBothWays(address: string): boolean {
    return this.#wires.isOpen(this.address, address) && this.#wires.isOpen(address, this.address);
  }
}

async function copiedFile(from: string, to: string): Promise<void> {
  const part = `${to}.part`;
  await copyFile(from, part);
  await rename(part, to);
}

function wayOf(from: string, to: string): string {
  return JSON.stringify([from, to]);
}

function checked(conditions: NetworkConditions): NetworkConditions {
  const isShare = (value = 0) => value >= 0 && value <= 1;
  const [min, max] = conditions.delayMs ?? [0, 0];
  const issues = [
    ...(isShare(conditions.loss) ? [] : [{ path: ['loss'], message: 'expected a number from 0 to 1.' }]),
    ...(isShare(conditions.duplicates) ? [] : [{ path: ['duplicates'], message: 'expected a number from 0 to 1.' }]),
    ...(Number.isSafeInteger(min) && Number.isSafeInteger(max) && min >= 0 && max >= min
      ? []
      : [{ path: ['delayMs'], message: 'expected two integers from 0, the smaller one first.' }]),
  ];
  if (issues.length > 0) throw invalidInput(issues, 'network');
  return conditions;
}

function addressInUse(address: string): MemoryError {
  return invalidInput(
    [{ path: ['address'], message: `expected a free address, but a node uses ${address}.` }],
    'network',
  );
}
