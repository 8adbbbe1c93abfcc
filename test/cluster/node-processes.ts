import { rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { ClusterOptions, ErrorCode } from 'multi-agent-memory';
import { type BuiltProgram, buildProgram } from '../connect/programs';
import type { Program } from '../faults/programs';
import { InboundProxy } from './inbound-proxy';
import type { NodeAnswers, NodeCall, NodeMessage, NodeRequest, NodeTask } from './node-messages';

/** Why a node has not answered with a value. The code is undefined if its process has ended. */
export class NodeFault extends Error {
  readonly code: ErrorCode | undefined;

  constructor(code: ErrorCode | undefined, message: string) {
    super(message);
    this.name = 'NodeFault';
    this.code = code;
  }
}

/** One node of the cluster, whose process may be killed and started again. */
export class NodeProcess {
  readonly name: string;
  readonly folder: string;
  /** What the other nodes connect to. */
  readonly proxy: InboundProxy;
  /** Where its connections to the others come from. */
  readonly localAddress: string;
  readonly #start: () => Program;
  #program: Program | undefined;
  #isOpen = false;
  #lastCall = 0;

  constructor(name: string, folder: string, proxy: InboundProxy, localAddress: string, start: () => Program) {
    this.name = name;
    this.localAddress = localAddress;
    this.folder = folder;
    this.proxy = proxy;
    this.#start = start;
  }

  /** The id of its process. */
  get pid(): number {
    return (this.#program as Program).pid;
  }

  /** Whether the store of the node is open. */
  get isRunning(): boolean {
    return this.#isOpen;
  }

  /**
   * Starts the process. Resolves when the store is open. If the others do not answer in time, it starts the process again, as what watches
   * over a process does.
   */
  async start(attempts = 5): Promise<void> {
    const program = this.#start();
    this.#program = program;
    const message = await program.said<NodeMessage>(({ say }) => say === 'open' || say === 'refused');
    const isPassing = message.say === 'refused' && (message.code === 'OUTCOME_UNKNOWN' || message.code === 'NO_QUORUM');
    if (isPassing && attempts > 1) return this.start(attempts - 1);
    if (message.say === 'refused') throw new NodeFault(message.code, `${this.name}: ${message.message}`);
    this.#isOpen = true;
  }

  /** Kills the process, so that it cannot clean up. */
  async kill(): Promise<void> {
    const program = this.#program;
    this.#program = undefined;
    this.#isOpen = false;
    await program?.kill();
  }

  /** Stops the process, as a machine does that has no memory or no processor left. Calls to it hang. */
  freeze(): void {
    this.#isOpen = false;
    process.kill((this.#program as Program).pid, 'SIGSTOP');
  }

  thaw(): void {
    process.kill((this.#program as Program).pid, 'SIGCONT');
    this.#isOpen = true;
  }

  /** Deletes everything that the node had stored. */
  wipe(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  async call<K extends NodeCall['op']>(call: Extract<NodeCall, { op: K }>): Promise<NodeAnswers[K]> {
    const program = this.#program;
    if (program === undefined) throw new NodeFault(undefined, `${this.name} does not run.`);
    const request: NodeRequest = { n: ++this.#lastCall, call };
    program.tell(JSON.stringify(request));
    const isAnswer = (each: NodeMessage) => (each.say === 'answer' || each.say === 'error') && each.n === request.n;
    const answer = await program.said<NodeMessage>(isAnswer).catch((error: Error) => {
      throw new NodeFault(undefined, error.message);
    });
    if (answer.say === 'error') throw new NodeFault(answer.code, `${this.name}: ${answer.message}`);
    return (answer as Extract<NodeMessage, { say: 'answer' }>).value as NodeAnswers[K];
  }
}

/** The processes of a cluster on this machine. The first one founds it, and the others join. */
export class NodeProcesses {
  readonly nodes: readonly NodeProcess[];
  readonly #built: BuiltProgram;

  private constructor(nodes: readonly NodeProcess[], built: BuiltProgram) {
    this.nodes = nodes;
    this.#built = built;
  }

  /** Starts so many nodes, with folders below `parent`, and with these options on each. Resolves when all are voters. */
  static async start(parent: string, count: number, options: Partial<ClusterOptions> = {}): Promise<NodeProcesses> {
    const built = await buildProgram('cluster/programs/node.ts');
    const ports = await freePorts(2 * count);
    const proxyPorts = ports.splice(count);
    const proxies = await Promise.all(ports.map((port, i) => InboundProxy.start(proxyPorts[i] as number, port)));
    const address = (port: number) => `127.0.0.1:${port}`;
    const nodes = ports.map((port, i) => {
      const folder = join(parent, `node-${i}`);
      const advertised = proxyPorts[i] as number;
      let isFirst = i === 0;
      // Every address of this network is this machine on Linux, and only there.
      const localAddress = process.platform === 'linux' ? `127.0.0.${i + 2}` : '127.0.0.1';
      return new NodeProcess(`node ${i}`, folder, proxies[i] as InboundProxy, localAddress, () => {
        const others = proxyPorts.filter((each) => each !== advertised).map(address);
        // Once founded, the first node joins like the others if its folder is lost.
        const start = isFirst ? { bootstrap: true } : { join: others };
        isFirst = false;
        const cluster = {
          listen: { host: '127.0.0.1', port },
          advertise: address(advertised),
          secret: 'only for this test',
          waitMs: 3_000,
          ...start,
          ...options,
        };
        return built.start({ folder, cluster, localAddress } satisfies NodeTask);
      });
    });
    const processes = new NodeProcesses(nodes, built);
    try {
      for (const node of nodes) await node.start();
      await processes.whole();
      return processes;
    } catch (error) {
      await processes.end();
      throw error;
    }
  }

  /** Lets nothing pass between a node and the others, in either direction. On other systems than Linux it still reaches them. */
  isolate(node: NodeProcess): void {
    node.proxy.cut();
    if (process.platform !== 'linux') return;
    for (const other of this.nodes) if (other !== node) other.proxy.shutFor(node.localAddress);
  }

  /** Ends what `isolate` and `cut` have begun. */
  heal(): void {
    for (const { proxy } of this.nodes) proxy.heal();
  }

  get running(): readonly NodeProcess[] {
    return this.nodes.filter((node) => node.isRunning);
  }

  /** The node that leads, as soon as a running one does. */
  async leader(): Promise<NodeProcess> {
    for (;;) {
      for (const node of this.running) {
        const status = await node.call({ op: 'status' }).catch(() => undefined);
        if (status?.role === 'leader') return node;
      }
      await pause(50);
    }
  }

  /**
   * Resolves when all nodes are running voters. Throws if those that are not make no progress for `maxMs`: a node that was wiped applies the
   * whole log first, which takes long on a busy machine.
   */
  async whole(maxMs = 60_000): Promise<void> {
    let began = performance.now();
    let last = '';
    for (;;) {
      const [node] = this.running;
      const status = await node?.call({ op: 'status' }).catch(() => undefined);
      const isWhole =
        status?.members.length === this.nodes.length &&
        status.members.every(({ role, state }) => role === 'voter' && state === 'running');
      if (isWhole) return;
      const missing = status?.members.filter(({ role, state }) => role !== 'voter' || state !== 'running');
      const now = JSON.stringify(missing?.map(({ id, role, state, applied }) => [id, role, state, applied]));
      if (now !== last) began = performance.now();
      last = now;
      if (performance.now() - began > maxMs) throw new Error(`The cluster is not whole: ${JSON.stringify(status)}`);
      await pause(100);
    }
  }

  /** Kills all processes and removes the program. */
  async end(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
    for (const { proxy } of this.nodes) proxy.close();
    this.#built.remove();
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ports.push((server.address() as { port: number }).port);
  }
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
