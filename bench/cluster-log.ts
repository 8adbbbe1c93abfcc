import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { nextTurn } from '../src/environment/timers';
import { LocalLog } from '../src/log/local-log';
import { MemoryStorage } from '../src/raft/storage/memory-storage';
import { SegmentStorage } from '../src/raft/storage/segment-storage';
import { InProcessNetwork } from '../src/raft/transport/in-process-network';
import { ReadModel } from '../src/state/read-model';
import { StateStore } from '../src/state/state-store';
import { loadChecksum } from '../src/state/tables/checksum';
import { openDatabase } from '../src/state/tables/database';
import { median, quantile } from './shared/figures';
import { type Load, type LoadFigures, load } from './shared/log-load';
import {
  Commands,
  cluster,
  EmptyState,
  foundingMembers,
  foundingSnapshot,
  type LogNode,
  startLogNode,
} from './shared/log-node';
import { type Question, type Setting, samples } from './shared/question';
import { type Row, row } from './shared/row';
import { calm } from './shared/timing';

/** How a process of the benchmark is started. */
export interface LogNodeStart {
  readonly folder: string;
  readonly index: number;
  readonly addresses: Readonly<Record<string, string>>;
  /** Whether entries are applied to a store's database, or only decoded. */
  readonly applies: boolean;
  readonly secret: string;
}

/** What the benchmark asks a process. `gap`: the longest time without an answer, within some milliseconds. */
export type LogQuestion =
  | { readonly ask: 'leads' | 'cpu' | 'transfer' | 'end' }
  | ({ readonly ask: 'load' } & Load)
  | { readonly ask: 'gap'; readonly ms: number };

/** What a process answers. */
export interface LogAnswer {
  readonly leads?: boolean;
  readonly cpuUs?: number;
  readonly load?: LoadFigures;
  readonly gapMs?: number;
}

const rounds = 5;
const callers = 64;
const size = 3;
const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

/** The log of a cluster of three nodes: alone, and with the databases of three stores. */
export const clusterLog: Question = {
  name: 'cluster-log',
  asks: 'How many writes a second do three nodes of a cluster agree on, what does the log cost beside applying them, and how long does a change of the leader interrupt writes?',
  async run(setting) {
    return [
      ...(await inOneProcess(setting)),
      ...(await beside(setting)),
      ...(await applied(setting)),
      ...(await interrupted(setting)),
    ];
  },
};

/** Three nodes in this process, without disk and sockets: what consensus, codec and frames allow. */
async function inOneProcess(setting: Setting): Promise<Row[]> {
  const network = new InProcessNetwork();
  const membership = foundingMembers({ 1: 'a', 2: 'b', 3: 'c' });
  const nodes = await Promise.all(
    Object.entries(membership.addresses).map(([id, address]) =>
      startLogNode({
        id: Number(id),
        start: 1,
        storage: new MemoryStorage(foundingSnapshot(membership)),
        transport: network.transport(address),
        membership,
        state: new EmptyState(),
      }),
    ),
  );
  const leader = await leaderOf(nodes);
  const commands = new Commands('own');
  const figures = await repeated(samples(setting, rounds, 1), () =>
    load(leader.log, commands, { callers, count: samples(setting, 20_000, 200) }),
  );
  await Promise.all(nodes.map(({ log }) => log.abort()));
  const name = 'cluster-log, 3 nodes in one process, commit only';
  return [
    row({ name, value: median(figures.map((each) => each.perSecond)), unit: 'writes/s', goal: { atLeast: 20_000 } }),
    row({ name: `${name}, p50`, value: median(figures.map((each) => each.p50Ms)), unit: 'ms', goal: { atMost: 3 } }),
    row({ name: `${name}, processor time of all`, value: median(figures.map((each) => each.cpuUs)), unit: 'us/write' }),
  ];
}

