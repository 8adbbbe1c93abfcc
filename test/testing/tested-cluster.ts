import { onTestFinished } from 'vitest';
import { allow, MemoryError, type MemoryStore } from '../../src/index';
import {
  type InMemoryCluster,
  type InMemoryClusterOptions,
  inMemoryCluster,
} from '../../src/testing/in-memory-cluster';

export const namespace = ['support'];
export const access = [allow('everyone', 'writer', namespace)];

export async function opened(options: InMemoryClusterOptions = { access }): Promise<InMemoryCluster> {
  const cluster = await inMemoryCluster(options);
  onTestFinished(() => cluster.close());
  return cluster;
}

/** The handle of an agent on a node. */
export function agent(cluster: InMemoryCluster, node: number) {
  return (cluster.nodes[node] as MemoryStore).as({ agentId: `agent-${node}` }, { namespace });
}

export async function textsOn(cluster: InMemoryCluster, node: number): Promise<string[]> {
  const { items } = await (cluster.nodes[node] as MemoryStore).admin.list({ consistency: 'local', order: 'oldest' });
  return items.map(({ text }) => text);
}

export async function codeOf(call: PromiseLike<unknown>): Promise<string> {
  try {
    await call;
    return 'done';
  } catch (error) {
    return MemoryError.is(error) ? error.code : String(error);
  }
}

/** The digest of each node's state. */
export async function digestsOf(cluster: InMemoryCluster): Promise<unknown[]> {
  const { members } = await (cluster.nodes[0] as MemoryStore).cluster.compare();
  return members.map(({ digest }) => digest);
}
