import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Database } from 'better-sqlite3';
import { version as release } from '../../../package.json';
import type { StoreCluster } from '../../domain/cluster-membership';
import { invalidInput, MemoryError } from '../../domain/errors';
import type { Environment } from '../../environment/environment';
import { analyzerVersion } from '../../keyword-index/analyzer';
import { configurationOf } from '../../raft/core/configuration';
import type { Snapshot } from '../../raft/core/messages';
import { type HostTiming, systemTiming } from '../../raft/node/host-timing';
import { RaftHost } from '../../raft/node/raft-host';
import type { RaftStorage, NodeIdentity as StoredIdentity } from '../../raft/storage/raft-storage';
import type { NodeIdentity, PeerRefusal, RaftTransport } from '../../raft/transport/raft-transport';
import { SnapshotFiles } from '../../replica/snapshot-files';
import { decodeManifest, encodeManifest } from '../../replica/snapshot-manifest';
import { foundingPlace, type StateStore } from '../../state/state-store';
import { loadChecksum } from '../../state/tables/checksum';
import { ClusterMemberships, hasMemberships } from '../../state/tables/cluster-membership';
import { schemaVersion, versionOf } from '../../state/tables/migrations';
import { answerJoinRequest, settleMember } from '../cluster-joining';
import type { ClusterSettings } from '../cluster-options';
import { raftFolder } from './file-names';
import { receiveFirstSnapshot } from './first-snapshot';
import { openStoreKey } from './open-files';
import type { OpenedNode } from './peer';
import { SnapshotKeeper } from './snapshot-keeper';

export interface ClusterFolderDeps {
  /** The folder of the store. */
  readonly folder: string;
  readonly settings: ClusterSettings;
  readonly environment: Environment;
  /** The database of the store. */
  readonly database: Database;
  readonly signal?: AbortSignal | undefined;
  /** Opens the storage of the node in this folder, and creates it for a new one. */
  openStorage(folder: string): Promise<NodeStorage>;
  makeTransport(settings: ClusterSettings): RaftTransport;
}

/** The storage of a node, which also knows who the node is. */
export interface NodeStorage extends RaftStorage {
  readonly identity: StoredIdentity;
  /** Stores the cluster that the node has founded or joined. */
  setCluster(cluster: string): void;
}

const clusterIdBytes = 16;
const seedBytes = 6;

/** The node of a folder: what it has on disk, and how the store that uses it gets it. */
export class ClusterFolder {
  readonly #deps: ClusterFolderDeps;
  readonly #snapshots: SnapshotFiles;
  readonly #timing: HostTiming = systemTiming();
  #storage: NodeStorage | undefined;

  private constructor(deps: ClusterFolderDeps, storage: NodeStorage, snapshots: SnapshotFiles) {
    this.#deps = deps;
    this.#storage = storage;
    this.#snapshots = snapshots;
  }

  /**
   * Opens the node of a folder. A new node joins its cluster first, and its database gets the content of the cluster.
   *
   * @throws INVALID_INPUT if the folder belongs to no cluster, and the options do not say what to do, or it has memories and should join;
   * CLUSTER_MISMATCH, FORBIDDEN, LOG_REGRESSED, RECORD_DAMAGED, NO_QUORUM
   */
  static async open(deps: ClusterFolderDeps): Promise<ClusterFolder> {
    const checksum = await loadChecksum();
    const path = join(deps.folder, raftFolder);
    const isNew = !existsSync(path);
    const storage = await openStorage(deps);
    const snapshots = new SnapshotFiles({ folder: join(deps.folder, raftFolder, 'snapshots'), checksum });
    const node = new ClusterFolder(deps, storage, snapshots);
    try {
      const membership = () => new ClusterMemberships(deps.database, checksum).get();
      // The database of an earlier release has the table, too, if its store belongs to a cluster.
      const known = hasMemberships(deps.database) ? membership() : undefined;
      if (known !== undefined) assertSameCluster(known, storage);
      else if (!deps.settings.bootstrap) await node.#join(membership);
      return node;
    } catch (error) {
      await node.close();
      // No member knows this node. What it has begun would only be in the way of whatever the folder becomes.
      if (isNew && isRefusal(error)) await rm(path, { recursive: true, force: true });
      throw error;
    }
  }

  /** Opens the node for a store. A store that belongs to no cluster founds one. */
  readonly openNode = async (state: StateStore): Promise<OpenedNode> => {
    const { settings, environment, database } = this.#deps;
    const storage = this.#opened;
    if (state.membership === undefined || isFounding(state.membership, storage)) await this.#found(state, storage);
    const membership = state.membership as StoreCluster;
    // The log is the durable part: what the database loses when the power fails is applied again.
    database.pragma('synchronous = NORMAL');
    const identity = this.#identityOf(storage);
    const host = new RaftHost({
      identity,
      seed: seedFrom(environment),
      storage,
      transport: this.#deps.makeTransport(settings),
      applied: state.logPosition(),
      membership,
      timing: this.#timing,
      snapshotPath: (snapshot) => this.#snapshots.pathOf(snapshot),
    });
    // The host closes it.
    this.#storage = undefined;
    const node = { link: host, membership: () => state.membership };
    return {
      link: host,
      cluster: membership.cluster,
      incarnation: { node: identity.node, start: identity.start },
      timing: this.#timing,
      waitMs: settings.waitMs,
      maxClockSkewMs: settings.maxClockSkewMs,
      install: (snapshot) => this.#snapshots.install(snapshot, decodeManifest(snapshot.data), database),
      answer: (_, request) => answerJoinRequest(node, request),
      onRefused: this.#onRefused,
      ...this.#background(state, host, storage.snapshot()?.index ?? 0),
    };
  };

