import type { ClusterMembership } from '../domain/cluster-membership';
import { invalidInput, MemoryError } from '../domain/errors';
import { messageOf } from '../domain/realms';
import { pause, startStopwatch } from '../environment/timers';
import type { MemberChange, RaftLink } from '../raft/node/raft-link';
import type { ClusterNode } from './cluster-node';

/**
 * What a program asks a node, to become one itself.
 *
 * - `join` Add the node as a learner, at this address.
 * - `who` Which node answers at this address?
 */
export type JoinRequest =
  | { readonly join: { readonly node: number; readonly address: string } }
  | { readonly who: true };

/** The answer to `join`. */
export interface Joined {
  /** The id of the cluster. */
  readonly cluster: string;
  /** The addresses of its members, by their ids. */
  readonly addresses: Readonly<Record<string, string>>;
}

/** The member that is asked. */
export interface AskedMember extends Pick<ClusterNode, 'membership'> {
  readonly link: Pick<RaftLink, 'id' | 'request' | 'changeMembers'>;
}

const retryMs = 200;

/**
 * Answers what a program asks that wants to become a node. Certificates, or the secret of the cluster, have let it connect, and that is
 * what admits a node: a member may do everything, so a token that is needed only once would protect nothing more.
 */
export async function answerJoinRequest(node: AskedMember, given: unknown): Promise<unknown> {
  const request = requestOf(given);
  if (request === undefined) throw new MemoryError('INVALID_INPUT', 'The node does not know this request.');
  if ('who' in request) return { node: node.link.id };
  return join(node, request.join);
}

async function join(
  { link, membership }: AskedMember,
  { node, address }: { node: number; address: string },
): Promise<Joined> {
  const known = membership();
  if (known === undefined)
    throw new MemoryError('NO_QUORUM', 'The node has not joined its cluster itself yet. Try again.');
  await assertReachable(link, node, address);
  // The folder of the node that had this address is gone: at its address, another node has just answered. It can never come back.
  const gone = Object.keys(known.addresses).find((id) => known.addresses[id] === address && Number(id) !== node);
  if (gone !== undefined) await link.changeMembers({ kind: 'remove', node: Number(gone) });
  const { addresses } = await link.changeMembers({ kind: 'add', node, address });
  return { cluster: known.cluster, addresses };
}

/** Checks that the node which asks is the one at the address that it wants to have, so that a wrong address adds no dead member. */
async function assertReachable(link: AskedMember['link'], node: number, address: string): Promise<void> {
  let found: unknown;
  try {
    const who: JoinRequest = { who: true };
    found = (Object(await link.request({ address }, who)) as { node?: unknown }).node;
  } catch (cause) {
    const message = `expected an address at which the other nodes reach this one, got ${address}, where this node does not answer: ${messageOf(cause)}`;
    throw invalidInput([{ path: ['cluster', 'advertise'], message }], 'options');
  }
  if (found === node) return;
  const message = `expected an address of this node, got ${address}, where another node answers.`;
  throw invalidInput([{ path: ['cluster', 'advertise'], message }], 'options');
}

function requestOf(given: unknown): JoinRequest | undefined {
  const { join: asked, who } = Object(given) as { join?: unknown; who?: unknown };
  if (who === true) return { who };
  const { node, address } = Object(asked) as { node?: unknown; address?: unknown };
  return isId(node) && typeof address === 'string' ? { join: { node, address } } : undefined;
}

function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

/** How a node asks to be added. */
export interface JoinOptions {
  readonly node: number;
  /** The address at which the others reach it. */
  readonly address: string;
  /** Addresses of members. They are asked in turn, until one has added the node. */
  readonly join: readonly string[];
  readonly waitMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Asks the node at an address. */
  request(to: { readonly address: string }, request: JoinRequest): Promise<unknown>;
}

/**
 * Asks the members to be added.
 *
 * @throws NO_QUORUM if no member has added the node in time, with the reason that the last one has given; INVALID_INPUT if the members
 * cannot reach the node at its address; FORBIDDEN if no member accepts the certificate or the secret of this node
 */
export async function joinCluster({
  node,
  address,
  join: members,
  waitMs,
  signal,
  request,
}: JoinOptions): Promise<Joined> {
  const elapsedMs = startStopwatch();
  for (;;) {
    let reason = '';
    let forbidden = 0;
    for (const member of members) {
      signal?.throwIfAborted();
      try {
        return (await request({ address: member }, { join: { node, address } })) as Joined;
      } catch (error) {
        if (MemoryError.is(error) && (error.code === 'INVALID_INPUT' || error.code === 'CLUSTER_MISMATCH')) throw error;
        // All have the same secret or authority, so none of them will accept this node later. One address may be that of a stranger.
        if (MemoryError.is(error) && error.code === 'FORBIDDEN' && ++forbidden === members.length) throw error;
        reason = `${member}: ${messageOf(error)}`;
      }
    }
    if (elapsedMs() >= waitMs) {
      const message = `No node of the cluster has added this node within ${waitMs} ms. Check that a majority of its voters is running, and that one of the addresses in \`join\` is theirs. The last answer is from ${reason}`;
      throw new MemoryError('NO_QUORUM', message);
    }
    await pause(retryMs, signal, { keepsAlive: true });
  }
}

/** What a member needs to become what its options say. */
export interface SettleOptions {
  readonly link: Pick<RaftLink, 'id' | 'changeMembers'>;
  readonly role: 'voter' | 'learner';
  readonly address: string;
  membership(): ClusterMembership | undefined;
  /** Is aborted when the node ends. */
  readonly signal: AbortSignal;
}

/**
 * Tells the other members the address of this node, if it is another one than before, and asks for its vote, until it has both. The leader
 * refuses a vote as long as the node lacks entries that are older than a second. A node that does not know itself as a member waits: it may
 * not have applied the entry yet that has added it.
 */
export async function settleMember({ link, role, address, membership, signal }: SettleOptions): Promise<void> {
  const node = link.id;
  while (!signal.aborted) {
    const { addresses, configuration } = membership() ?? {};
    const isMember = addresses?.[node] !== undefined;
    const isAtAddress = addresses?.[node] === address;
    const hasRole = role === 'learner' || configuration?.learners.includes(node) === false;
    if (isMember && isAtAddress && hasRole) return;
    const change: MemberChange = isAtAddress ? { kind: 'promote', node } : { kind: 'add', node, address };
    // A removed node must not add itself again.
    if (isMember) await link.changeMembers(change).catch(() => undefined);
    await pause(retryMs, signal);
  }
}
