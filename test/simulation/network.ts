import type { PeerMessage } from '../../src/raft/core/messages';
import type { Random } from '../faults/random';
import type { EventQueue } from './event-queue';
import type { Scenario } from './scenario';

/** What a network needs of its surroundings. */
export interface NetworkPorts {
  readonly queue: EventQueue;
  readonly random: Random;
  readonly scenario: Scenario;
  deliver(message: PeerMessage): void;
  /** The sending of a message has ended, as its sender sees it. */
  sent(message: PeerMessage, isDelivered: boolean): void;
  trace(line: () => string): void;
}

/** Carries messages, and loses, doubles, delays and reorders them. */
export class Network {
  readonly #ports: NetworkPorts;
  // How many faults block the way from one node to another.
  readonly #blocks = new Map<number, number>();
  // When the last message that keeps its order arrives at the end of each way.
  readonly #arrivals = new Map<number, number>();
  // What a node sent before this moment, and what has not arrived, is lost.
  readonly #lostBefore = new Map<number, number>();
  // How much longer messages to a node take.
  readonly #slowWays = new Map<number, number>();
  #storms: number[] = [];
  #isHealed = false;

  constructor(ports: NetworkPorts) {
    this.#ports = ports;
  }

  send(message: PeerMessage): void {
    const { random, scenario, trace } = this.#ports;
    const isLost = !this.#isHealed && random.chance(Math.max(scenario.loss, ...this.#storms));
    if (isLost || this.#isBlocked(message)) {
      trace(() => `${textOf(message)}: lost`);
      this.#ports.sent(message, false);
      return;
    }
    trace(() => textOf(message));
    this.#carry(message);
    if (!this.#isHealed && random.chance(scenario.duplicates)) this.#carry(message);
  }

  /** A node has crashed. What it had handed to its machine may never have left. */
  crashed(id: number): void {
    const { queue, random } = this.#ports;
    if (random.chance(0.5)) this.#lostBefore.set(id, queue.now);
  }

  block(from: readonly number[], to: readonly number[], by: 1 | -1): void {
    for (const one of from)
      for (const other of to) {
        const way = wayOf(one, other);
        this.#blocks.set(way, (this.#blocks.get(way) ?? 0) + by);
      }
  }

  /** What is sent to a node takes longer from now on. */
  slowWay(to: number, byMs: number): void {
    this.#slowWays.set(to, (this.#slowWays.get(to) ?? 0) + byMs);
  }

  beginStorm(loss: number): void {
    this.#storms.push(loss);
  }

  endStorm(loss: number): void {
    const at = this.#storms.indexOf(loss);
    if (at >= 0) this.#storms.splice(at, 1);
  }

  /** From now on everything arrives, once, and not too late. */
  heal(): void {
    this.#isHealed = true;
    this.#blocks.clear();
    this.#slowWays.clear();
    this.#storms = [];
  }

  #carry(message: PeerMessage): void {
    const { queue, random, scenario } = this.#ports;
    const sentAt = queue.now;
    const isLate = !this.#isHealed && random.chance(scenario.late);
    // A snapshot is large.
    const size = message.kind === 'snapshot' ? 5 : 1;
    const delayMs = scenario.delayMs * (0.5 + random.share()) * (isLate ? 10 + 30 * random.share() : 1) * size;
    const slowMs = this.#slowWays.get(message.to) ?? 0;
    const keepsOrder = this.#isHealed || !(isLate || random.chance(scenario.disorder));
    queue.after(keepsOrder ? this.#inOrder(message, delayMs + slowMs) : delayMs + slowMs, () => {
      const isLost = this.#isBlocked(message) || sentAt <= (this.#lostBefore.get(message.from) ?? -1);
      if (!isLost) this.#ports.deliver(message);
      this.#ports.sent(message, !isLost);
    });
  }

  // A network that reorders everything would be another world: the leader sends ahead, and each message that arrives too early makes it
  // send everything again. A connection keeps the order; only a new one beside an old one does not.
  #inOrder({ from, to }: PeerMessage, delayMs: number): number {
    const { now } = this.#ports.queue;
    const way = wayOf(from, to);
    const at = Math.max(now + delayMs, this.#arrivals.get(way) ?? 0);
    this.#arrivals.set(way, at);
    return at - now;
  }

  #isBlocked({ from, to }: PeerMessage): boolean {
    return (this.#blocks.get(wayOf(from, to)) ?? 0) > 0;
  }
}

function wayOf(from: number, to: number): number {
  return from * 100 + to;
}

/** A message in a line. */
export function textOf(message: PeerMessage): string {
  const { kind, from, to, term } = message;
  const way = `${from} -> ${to}  ${kind}, term ${term}`;
  switch (message.kind) {
    case 'vote-request':
    case 'pre-vote-request':
      return `${way}, log ends at ${message.lastIndex} of term ${message.lastTerm}`;
    case 'vote-response':
    case 'pre-vote-response':
      return `${way}: ${message.isRejected ? 'no' : 'yes'}`;
    case 'append': {
      const { previousIndex, previousTerm, entries, commit } = message;
      const terms = entries.map((entry) => entry.term).join(' ');
      return `${way}, after ${previousIndex} of term ${previousTerm}: entries of terms [${terms}], commit ${commit}`;
    }
    case 'append-response':
      return message.isRejected
        ? `${way}: no match at ${message.index}, try ${message.hintIndex} of term ${message.hintTerm}`
        : `${way}: stored up to ${message.index}`;
    case 'heartbeat':
      return `${way}, commit ${message.commit}, round ${message.readRound}`;
    case 'snapshot':
      return `${way}, at ${message.snapshot.index} of term ${message.snapshot.term}`;
    case 'read-index-response':
      return `${way}: read ${message.context} at ${message.index}`;
    default:
      return way;
  }
}
