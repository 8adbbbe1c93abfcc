import type { Database } from 'better-sqlite3';
import type { ClusterMembership } from '../../domain/cluster-membership';
import { MemoryError } from '../../domain/errors';
import { noMembers } from '../../raft/core/configuration';
import type { Snapshot } from '../../raft/core/messages';
import type { HostTiming } from '../../raft/node/host-timing';
import { RaftHost } from '../../raft/node/raft-host';
import type { RaftStorage } from '../../raft/storage/raft-storage';
import type { NodeIdentity, PeerRefusal, RaftTransport } from '../../raft/transport/raft-transport';
import type { SnapshotFiles } from '../../replica/snapshot-files';
import { decodeManifest } from '../../replica/snapshot-manifest';
import { type JoinRequest, joinCluster } from '../cluster-joining';

/** What a new node needs to join. */
export interface FirstSnapshotDeps {
  /** The node has no cluster yet, or has joined one and got no snapshot of it. */
  readonly identity: NodeIdentity;
  readonly storage: RaftStorage & { setCluster(cluster: string): void };
  /** Not started. */
  readonly transport: RaftTransport;
  readonly timing: HostTiming;
  readonly seed: number;
  readonly snapshots: SnapshotFiles;
  /** An empty database, which the content of the cluster replaces. */
  readonly database: Database;
  /** The members in the database. */
  membership(): ClusterMembership | undefined;
  /** The address at which the members reach this node. */
  readonly address: string;
  /** Is told why this node and another one do not talk to each other. */
  onRefused(refusal: PeerRefusal): void;
  /** Addresses of members. */
  readonly join: readonly string[];
  readonly waitMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Joins a cluster as a learner, and resolves when the database of the new node has the content of the cluster. The node has ended then; it
 * starts again like every other member. Nothing of a store is opened before: even its secret comes with the content.
 *
 * @throws NO_QUORUM, INVALID_INPUT, CLUSTER_MISMATCH; whatever breaks the transfer
 */
export async function receiveFirstSnapshot(deps: FirstSnapshotDeps): Promise<void> {
  const { storage, transport, timing, seed, snapshots, address, join, waitMs, signal } = deps;
  const identity = { ...deps.identity };
  const host = new RaftHost({
    identity,
    seed,
    storage,
    transport,
    applied: { index: 0, term: 0 },
    membership: { index: 0, configuration: noMembers, addresses: {} },
    timing,
    snapshotPath: (snapshot) => snapshots.pathOf(snapshot),
  });
  let reject = (_: unknown): void => undefined;
  let resolve = (): void => undefined;
  const installed = new Promise<void>((done, failed) => {
    resolve = done;
    reject = failed;
  });
  installed.catch(() => undefined);
  const onAbort = () => reject(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    await host.start({
      install: (snapshot) => install(deps, snapshot, resolve),
      // The node has its content, and applies what follows after its next start.
      apply: () => undefined,
      onHalted: (reason) => reject(reason),
      onRefused: deps.onRefused,
      answer: async (_, request) => {
        if ((Object(request) as { who?: unknown }).who === true) return { node: identity.node };
        throw new MemoryError('NO_QUORUM', 'The node has not joined its cluster itself yet. Try again.');
      },
      onReadState: () => undefined,
      onBarrier: () => undefined,
      onRole: () => undefined,
      onTick: () => undefined,
    });
    const request = (to: { readonly address: string }, asked: JoinRequest) => host.request(to, asked);
    const joined = await joinCluster({ node: identity.node, address, join, waitMs, signal, request });
    storage.setCluster(joined.cluster);
    identity.cluster = joined.cluster;
    transport.setMembers(new Map(Object.entries(joined.addresses).map(([id, each]) => [Number(id), each])));
    await installed;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    await host.close();
  }
}

async function install(
  { snapshots, database, membership }: FirstSnapshotDeps,
  snapshot: Snapshot,
  done: () => void,
): Promise<ClusterMembership> {
  await snapshots.install(snapshot, decodeManifest(snapshot.data), database);
  const members = membership();
  if (members === undefined) throw new MemoryError('RECORD_DAMAGED', 'The snapshot of the cluster has no members.');
  done();
  return members;
}