/** Three processes with disks and TCP that only decode what they would apply: the cost of the log beside it. */
async function beside(setting: Setting): Promise<Row[]> {
  const nodes = await Processes.start(setting, false);
  const leader = await nodes.leader();
  const follower = nodes.others(leader)[0] as ChildProcess;
  const count = samples(setting, 10_000, 200);
  const cost: [number[], number[]] = [[], []];
  const figures = await repeated(samples(setting, rounds, 1), async () => {
    const before = [await cpuOf(leader), await cpuOf(follower)] as const;
    const measured = await loaded(leader, { callers, count });
    cost[0].push(((await cpuOf(leader)) - before[0]) / count);
    cost[1].push(((await cpuOf(follower)) - before[1]) / count);
    return measured;
  });
  const transfers = await repeated(samples(setting, rounds, 1), async () => {
    const from = await nodes.leader();
    const [writer] = nodes.others(from) as [ChildProcess];
    const gap = ask(writer, { ask: 'gap', ms: 1_000 });
    await setTimeout(300);
    await ask(from, { ask: 'transfer' });
    return (await gap).gapMs ?? Number.NaN;
  });
  await nodes.end();
  const name = 'cluster-log, 3 processes over TCP with disks, commit only';
  return [
    row({ name, value: median(figures.map((each) => each.perSecond)), unit: 'writes/s' }),
    row({
      name: `${name}, processor time of the leader`,
      value: median(cost[0]),
      unit: 'us/write',
      goal: { atMost: 25 },
    }),
    row({ name: `${name}, of a follower`, value: median(cost[1]), unit: 'us/write', goal: { atMost: 15 } }),
    row({
      name: 'cluster-log, writes interrupted by a transfer',
      value: median(transfers),
      unit: 'ms',
      goal: { atMost: 300 },
    }),
  ];
}

/** Three processes that apply to a database, against the log of a store alone. */
async function applied(setting: Setting): Promise<Row[]> {
  const nodes = await Processes.start(setting, true);
  const leader = await nodes.leader();
  const alone = await aloneLog(setting);
  const many = { callers, count: samples(setting, 5_000, 200) };
  const one = { callers: 1, count: samples(setting, 200) };
  const own = new Commands('alone');
  const pairs = await repeated(samples(setting, rounds, 1), async () => {
    return {
      cluster: await loaded(leader, many),
      clusterOne: await loaded(leader, one),
      alone: await load(alone, own, many),
      aloneOne: await load(alone, own, one),
    };
  });
  await nodes.end();
  await alone.close();
  const name = 'cluster-log, 3 processes, applied on all';
  const of = (pick: (pair: (typeof pairs)[number]) => number) => median(pairs.map(pick));
  return [
    row({
      name,
      value: of((pair) => pair.cluster.perSecond),
      baseline: of((pair) => pair.alone.perSecond),
      unit: 'writes/s',
      goal: { atLeast: 4_500 },
    }),
    row({
      name: `${name}, one write`,
      value: of((pair) => pair.clusterOne.p50Ms),
      baseline: of((pair) => pair.aloneOne.p50Ms),
      unit: 'ms',
      goal: { ratioAtMost: 3 },
    }),
  ];
}

/** The leader's process is killed while a caller at another node writes. */
async function interrupted(setting: Setting): Promise<Row[]> {
  const nodes = await Processes.start(setting, false);
  const gaps = await repeated(samples(setting, 12, 1), async () => {
    const leader = await nodes.leader();
    const [writer] = nodes.others(leader) as [ChildProcess];
    const gap = ask(writer, { ask: 'gap', ms: 4_000 });
    await setTimeout(300);
    await nodes.kill(leader);
    const { gapMs = Number.NaN } = await gap;
    await nodes.restart(leader);
    return gapMs;
  });
  await nodes.end();
  const name = 'cluster-log, writes interrupted by a killed leader, p95';
  return [row({ name, value: quantile(gaps, 0.95), unit: 'ms', goal: { atMost: 2_500 } })];
}

/** Processes with one node each. */
export class Processes {
  readonly #starts: readonly LogNodeStart[];
  readonly #children: ChildProcess[];

  private constructor(starts: readonly LogNodeStart[], children: ChildProcess[]) {
    this.#starts = starts;
    this.#children = children;
  }

