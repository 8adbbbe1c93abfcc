import { allow, MemoryError, type MemoryHandle, type MemoryStore, type RuleInForce } from 'multi-agent-memory';
import { Generator } from '../../src/raft/core/generator';
import { type InMemoryCluster, inMemoryCluster } from '../../src/testing/in-memory-cluster';

const namespace = ['ward'];
const guest = { agentId: 'guest' };
const nodes = 3;

/** What the reads after revocations got. */
export interface RevocationReport {
  /** Reads that returned the memory although the call that took it away was acknowledged before they began. */
  leaks: string[];
  /** How many reads were refused because their node was cut off, and how many found nothing. */
  refused: number;
  hidden: number;
  /** How many reads before the revocation returned the memory on the node that was cut off. */
  readable: number;
}

/**
 * Takes a memory away from a guest again and again, while a node is cut off that has just served reads, and lets the guest read on every
 * node as soon as that is acknowledged. What ends is the permission or the memory, or the memory goes where the guest may not read.
 */
export async function revoke(rounds: number, seed: number): Promise<RevocationReport> {
  const random = new Generator(seed);
  const report: RevocationReport = { leaks: [], refused: 0, hidden: 0, readable: 0 };
  const cluster = await inMemoryCluster({ seed, nodes, access: [allow({ agentId: 'author' }, 'curator', [])] });
  try {
    for (let round = 0; round < rounds; round++) await revokeOnce({ cluster, random, round, report });
    return report;
  } finally {
    await cluster.close();
  }
}

interface Round {
  readonly cluster: InMemoryCluster;
  readonly random: Generator;
  readonly round: number;
  readonly report: RevocationReport;
}

const ways = ['end', 'deny', 'forget', 'share', 'hide'] as const;

async function revokeOnce({ cluster, random, round, report }: Round): Promise<void> {
  const { id } = await authorOn(cluster, 0).remember('secret', { namespace });
  const rule = await storeOf(cluster, random.below(nodes)).admin.access.allow(guest, ['read'], namespace);
  await cluster.settle();
  const cut = random.below(nodes);
  cluster.partition([cut]);
  await cluster.advance(random.below(1_900));
  if ((await readAs(cluster, cut, id)) === 'found') report.readable++;
  const other = (cut + 1 + random.below(nodes - 1)) % nodes;
  // The leader may be the node that is cut off.
  const way = ways[round % ways.length] as (typeof ways)[number];
  const { access } = storeOf(cluster, other).admin;
  const author = authorOn(cluster, other);
  const denied = await untilDone<unknown>(() => {
    switch (way) {
      case 'end':
        return access.end(rule.id);
      case 'deny':
        return access.deny(guest, ['read'], namespace);
      case 'forget':
        return author.forget(id);
      case 'share':
        return author.share(id, { namespace: ['closed'] });
      default:
        return author.share(id, { visibility: 'private' });
    }
  });
  for (let node = 0; node < nodes; node++) {
    const found = await readAs(cluster, node, id);
    if (found === 'found') report.leaks.push(`round ${round}: node ${node}, ${cut} was cut off, ${way} on ${other}`);
    else report[found]++;
  }
  cluster.heal();
  await cluster.settle();
  if (way !== 'end') await access.end(rule.id);
  if (way === 'deny') await access.end((denied as RuleInForce).id);
}

function authorOn(cluster: InMemoryCluster, node: number): MemoryHandle {
  return storeOf(cluster, node).as({ agentId: 'author' });
}

/** Repeats a call until it succeeds: while a new leader is elected, nobody knows its outcome. */
async function untilDone<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!MemoryError.is(error) || !['NO_QUORUM', 'OUTCOME_UNKNOWN'].includes(error.code)) throw error;
    }
  }
}

async function readAs(cluster: InMemoryCluster, node: number, id: string): Promise<'found' | 'refused' | 'hidden'> {
  try {
    return (await storeOf(cluster, node).as(guest, { namespace }).get(id)) === undefined ? 'hidden' : 'found';
  } catch (error) {
    if (MemoryError.is(error) && error.code === 'NO_QUORUM') return 'refused';
    throw error;
  }
}

function storeOf(cluster: InMemoryCluster, node: number): MemoryStore {
  return cluster.nodes[node] as MemoryStore;
}
