import { setTimeout as pause } from 'node:timers/promises';
import { Random } from '../faults/random';
import { NodeFault, type NodeProcess, NodeProcesses } from './node-processes';

export interface CyclesOptions {
  /** The parent of the folders of the nodes. */
  readonly folder: string;
  readonly cycles: number;
  readonly seed: number;
  /** How many callers write at the same time. */
  readonly writers: number;
  /** Is told of each fault. */
  onFault?(line: string): void;
}

/**
 * What is done to the cluster in a cycle.
 *
 * - `leader`, `follower`, `all` Their processes are killed.
 * - `wipe` A follower is killed and loses its folder.
 * - `freeze` The process of the leader stands still for a while.
 * - `cut` Nothing reaches the leader for a while, but it reaches the others.
 * - `isolate` Nothing passes between the leader and the others for a while.
 */
export type Fault = 'leader' | 'follower' | 'wipe' | 'all' | 'freeze' | 'cut' | 'isolate';

export interface CyclesReport {
  readonly faults: readonly { readonly fault: Fault; readonly gapMs: number }[];
  readonly acknowledged: number;
  /** Writes that were sent again, because a node had not answered or did not know. */
  readonly repeated: number;
  readonly problems: readonly string[];
}

// Rare enough that most cycles test an election, and frequent enough to come in a short run.
const faults: readonly Fault[] = ['leader', 'leader', 'leader', 'follower', 'wipe', 'freeze', 'cut', 'all', 'isolate'];
const acksAfterFault = 10;
/** A call to a process that stands still is given up after this time. */
const maxCallMs = 6_000;

/**
 * Writes through all nodes of a cluster of three processes, and kills nodes meanwhile. Then compares what each node has with what was
 * acknowledged.
 */
export async function runCycles({ folder, cycles, seed, writers, onFault }: CyclesOptions): Promise<CyclesReport> {
  const random = new Random(seed);
  const processes = await NodeProcesses.start(folder, 3);
  const load = new WriteLoad(processes, seed);
  try {
    load.start(writers);
    const told: { fault: Fault; gapMs: number }[] = [];
    for (let cycle = 0; cycle < cycles; cycle++) {
      await load.acknowledge(acksAfterFault);
      // Each kind once, then at random.
      const fault = faults[cycle + 2] ?? random.pick(faults);
      const began = performance.now();
      const names = await strike(processes, fault, random, load);
      const gapMs = load.longestGapSince(began);
      told.push({ fault, gapMs });
      onFault?.(`${fault} (${names}): ${gapMs.toFixed(0)} ms without an answer`);
      await processes.whole();
    }
    await load.acknowledge(acksAfterFault);
    await load.stop();
    const { acknowledged, repeated } = load;
    return { faults: told, acknowledged: acknowledged.size, repeated, problems: await problemsOf(processes, load) };
  } finally {
    await load.stop();
    await processes.end();
  }
}

/** Does the fault, and starts what was killed. Resolves when the cluster has taken writes again, with the names of the nodes. */
async function strike(processes: NodeProcesses, fault: Fault, random: Random, load: WriteLoad): Promise<string> {
  const leader = await processes.leader();
  if (fault === 'freeze' || fault === 'cut' || fault === 'isolate') {
    if (fault === 'freeze') leader.freeze();
    else if (fault === 'cut') leader.proxy.cut();
    else processes.isolate(leader);
    await load.acknowledge(acksAfterFault);
    if (fault === 'isolate') await assertIsolated(leader);
    if (fault === 'freeze') leader.thaw();
    else processes.heal();
    await load.acknowledge(acksAfterFault);
    return leader.name;
  }
  const others = processes.nodes.filter((node) => node !== leader);
  const struck: readonly NodeProcess[] =
    fault === 'all' ? processes.nodes : [fault === 'leader' ? leader : random.pick(others)];
  await Promise.all(struck.map((node) => node.kill()));
  if (fault !== 'all') await load.acknowledge(acksAfterFault);
  if (fault === 'wipe') for (const node of struck) node.wipe();
  await Promise.all(struck.map((node) => node.start()));
  await load.acknowledge(acksAfterFault);
  return struck.map(({ name }) => name).join(', ');
}