  static async start(setting: Setting, applies: boolean): Promise<Processes> {
    const parent = await mkdtemp(join(setting.folder, 'nodes-'));
    const folders = Array.from({ length: size }, (_, i) => join(parent, `${i}`));
    const addresses: Record<string, string> = {};
    for (const folder of folders) addresses[await identityIn(folder)] = `127.0.0.1:${await freePort()}`;
    for (const folder of folders) await found(folder, addresses);
    const secret = randomBytes(16).toString('hex');
    const starts = folders.map((folder, index) => ({ folder, index, addresses, applies, secret }));
    return new Processes(starts, await Promise.all(starts.map(started)));
  }

  async leader(): Promise<ChildProcess> {
    for (;;) {
      for (const child of this.#children) if ((await ask(child, { ask: 'leads' })).leads) return child;
      await setTimeout(50);
    }
  }

  others(child: ChildProcess): ChildProcess[] {
    return this.#children.filter((each) => each !== child);
  }

  async kill(child: ChildProcess): Promise<void> {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  async restart(child: ChildProcess): Promise<void> {
    const at = this.#children.indexOf(child);
    this.#children[at] = await started(this.#starts[at] as LogNodeStart);
  }

  async end(): Promise<void> {
    const ended = this.#children.map((child) => once(child, 'exit'));
    for (const child of this.#children) child.send({ ask: 'end' } satisfies LogQuestion);
    await Promise.all(ended);
  }
}

async function started(start: LogNodeStart): Promise<ChildProcess> {
  const script = fileURLToPath(new URL('cluster-log-process.ts', import.meta.url));
  const child = fork(script, [JSON.stringify(start)], { execArgv: ['--import', tsx] });
  await once(child, 'message');
  return child;
}

async function ask(child: ChildProcess, question: LogQuestion): Promise<LogAnswer> {
  const answer = once(child, 'message');
  child.send(question);
  const [told] = (await answer) as [LogAnswer];
  return told;
}

async function cpuOf(child: ChildProcess): Promise<number> {
  return (await ask(child, { ask: 'cpu' })).cpuUs ?? Number.NaN;
}

export async function loaded(child: ChildProcess, wanted: Load): Promise<LoadFigures> {
  const { load: figures } = await ask(child, { ask: 'load', ...wanted });
  if (figures === undefined) throw new Error('The node has measured nothing.');
  return figures;
}

/** Runs a measurement once to warm up, and then some times. */
export async function repeated<T>(times: number, measure: () => Promise<T>): Promise<T[]> {
  await measure();
  await calm();
  const results: T[] = [];
  for (let round = 0; round < times; round++) results.push(await measure());
  return results;
}

async function leaderOf(nodes: readonly LogNode[]): Promise<LogNode> {
  for (;;) {
    const found = nodes.find(({ host }) => host.status().role === 'leader' && host.hasReadLease);
    if (found !== undefined) return found;
    await setTimeout(20);
  }
}

async function identityIn(folder: string): Promise<number> {
  await mkdir(join(folder, 'raft'), { recursive: true, mode: 0o700 });
  const storage = await SegmentStorage.open({ folder: join(folder, 'raft'), randomBytes });
  const { node } = storage.identity;
  await storage.close();
  return node;
}

async function found(folder: string, addresses: Readonly<Record<string, string>>): Promise<void> {
  const storage = await SegmentStorage.open({ folder: join(folder, 'raft'), randomBytes });
  storage.setCluster(cluster);
  const snapshot = foundingSnapshot(foundingMembers(addresses));
  const hardState = { term: snapshot.term, vote: 0, commit: snapshot.index };
  await storage.store({ snapshot, entries: [], hardState });
  await storage.close();
}

export async function aloneLog({ folder }: Setting): Promise<LocalLog> {
  const own = await mkdtemp(join(folder, 'alone-'));
  const database = openDatabase({ path: join(own, 'memory.db'), readOnly: false });
  database.pragma('synchronous = full');
  const state = new StateStore(database, await loadChecksum());
  const model = new ReadModel(state);
  return new LocalLog({
    apply: (batch) => {
      const result = state.apply(batch);
      model.follow(result);
      return result.outcomes;
    },
    position: () => state.lastChangeSeq,
    sync: undefined,
    nextTurn,
    maxPending: 10_000,
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
