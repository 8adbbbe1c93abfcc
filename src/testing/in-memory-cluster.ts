import { version } from '../../package.json';
import { defined } from '../domain/defined';
import { invalidInput } from '../domain/errors';
import type { Metadata } from '../domain/json';
import { fields, integer, parse, plainObject } from '../domain/parse/shapes';
import { fakeClock } from '../environment/fixture-environment';
import { analyzerVersion } from '../keyword-index/analyzer';
import type { RaftLog } from '../log/raft-log';
import type { ReplicatedLog } from '../log/replicated-log';
import { configurationOf } from '../raft/core/configuration';
import { noBytes } from '../raft/core/entry';
import { Generator } from '../raft/core/generator';
import { RaftHost } from '../raft/node/raft-host';
import { MemoryStorage } from '../raft/storage/memory-storage';
import { InProcessNetwork } from '../raft/transport/in-process-network';
import { foundingPlace, type StateStore } from '../state/state-store';
import { schemaVersion } from '../state/tables/migrations';
import type { ClusterNode } from '../store/cluster-node';
import { type NodeInMemory, openInMemory } from '../store/composition/compose';
import type { Engine } from '../store/composition/engine';
import { openStoreKey } from '../store/composition/open-files';
import type { OpenedNode } from '../store/composition/peer';
import { type MemoryStore, storeOf } from '../store/memory-store';
import { type OpenOptions, type Options, parseOptions } from '../store/open-options';
import { VirtualTime } from './virtual-time';

/** Options of `inMemoryCluster`: how many nodes it has, and the options with which each store is opened. */
export interface InMemoryClusterOptions<M = Metadata>
  extends Omit<OpenOptions<M>, 'cluster' | 'serve' | 'readOnly' | 'trustFolder'> {
  /** The number of nodes, from 1 to 7. Default: 3. */
  nodes?: number;
  /** Decides which node wins an election. The same seed and the same calls give the same course. Default: 1. */
  seed?: number;
  /** How long a call waits for the other nodes, in milliseconds of the cluster's own time. Default: 5,000. */
  waitMs?: number;
}

/** Several stores in this process that form one cluster. Nodes are numbered from 0, in the order of `nodes`. */
export interface InMemoryCluster<M = Metadata> extends AsyncDisposable {
  /** The store of each node. That of a node which has crashed rejects every call with STORE_CLOSED, until `restart` replaces it. */
  readonly nodes: readonly MemoryStore<M>[];
  /** The number of the node that leads. Undefined while none is known to a majority. */
  leader(): number | undefined;
  /** Lets nodes reach only those of their own group. Nodes that are in no group form one more. */
  partition(...groups: readonly (readonly number[])[]): void;
  /** Ends all partitions. */
  heal(): void;
  /** Ends a node at once, as if its process had been killed. */
  crash(node: number): Promise<void>;
  /** Starts a node that has crashed, with everything that it had written. Resolves with its new store, which is also in `nodes`. */
  restart(node: number): Promise<MemoryStore<M>>;
  /** Lets time pass for the nodes, for example so that a leader which is cut off notices it. */
  advance(ms: number): Promise<void>;
  /** Resolves when no node has anything left to do: each one that can reach a majority has applied every write. */
  settle(): Promise<void>;
  /** Closes all stores. */
  close(): Promise<void>;
}

/**
 * Opens a cluster of stores in this process, for unit tests of programs that will run on several machines. Every store in it is a
 * `MemoryStore`, and the nodes agree on each write by the same consensus as nodes in different processes. It uses no disk and no network.
 *
 * Its time has nothing to do with the time of the machine. It passes while a call waits for other nodes, and otherwise it stands still. So
 * fake timers do not stop it, and a call that fails with NO_QUORUM after five seconds takes a few milliseconds.
 *
 * @throws INVALID_INPUT, SQLITE_UNAVAILABLE
 * @example
 * ```ts
 * import { allow } from 'multi-agent-memory';
 * import { inMemoryCluster } from 'multi-agent-memory/testing';
 * await using cluster = await inMemoryCluster({ access: [allow('everyone', 'writer', ['support'])] });
 * const [one, two, three] = cluster.nodes.map((node) => node.as({ agentId: 'billing' }, { namespace: ['support'] }));
 * await one?.remember('The customer wants the refund on the card.');
 * await cluster.settle();
 * const hits = await two?.recall('how does the customer want to be paid back?');
 * cluster.partition([2]);
 * await three?.remember('Nobody else gets this.').catch((error) => error.code); // NO_QUORUM
 * ```
 */