/** A node that still reached the others would make every isolation a success. */
async function assertIsolated(node: NodeProcess): Promise<void> {
  const { id, members } = await node.call({ op: 'status' });
  const reached = members.filter((member) => member.id !== id && member.state !== 'unreachable');
  if (process.platform === 'linux' && reached.length > 0) throw new Error(`${node.name} is not isolated.`);
}

/** Callers that write through random nodes. A write that was not answered is sent again, to another node, with the same key. */
class WriteLoad {
  readonly acknowledged = new Map<string, number>();
  repeated = 0;
  readonly #processes: NodeProcesses;
  readonly #random: Random;
  #writers: Promise<void>[] = [];
  #written = 0;
  #isStopped = false;
  #failure: unknown;

  constructor(processes: NodeProcesses, seed: number) {
    this.#processes = processes;
    this.#random = new Random(seed, 1);
  }

  start(count: number): void {
    const failed = (error: unknown) => {
      this.#failure = error;
    };
    this.#writers = Array.from({ length: count }, () => this.#write().catch(failed));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#writers);
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Resolves when so many more writes were acknowledged. */
  async acknowledge(count: number, maxMs = 60_000): Promise<void> {
    const wanted = this.acknowledged.size + count;
    const began = performance.now();
    while (this.acknowledged.size < wanted) {
      if (this.#failure !== undefined) throw this.#failure;
      if (performance.now() - began > maxMs) throw new Error(`No writes were acknowledged for ${maxMs} ms.`);
      await pause(5);
    }
  }

  /** The longest time without an answer to a write. */
  longestGapSince(began: number): number {
    let last = began;
    let longest = 0;
    for (const at of this.acknowledged.values()) {
      if (at < began) continue;
      longest = Math.max(longest, at - last);
      last = at;
    }
    return longest;
  }

  async #write(): Promise<void> {
    while (!this.#isStopped) {
      const text = `write ${++this.#written}`;
      while (!(await this.#tryOnce(text))) {
        if (this.#isStopped) return;
        this.repeated++;
        await pause(20);
      }
      this.acknowledged.set(text, performance.now());
    }
  }

  async #tryOnce(text: string): Promise<boolean> {
    const { running } = this.#processes;
    if (running.length === 0) return false;
    try {
      const call = this.#random.pick(running).call({ op: 'remember', text, idempotencyKey: text });
      call.catch(() => undefined);
      return await Promise.race([call.then(() => true), pause(maxCallMs, false)]);
    } catch (error) {
      const retryable = ['NO_QUORUM', 'OUTCOME_UNKNOWN', 'STORE_UNREACHABLE', 'OVERLOADED', 'STORE_CLOSED', undefined];
      if (error instanceof NodeFault && retryable.includes(error.code)) return false;
      throw error;
    }
  }
}

/** What is wrong with the memories of each node. */
async function problemsOf({ nodes }: NodeProcesses, { acknowledged }: WriteLoad): Promise<string[]> {
  const problems: string[] = [];
  const all = await Promise.all(nodes.map((node) => node.call({ op: 'texts' })));
  for (const [i, texts] of all.entries()) {
    const { name } = nodes[i] as NodeProcess;
    const found = new Set(texts);
    const lost = [...acknowledged.keys()].filter((text) => !found.has(text));
    if (lost.length > 0) problems.push(`${name} has lost ${lost.length} acknowledged writes, such as "${lost[0]}".`);
    if (found.size < texts.length) problems.push(`${name} has ${texts.length - found.size} writes twice.`);
    if (texts.join() !== all[0]?.join()) problems.push(`${name} has other memories than ${nodes[0]?.name}.`);
  }
  return problems;
}
