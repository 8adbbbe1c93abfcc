import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { findServer, NatsServers } from '../test/jetstream/nats-server';
import { aloneLog, loaded, Processes, repeated } from './cluster-log';
import { median } from './shared/figures';
import { type Load, type LoadFigures, load } from './shared/log-load';
import { Commands } from './shared/log-node';
import { type Question, type Setting, samples } from './shared/question';
import { type Row, row } from './shared/row';

/** How a process with a store on the stream is started. */
export interface StreamLogStart {
  readonly folder: string;
  readonly node: number;
  readonly servers: readonly string[];
  readonly stream: string;
  readonly replicas: 1 | 3;
}

/** What the benchmark asks a process. */
export type StreamLogQuestion =
  | ({ readonly ask: 'load' } & Load)
  | { readonly ask: 'reach'; readonly position: number }
  | { readonly ask: 'end' };

/** What a process answers. */
export interface StreamLogAnswer {
  readonly load?: LoadFigures;
  readonly position?: number;
}

const rounds = 3;
const size = 3;
const callers = 64;
const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

/** Three stores on a stream of three servers, beside a store alone and three nodes of a cluster. All sync each write. */
export const jetStreamLog: Question = {
  name: 'jetstream-log',
  asks: 'How many writes a second are applied on three stores whose log is a stream of JetStream, beside a store alone and a cluster of three nodes?',
  async run(setting) {
    const found = await findServer();
    if ('missing' in found) return { skipped: found.missing };
    const servers = await NatsServers.start(found.path, size);
    try {
      return await measured(setting, servers);
    } finally {
      await servers.close();
    }
  },
};

async function measured(setting: Setting, servers: NatsServers): Promise<Row[]> {
  const alone = await aloneLog(setting);
  const own = new Commands('alone');
  const nodes = await Processes.start(setting, true);
  const leader = await nodes.leader();
  const stores = await started(setting, servers);
  const many = { callers, count: samples(setting, 5_000, 20) };
  const one = { callers: 1, count: samples(setting, 100) };
  const figures = await repeated(samples(setting, rounds, 1), async () => ({
    alone: await load(alone, own, many),
    aloneOne: await load(alone, own, one),
    raft: await loaded(leader, many),
    raftOne: await loaded(leader, one),
    stream: await appliedOnAll(stores, many),
    streamOne: await appliedOnAll(stores, one),
  }));
  await ended(stores);
  await nodes.end();
  await alone.close();
  const of = (pick: (figure: (typeof figures)[number]) => number) => median(figures.map(pick));
  const name = 'jetstream-log, applied on 3 stores';
  const baseline = of((each) => each.alone.perSecond);
  const baselineOne = of((each) => each.aloneOne.p50Ms);
  return [
    row({ name, value: of((each) => each.stream.perSecond), baseline, unit: 'writes/s' }),
    row({ name: `${name}, one write`, value: of((each) => each.streamOne.p50Ms), baseline: baselineOne, unit: 'ms' }),
    row({
      name: 'jetstream-log, a cluster of 3 nodes',
      value: of((each) => each.raft.perSecond),
      baseline,
      unit: 'writes/s',
    }),
    row({
      name: 'jetstream-log, a cluster of 3 nodes, one write',
      value: of((each) => each.raftOne.p50Ms),
      baseline: baselineOne,
      unit: 'ms',
    }),
  ];
}

/** Writes on one store, until the others have applied it, too. */
async function appliedOnAll(stores: readonly ChildProcess[], wanted: Load): Promise<LoadFigures> {
  const [writer, ...others] = stores as [ChildProcess, ...ChildProcess[]];
  const began = performance.now();
  const { load: figures, position } = await ask(writer, { ask: 'load', ...wanted });
  if (figures === undefined || position === undefined) throw new Error('The store has measured nothing.');
  await Promise.all(others.map((each) => ask(each, { ask: 'reach', position })));
  return { ...figures, perSecond: wanted.count / ((performance.now() - began) / 1_000) };
}

async function started({ folder }: Setting, servers: NatsServers): Promise<ChildProcess[]> {
  const parent = await mkdtemp(join(folder, 'stores-'));
  const script = fileURLToPath(new URL('jetstream-log-process.ts', import.meta.url));
  const children: ChildProcess[] = [];
  for (let node = 1; node <= size; node++) {
    const own = await mkdtemp(join(parent, `${node}-`));
    const start: StreamLogStart = { folder: own, node, servers: servers.addresses, stream: 'bench', replicas: size };
    const child = fork(script, [JSON.stringify(start)], { execArgv: ['--import', tsx] });
    await once(child, 'message');
    children.push(child);
  }
  return children;
}

async function ended(children: readonly ChildProcess[]): Promise<void> {
  const exits = children.map((child) => once(child, 'exit'));
  for (const child of children) child.send({ ask: 'end' } satisfies StreamLogQuestion);
  await Promise.all(exits);
}

async function ask(child: ChildProcess, question: StreamLogQuestion): Promise<StreamLogAnswer> {
  const answer = once(child, 'message');
  child.send(question);
  const [told] = (await answer) as [StreamLogAnswer];
  return told;
}
