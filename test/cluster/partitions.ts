import { pause } from '../../src/environment/timers';
import { Random } from '../faults/random';
import { command } from '../log/recorded-state';
import { TcpCluster, type TcpNode } from '../log/tcp-cluster';
import { TestAuthority } from '../raft/transport/certificates';
import { closeProxies, FaultProxy } from '../raft/transport/fault-proxy';

/** Which ways a partition closes. `deaf`, `mute` and `oneWay` work in one direction only. */
export type PartitionKind = 'isolated' | 'pair' | 'deaf' | 'mute' | 'oneWay';

export interface PartitionReport {
  readonly partitions: readonly { readonly kind: PartitionKind; readonly healedMs: number; readonly terms: number }[];
  readonly acknowledged: number;
  readonly problems: readonly string[];
}

export interface PartitionOptions {
  readonly count: number;
  readonly seed: number;
  onPartition?(line: string): void;
}

const nodeCount = 3;
// A write is sent to two nodes, and they answer.
const minBytesPerWrite = 200;
const kinds: readonly PartitionKind[] = ['isolated', 'deaf', 'pair', 'mute', 'isolated', 'oneWay'];
const wait = (ms: number) => pause(ms, undefined, { keepsAlive: true });

/**
 * Partitions three nodes over TCP with certificates again and again, while a caller on each of them writes. A way is closed by proxies that
 * lose all bytes in one direction of every connection, as a network does: handshakes and signs of life get lost, too.
 */
export async function runPartitions({ count, seed, onPartition }: PartitionOptions): Promise<PartitionReport> {
  const random = new Random(seed);
  const ways = new Ways();
  const cluster = await ways.open();
  const writers = cluster.nodes.map((node, at) => new Writer(node, at));
  const partitions: PartitionReport['partitions'][number][] = [];
  try {
    await cluster.leader();
    for (let at = 0; at < count; at += 1) {
      const kind = kinds[at % kinds.length] as PartitionKind;
      const before = highestTerm(cluster);
      ways.close(kind, random);
      await wait(200 + random.whole(0, 2_300));
      ways.heal();
      const began = performance.now();
      await Promise.all(writers.map((writer) => writer.nextAnswer()));
      const healedMs = performance.now() - began;
      const terms = highestTerm(cluster) - before;
      partitions.push({ kind, healedMs, terms });
      onPartition?.(
        `${at + 1} ${kind}: all nodes answer ${healedMs.toFixed(0)} ms after it ended, ${terms} terms later.`,
      );
    }
    await Promise.all(writers.map((writer) => writer.end()));
    await cluster.settled();
    const acknowledged = writers.flatMap((writer) => writer.acknowledged);
    const problems = [...problemsOf(cluster, acknowledged), ...ways.problems(acknowledged.length)];
    return { partitions, acknowledged: acknowledged.length, problems };
  } finally {
    await cluster.close();
    await closeProxies();
  }
}

function highestTerm({ nodes }: TcpCluster): number {
  return Math.max(...nodes.map(({ host }) => host.status().term));
}

function problemsOf({ nodes }: TcpCluster, acknowledged: readonly number[]): readonly string[] {
  const [first, ...others] = nodes.map(({ state }) => state.numbers) as [readonly number[], ...(readonly number[])[]];
  const known = new Set(first);
  const lost = acknowledged.filter((n) => !known.has(n));
  return [
    ...(lost.length > 0 ? [`${lost.length} acknowledged writes are lost.`] : []),
    ...(known.size === first.length ? [] : [`${first.length - known.size} writes were done twice.`]),
    ...(others.every((each) => each.join() === first.join()) ? [] : ['The nodes have applied different writes.']),
    ...nodes.flatMap(({ host }) => host.status().haltReason ?? []),
  ];
}

/** One proxy for each direction of each pair of nodes. */
class Ways {
  readonly #proxies: FaultProxy[][] = [];
  #ids: readonly number[] = [];

  async open(): Promise<TcpCluster> {
    for (let from = 0; from < nodeCount; from += 1) {
      this.#proxies[from] = await Promise.all(Array.from({ length: nodeCount }, () => FaultProxy.start()));
    }
    const authority = new TestAuthority();
    const issued = authority.issue({ names: ['127.0.0.1'] });
    const route = (from: number, to: number, address: string): string => {
      // The ids are known when the first node dials.
      if (from === to) return address;
      const proxy = this.#proxy(this.#at(from), this.#at(to));
      proxy.target = address;
      return proxy.address;
    };
    // What a node says of its own address would lead past the proxies.
    const proof = { tls: () => ({ ...issued, ca: authority.cert }), advertise: '127.0.0.1:1' };
    return TcpCluster.open(nodeCount, { proof, route });
  }

  /** Nodes that reach each other past the proxies would make every partition a success. */
  problems(writes: number): readonly string[] {
    const bytes = this.#proxies.flat().reduce((sum, { forwardedBytes }) => sum + forwardedBytes, 0);
    return bytes > writes * minBytesPerWrite ? [] : [`Only ${bytes} bytes have passed the proxies.`];
  }

  close(kind: PartitionKind, random: Random): void {
    const one = random.whole(0, nodeCount - 1);
    const another = (one + random.whole(1, nodeCount - 1)) % nodeCount;
    const others = [0, 1, 2].filter((each) => each !== one);
    if (kind === 'isolated' || kind === 'mute') for (const other of others) this.#shut(one, other);
    if (kind === 'isolated' || kind === 'deaf') for (const other of others) this.#shut(other, one);
    if (kind === 'pair' || kind === 'oneWay') this.#shut(one, another);
    if (kind === 'pair') this.#shut(another, one);
  }

  heal(): void {
    for (const proxy of this.#proxies.flat()) proxy.heal();
  }

  // Also what answers on connections that the other side has dialled.
  #shut(from: number, to: number): void {
    this.#proxy(from, to).forward = 'drop';
    this.#proxy(to, from).backward = 'drop';
  }

  #proxy(from: number, to: number): FaultProxy {
    return (this.#proxies[from] as FaultProxy[])[to] as FaultProxy;
  }

  #at(id: number): number {
    if (!this.#ids.includes(id)) this.#ids = [...this.#ids, id];
    return this.#ids.indexOf(id);
  }
}

/** Writes one number after the other on a node. A number whose outcome is unknown is not used again. */
class Writer {
  readonly acknowledged: number[] = [];
  readonly #node: TcpNode;
  readonly #done: Promise<void>;
  #next: number;
  #isEnding = false;
  #waiting: { readonly after: number; readonly resolve: () => void }[] = [];

  constructor(node: TcpNode, at: number) {
    this.#node = node;
    this.#next = at;
    this.#done = this.#run();
  }

  /** Resolves when a write that begins from now on is acknowledged. */
  nextAnswer(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push({ after: this.#next, resolve }));
  }

  end(): Promise<void> {
    this.#isEnding = true;
    return this.#done;
  }

  async #run(): Promise<void> {
    while (!this.#isEnding) {
      const n = this.#next;
      this.#next += nodeCount;
      try {
        await this.#node.log.propose(command(n));
        this.acknowledged.push(n);
        const reached = this.#waiting.filter(({ after }) => n >= after);
        this.#waiting = this.#waiting.filter(({ after }) => n < after);
        for (const { resolve } of reached) resolve();
      } catch {
        // No quorum, or the outcome is unknown.
      }
      await wait(5);
    }
  }
}