export async function inMemoryCluster<M = Metadata>(
  options: InMemoryClusterOptions<M> = {},
): Promise<InMemoryCluster<M>> {
  parse(plainObject, options, 'options');
  const { nodes, seed, waitMs, ...rest } = options;
  const own = parse(ownShape, defined({ nodes, seed, waitMs }), 'options');
  const perNode = ['cluster', 'serve', 'readOnly', 'trustFolder'].filter((name) => name in rest);
  if (perNode.length > 0) {
    const message = 'a store of a cluster in memory has no folder, and all of them can write. Leave this option out.';
    throw invalidInput(
      perNode.map((name) => ({ path: [name], message })),
      'options',
    );
  }
  const clock = rest.clock ?? fakeClock(undefined, 1);
  const cluster = new SimulatedCluster<M>({
    options: parseOptions<M>({ ...rest, clock }),
    count: own.nodes ?? 3,
    seed: own.seed ?? 1,
    waitMs: own.waitMs ?? 5_000,
  });
  await cluster.open();
  return cluster;
}

const maxNodes = 7;
const ownShape = fields({
  nodes: integer(1, maxNodes).optional(),
  seed: integer(0).optional(),
  waitMs: integer(0).optional(),
});

interface Plan {
  readonly options: Options;
  readonly count: number;
  readonly seed: number;
  readonly waitMs: number;
}

interface Running<M> {
  readonly store: MemoryStore<M>;
  readonly engine: Engine;
  readonly log: RaftLog;
}

interface Node<M> {
  readonly id: number;
  readonly address: string;
  readonly storage: MemoryStorage;
  starts: number;
  ids: number;
  content: NodeInMemory['content'];
  running: Running<M> | undefined;
}

const cluster = 'c'.repeat(32);
/** Time in which a cluster that can elect a leader has elected one. */
const quietMs = 3_000;
const stepMs = 50;

