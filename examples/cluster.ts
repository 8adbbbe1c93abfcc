/**
 * Three processes on this machine are a cluster, and an agent writes through each of them. The process that leads is killed: the other two
 * go on. It comes back and gets what it has missed. In the end all three have the same, and everything that was acknowledged.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { News, NodeTask, Question } from './cluster/messages';
import { screenOn } from './screen';

const screen = screenOn(process.stdout);
const script = fileURLToPath(new URL('cluster/node.ts', import.meta.url));
const began = performance.now();

/** Prints a line with the time since the start. */
function print(text: string): void {
  screen.print(`${screen.style('dim', `${((performance.now() - began) / 1_000).toFixed(1).padStart(5)} s`)}  ${text}`);
}

/** A process of the cluster, with what it has told. */
class NodeOfDemo {
  readonly name: string;
  id: number | undefined;
  leader: number | undefined;
  /** When each finding was acknowledged. */
  readonly stored = new Map<string, number>();
  readonly #task: NodeTask;
  #child: ChildProcess | undefined;

  constructor(task: NodeTask) {
    this.name = task.agent;
    this.#task = task;
  }

  /** Starts the process. Resolves when it is a node of the cluster. */
  async start(): Promise<void> {
    const child = fork(script, [JSON.stringify(this.#task)]);
    this.#child = child;
    child.on('message', (news: News) => {
      if (news.event === 'open') this.id = news.id;
      if (news.event === 'leader') this.leader = news.id;
      if (news.event === 'stored') this.stored.set(news.text, performance.now());
    });
    await this.told('open');
  }

  async told<E extends News['event']>(event: E): Promise<Extract<News, { event: E }>> {
    const child = this.#child as ChildProcess;
    const over = once(child, 'exit').then(() => {
      throw new Error(`The process of ${this.name} has ended.`);
    });
    over.catch(() => undefined);
    for (;;) {
      const [news] = (await Promise.race([once(child, 'message'), over])) as [News];
      if (news.event === event) return news as Extract<News, { event: E }>;
    }
  }

  ask(question: Question): void {
    this.#child?.send(question);
  }

  async kill(): Promise<void> {
    const child = this.#child as ChildProcess;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }

  async close(): Promise<void> {
    const exit = once(this.#child as ChildProcess, 'exit');
    this.ask('close');
    await exit;
  }
}

const folder = await mkdtemp(join(tmpdir(), 'cluster-demo-'));
const ports = await freePorts(3);
const addresses = ports.map((port) => `127.0.0.1:${port}`);
const nodes = ['ada', 'ben', 'cleo'].map((agent, i) => {
  const start = i === 0 ? { bootstrap: true } : { join: [addresses[0] as string] };
  const listen = { host: '127.0.0.1', port: ports[i] as number };
  return new NodeOfDemo({
    agent,
    folder: join(folder, agent),
    cluster: { listen, secret: 'only for this demo', ...start },
  });
});
const nameOf = (id: number | undefined) => nodes.find((node) => node.id === id)?.name ?? 'nobody';
const countStored = () => nodes.reduce((sum, { stored }) => sum + stored.size, 0);

for (const node of nodes) {
  await node.start();
  print(`${node.name}'s process ${node === nodes[0] ? 'founds the cluster' : 'joins it'}`);
}
await pause(3_000);
const leader = nodes.find(({ id }) => id === nodes[1]?.leader) ?? (nodes[0] as NodeOfDemo);
print(`three agents have stored ${countStored()} findings, each in its own process; ${leader.name}'s process leads`);

const others = nodes.filter((node) => node !== leader);
const killedAt = performance.now();
await leader.kill();
print(screen.style('red', `${leader.name}'s process is killed`));
await pause(4_000);
const times = others.flatMap(({ stored }) => [...stored.values()]).filter((at) => at > killedAt);
const gapMs = longestGap([killedAt, ...times].sort((a, b) => a - b));
print(
  `${nameOf(others[0]?.leader)}'s process leads now; for ${(gapMs / 1_000).toFixed(1)} s no write was acknowledged, and since the kill ${times.length} were`,
);

await leader.start();
print(`${leader.name}'s process is back`);
await pause(2_000);
for (const node of nodes) {
  const stopped = node.told('stopped');
  node.ask('stop');
  await stopped;
}
const acknowledged = nodes.flatMap(({ stored }) => [...stored.keys()]);
let isWhole = true;
for (const node of nodes) {
  const answer = node.told('findings');
  node.ask('findings');
  const { texts } = await answer;
  const found = new Set(texts);
  const lost = acknowledged.filter((text) => !found.has(text)).length;
  const twice = texts.length - found.size;
  isWhole &&= lost === 0 && twice === 0;
  print(
    `${node.name}'s process has ${texts.length} findings: ${lost} of ${acknowledged.length} acknowledged ones are lost, ${twice} are there twice`,
  );
}
for (const node of nodes) await node.close();
await rm(folder, { recursive: true });
screen.print(
  isWhole ? screen.style('green', 'Nothing was lost, and nothing was stored twice.') : 'The check has failed.',
);
if (!isWhole) process.exitCode = 1;

function longestGap(moments: readonly number[]): number {
  return moments.reduce((longest, at, i) => Math.max(longest, at - (moments[i - 1] ?? at)), 0);
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const found: number[] = [];
  for (const server of servers) {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    found.push((server.address() as { port: number }).port);
  }
  await Promise.all(servers.map(async (server) => once(server.close(), 'close')));
  return found;
}
