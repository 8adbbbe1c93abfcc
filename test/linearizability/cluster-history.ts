import { setImmediate as turn } from 'node:timers/promises';
import { allow, MemoryError, type MemoryStore } from 'multi-agent-memory';
import { type InMemoryCluster, inMemoryCluster } from '../../src/testing/in-memory-cluster';
import { Random } from '../faults/random';
import { HistoryRecorder, type KeyedCall, type Operation, type Outcome } from './history';
import { randomCall, SeenVersions } from './simulated-history';
import { outcomeOf } from './store-history';

/** The size of a history of a cluster, and what befalls its nodes meanwhile. */
export interface ClusterHistoryOptions {
  readonly seed: number;
  readonly clients: number;
  readonly keys: number;
  readonly operationsPerClient: number;
  readonly faults: 'none' | 'partitions' | 'crashes';
}

const nodes = 3;

/**
 * Lets several clients call the nodes of one cluster at the same time, while nodes are cut off or crash, and records the history. Each
 * client stays at its node. All reads are linearizable.
 */
export async function clusterHistory(options: ClusterHistoryOptions): Promise<readonly Operation[]> {
  const { seed, clients } = options;
  const cluster = await inMemoryCluster({ nodes, seed, waitMs: 3_000, access: [allow('everyone', 'curator', [])] });
  try {
    const recorder = new HistoryRecorder();
    const seen = new SeenVersions();
    const running = Array.from({ length: clients }, (_, at) => client({ cluster, recorder, seen, options }, at + 1));
    let isOver = false;
    const disturbed = disturb(cluster, options, () => isOver);
    await Promise.all(running).finally(() => {
      isOver = true;
    });
    await disturbed;
    return recorder.history;
  } finally {
    await cluster.close();
  }
}

interface Course {
  readonly cluster: InMemoryCluster;
  readonly recorder: HistoryRecorder;
  readonly seen: SeenVersions;
  readonly options: ClusterHistoryOptions;
}

async function client({ cluster, recorder, seen, options }: Course, number: number): Promise<void> {
  const random = new Random(options.seed, number, 23);
  const name = `client-${number}`;
  const namespace = ['history'];
  for (let count = 1; count <= options.operationsPerClient; count++) {
    for (let turns = random.whole(0, 20); turns > 0; turns--) await turn();
    const key = `key-${random.whole(1, options.keys)}`;
    const call = randomCall(random, seen.of(key), `text-${number}-${count}`);
    const respond = recorder.invoke(name, key, call);
    const outcome = await outcomeIn(() => {
      const handle = (cluster.nodes[number % nodes] as MemoryStore).as({ agentId: name }, { namespace });
      return outcomeOf(handle, { namespace, key }, call, 'linearizable');
    }, call);
    respond(outcome);
    seen.add(key, call, outcome);
  }
}

/** A cluster may not know what became of a call. */
async function outcomeIn(made: () => Promise<Outcome>, { type }: KeyedCall): Promise<Outcome> {
  try {
    return await made();
  } catch (error) {
    const code = MemoryError.is(error) ? error.code : undefined;
    if (code === 'NO_QUORUM' || (code === 'STORE_CLOSED' && type === 'get')) return { type: 'withoutEffect' };
    if (code === 'OUTCOME_UNKNOWN' || code === 'STORE_CLOSED') return { type: 'unknown' };
    throw error;
  }
}

async function disturb(cluster: InMemoryCluster, { seed, faults }: ClusterHistoryOptions, isOver: () => boolean) {
  const random = new Random(seed, 29);
  while (faults !== 'none' && !isOver()) {
    for (let turns = random.whole(0, 60); turns > 0; turns--) await turn();
    const node = random.chance(0.5) ? (cluster.leader() ?? 0) : random.whole(0, nodes - 1);
    if (faults === 'partitions') cluster.partition([node]);
    else await cluster.crash(node);
    await cluster.advance(random.whole(0, 4_000));
    if (faults === 'partitions') cluster.heal();
    else await cluster.restart(node);
    await cluster.advance(random.whole(0, 1_000));
  }
}