class SimulatedCluster<M> implements InMemoryCluster<M> {
  readonly #plan: Plan;
  readonly #time = new VirtualTime();
  readonly #network: InProcessNetwork;
  readonly #nodes: readonly Node<M>[];
  readonly #stores: MemoryStore<M>[] = [];
  #closing: Promise<void> | undefined;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#network = new InProcessNetwork({ seed: plan.seed, schedule: this.#time.schedule });
    const ids = Array.from({ length: plan.count }, (_, at) => at + 1);
    const start = { ...foundingPlace, configuration: configurationOf(ids), data: noBytes };
    this.#nodes = ids.map((id) => ({
      id,
      address: `node-${id}`,
      storage: new MemoryStorage(start),
      starts: 0,
      ids: 0,
      content: undefined,
      running: undefined,
    }));
  }

  get nodes(): readonly MemoryStore<M>[] {
    return this.#stores;
  }

  /** Starts all nodes. One of them declares the rules, which then are those of all. */
  async open(): Promise<void> {
    const { access: _, accessVersion: __, ...others } = this.#plan.options;
    const opened = this.#nodes.map((node, at) => this.#start(node, at === 0 ? this.#plan.options : others));
    const failed = (await Promise.allSettled(opened)).find((each) => each.status === 'rejected');
    if (failed !== undefined) {
      await this.close();
      throw failed.reason;
    }
    await this.settle();
  }

  leader(): number | undefined {
    const leading = this.#nodes.filter(({ running }) => running?.engine.cluster?.link.status().role === 'leader');
    const termOf = ({ running }: Node<M>) => running?.engine.cluster?.link.status().term ?? 0;
    const [newest] = leading.sort((a, b) => termOf(b) - termOf(a));
    return newest && newest.id - 1;
  }

  partition(...groups: readonly (readonly number[])[]): void {
    this.#network.partition(...groups.map((group) => group.map((node) => this.#node(node).address)));
  }

  heal(): void {
    this.#network.heal();
  }

  async crash(node: number): Promise<void> {
    const found = this.#node(node);
    const { running } = found;
    if (running === undefined) throw wrongNode(node, 'one that runs', 'one that has crashed');
    found.content = contentOf(running.engine);
    found.running = undefined;
    await running.log.abort();
    await running.store.close();
  }

  async restart(node: number): Promise<MemoryStore<M>> {
    const found = this.#node(node);
    if (found.running !== undefined) throw wrongNode(node, 'one that has crashed', 'one that runs');
    const { access: _, accessVersion: __, ...options } = this.#plan.options;
    return this.#start(found, options);
  }

  advance(ms: number): Promise<void> {
    return this.#time.advance(parse(integer(0), ms, 'ms'));
  }

  async settle(): Promise<void> {
    let last = '';
    for (let quiet = 0; quiet < quietMs; quiet += stepMs) {
      await this.#time.advance(stepMs);
      const now = JSON.stringify(this.#nodes.map((node) => progressOf(node.running?.engine)));
      if (now !== last) quiet = 0;
      last = now;
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    for (const node of this.#nodes) {
      const { running } = node;
      node.running = undefined;
      // Waits for the writes on their way, for which the others are still there.
      if (running !== undefined) await this.#time.during(() => running.store.close());
    }
  }

  async #start(node: Node<M>, options: Options): Promise<MemoryStore<M>> {
    node.starts++;
    const seed = this.#seedOf(node);
    let log: RaftLog | undefined;
    const engine = await this.#time.during(() =>
      openInMemory(options, {
        content: node.content,
        environment: { newId: options.newId ?? (() => idOf(node)), randomBytes: bytesFrom(seed) },
        openNode: (state) => this.#opened(node, state),
        onLog: (made) => {
          log = made;
          return this.#observed(made);
        },
      }),
    );
    const store = storeOf<M>(engine, () => engine.close());
    node.running = { engine, store, log: log as RaftLog };
    this.#stores[node.id - 1] = store;
    return store;
  }

  #opened(node: Node<M>, state: StateStore): OpenedNode {
    const { id, address, storage, starts } = node;
    if (state.membership === undefined) {
      // All nodes begin with the same content: the secret that a store of this seed has.
      openStoreKey(state, { randomBytes: bytesFrom(this.#plan.seed) });
      const addresses = Object.fromEntries(this.#nodes.map((each) => [each.id, each.address]));
      state.foundCluster({ cluster, configuration: configurationOf(this.#nodes.map((each) => each.id)), addresses });
    }
    const { membership } = state;
    if (membership === undefined) throw new TypeError('A store that has founded a cluster belongs to it.');
    const identity = {
      cluster,
      node: id,
      start: starts,
      release: version,
      schema: schemaVersion,
      analyzer: analyzerVersion,
    };
    const host = new RaftHost({
      identity,
      seed: this.#seedOf(node),
      storage,
      transport: this.#network.transport(address),
      applied: state.logPosition(),
      membership,
      timing: this.#time,
      snapshotPath: noSnapshots,
    });
    return {
      link: host,
      administration: this.#administration(host),
      cluster,
      incarnation: { node: id, start: starts },
      timing: this.#time,
      waitMs: this.#plan.waitMs,
      install: noSnapshots,
    };
  }

  /** Lets time pass while somebody waits for the log of a node. */
  #observed(log: RaftLog): ReplicatedLog {
    const time = this.#time;
    return {
      propose: (command) => time.during(() => log.propose(command)),
      barrier: (level) => time.during(() => log.barrier(level), false),
      position: () => log.position(),
      get pending() {
        return log.pending;
      },
      status: () => log.status(),
      close: () => time.during(() => log.close()),
    };
  }

  /** Lets time pass while an operator waits for another node. */
  #administration(host: RaftHost): ClusterNode['link'] {
    const time = this.#time;
    return {
      id: host.id,
      status: () => host.status(),
      statusOf: (node) => time.during(() => host.statusOf(node)),
      changeMembers: (change) => time.during(() => host.changeMembers(change)),
      transfer: (to) => time.during(() => host.transfer(to)),
      request: (to, request) => time.during(() => host.request(to, request)),
    };
  }

  /** Differs for each start of each node. */
  #seedOf({ id, starts }: Node<M>): number {
    return this.#plan.seed * 10_000 + id * 1_000 + starts;
  }

  #node(node: number): Node<M> {
    const found = this.#nodes[parse(integer(0), node, 'node')];
    if (found !== undefined) return found;
    throw wrongNode(node, `a number from 0 to ${this.#nodes.length - 1}`, `${node}`);
  }
}

/** The ids of the nodes differ, and are the same in every run. */
function idOf(node: { readonly id: number; ids: number }): string {
  const [place, count] = [node.id, ++node.ids].map((number) => number.toString(16));
  return `00000000-0000-7000-8${place?.padStart(3, '0')}-${count?.padStart(12, '0')}`;
}

/** Bytes that look random, and are the same in every run. */
function bytesFrom(seed: number): (length: number) => Uint8Array {
  const generator = new Generator(seed);
  return (length) => Uint8Array.from({ length }, () => generator.below(256));
}

function contentOf({ state, audit }: Engine): NodeInMemory['content'] {
  return { database: state.database.serialize(), audit: audit.database.serialize() };
}

function progressOf(engine: Engine | undefined): unknown {
  if (engine === undefined) return undefined;
  const { role, leader, term, committed, applied } = engine.cluster?.link.status() ?? {};
  return [role, leader, term, committed, applied];
}

/** The log of a cluster in memory is never cut, so no node needs a snapshot. */
function noSnapshots(): never {
  throw new TypeError('The nodes of a cluster in memory send each other no snapshots.');
}

function wrongNode(node: number, wanted: string, got: string) {
  return invalidInput([{ path: [], message: `expected the number of ${wanted}, got ${got}.` }], `node ${node}`);
}