  // Only an operator can mend it.
  readonly #onRefused = ({ message, ...details }: PeerRefusal): void => {
    this.#deps.environment.logger.warn(message, details);
  };

  /** What the node does beside calls: it becomes what the options say, and makes snapshots. */
  #background(
    state: StateStore,
    host: RaftHost,
    lastSnapshot: number,
  ): Required<Pick<OpenedNode, 'started' | 'closing'>> {
    const { settings, environment } = this.#deps;
    const { elapsedMs, schedule } = this.#timing;
    const ending = new AbortController();
    let keeper: SnapshotKeeper | undefined;
    return {
      started: () => {
        const { role, advertise: address } = settings;
        void settleMember({ link: host, role, address, membership: () => state.membership, signal: ending.signal });
        const make = () => this.makeSnapshot();
        const { logger } = environment;
        const { snapshotEveryMs: everyMs } = settings;
        const removeOlder = () => this.#snapshots.removeOlder();
        const keeping = { link: host, schedule, elapsedMs, logger, make, removeOlder, everyMs, last: lastSnapshot };
        keeper = new SnapshotKeeper(keeping);
      },
      closing: async () => {
        ending.abort();
        await keeper?.close();
      },
    };
  }

  /** Makes a snapshot of the state. */
  async makeSnapshot(): Promise<Snapshot> {
    const { index, term, membership, manifest } = await this.#snapshots.make(this.#deps.database);
    return { index, term, configuration: membership.configuration, data: encodeManifest(manifest) };
  }

  /** Closes what no store has taken over. */
  async close(): Promise<void> {
    await this.#storage?.close();
  }

  get #opened(): NodeStorage {
    if (this.#storage === undefined) throw new TypeError('The storage of the node was closed.');
    return this.#storage;
  }

  #identityOf(storage: NodeStorage): NodeIdentity {
    const { cluster = '', node, start } = storage.identity;
    return { cluster, node, start, release, schema: schemaVersion, analyzer: analyzerVersion };
  }

  /**
   * Makes a new cluster with this node as its only member. Its first snapshot is what other nodes begin with. Each step can follow after
   * a crash: the members are stored first, and the log begins last.
   */
  async #found(state: StateStore, storage: NodeStorage): Promise<void> {
    const { settings, environment } = this.#deps;
    const { node } = storage.identity;
    if (state.membership === undefined) {
      openStoreKey(state, environment);
      const cluster = Buffer.from(environment.randomBytes(clusterIdBytes)).toString('hex');
      const addresses = { [node]: settings.advertise };
      state.foundCluster({ cluster, configuration: configurationOf([node]), addresses });
    }
    storage.setCluster((state.membership as StoreCluster).cluster);
    const snapshot = await this.makeSnapshot();
    const hardState = { term: foundingPlace.term, vote: 0, commit: foundingPlace.index };
    await storage.store({ hardState, snapshot, entries: [] });
  }

  async #join(membership: () => StoreCluster | undefined): Promise<void> {
    const { settings, database, environment, makeTransport, signal } = this.#deps;
    const storage = this.#opened;
    const { join: members, waitMs, advertise: address } = settings;
    if (members.length === 0) {
      const message =
        'the folder belongs to no cluster. Give `bootstrap: true` to found one, or `join` with addresses of its nodes.';
      throw invalidInput([{ path: ['cluster'], message }], 'options');
    }
    if (versionOf(database) > 0) {
      const message =
        'the folder has memories of its own, which would be lost. Join with an empty folder, or found a cluster from these memories with `bootstrap: true`.';
      throw invalidInput([{ path: ['cluster', 'join'], message }], 'options');
    }
    // The host closes the storage, and the next start opens it again.
    this.#storage = undefined;
    await receiveFirstSnapshot({
      identity: this.#identityOf(storage),
      storage,
      transport: makeTransport(settings),
      timing: this.#timing,
      seed: seedFrom(environment),
      snapshots: this.#snapshots,
      database,
      membership,
      onRefused: this.#onRefused,
      address,
      join: members,
      waitMs,
      signal,
    });
    this.#storage = await openStorage(this.#deps);
  }
}

/** Whether a node was not let into its cluster, and the same options will never let it in. */
function isRefusal(error: unknown): boolean {
  return MemoryError.is(error) && ['INVALID_INPUT', 'CLUSTER_MISMATCH', 'FORBIDDEN'].includes(error.code);
}

function openStorage({ folder, openStorage: open }: ClusterFolderDeps): Promise<NodeStorage> {
  return open(join(folder, raftFolder));
}

/** Whether the node has begun to found this cluster, and its process has ended before the log had begun. */
function isFounding({ index, configuration }: StoreCluster, storage: NodeStorage): boolean {
  const { voters } = configuration;
  const isOwn = voters.length === 1 && voters[0] === storage.identity.node;
  return isOwn && index === foundingPlace.index && storage.lastIndex() === 0;
}

/** @throws CLUSTER_MISMATCH, LOG_REGRESSED */
function assertSameCluster(membership: StoreCluster, storage: NodeStorage): void {
  const { identity } = storage;
  if (identity.cluster === membership.cluster || isFounding(membership, storage)) return;
  if (identity.cluster === undefined) {
    const message =
      'The log of this node is gone: its folder `raft` is missing or new. Remove the node from the cluster, and let it join again with an empty folder.';
    throw new MemoryError('LOG_REGRESSED', message);
  }
  const message =
    'The memories and the log in this folder belong to different clusters. Restore the folder, or join with an empty one.';
  throw new MemoryError('CLUSTER_MISMATCH', message);
}

function seedFrom({ randomBytes }: Environment): number {
  return Buffer.from(randomBytes(seedBytes)).readUIntBE(0, seedBytes);
}
