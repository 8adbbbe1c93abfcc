import { join } from 'node:path';
import type { Database } from 'better-sqlite3';
import type { LogEntry } from '../../domain/frame';
import { decodeFrame } from '../../log/frame-codec';
import type { Entry } from '../../raft/core/entry';
import { SnapshotFiles } from '../../replica/snapshot-files';
import { decodeManifest } from '../../replica/snapshot-manifest';
import { fromSqlite } from '../../sqlite/sqlite';
import { StateStore } from '../../state/state-store';
import { type Checksum, loadChecksum } from '../../state/tables/checksum';
import { openDatabase } from '../../state/tables/database';
import type { NodeStorage } from './cluster-folder';
import { databaseFile, raftFolder } from './file-names';
import { holdFolder, leave } from './leave-cluster';

/** What `recoverCluster` has found in the folder of a node. */
export interface ClusterRecovery {
  /** The id of the cluster that the node belonged to. */
  cluster: string;
  /** The number of the last entry of the log that the node had applied before. */
  applied: number;
  /** The number of the last entry of its log. It is applied now. */
  recovered: number;
  /**
   * How many of these entries the node did not know to be committed. They may have been acknowledged by another node, or by none. Then
   * their callers were told that the outcome is unknown, or nothing.
   */
  unconfirmed: number;
}

const maxBytes = 8 * 2 ** 20;

/**
 * Does what `recoverCluster` promises.
 *
 * @param openStorage Opens the storage of the node.
 */
export async function recoverFolder(
  folder: string | URL,
  openStorage: (folder: string) => Promise<NodeStorage>,
): Promise<ClusterRecovery | undefined> {
  const { path, release } = holdFolder(folder);
  try {
    const checksum = await loadChecksum();
    const database = openDatabase({ path: join(path, databaseFile), readOnly: false });
    let recovery: ClusterRecovery | undefined;
    try {
      if (new StateStore(database, checksum).membership === undefined) return undefined;
      const storage = await openStorage(join(path, raftFolder));
      try {
        recovery = await applyLog(path, database, checksum, storage);
      } finally {
        await storage.close();
      }
    } finally {
      database.close();
    }
    leave(path);
    return recovery;
  } catch (error) {
    throw fromSqlite(error);
  } finally {
    release();
  }
}

/** Applies the rest of the log. */
async function applyLog(
  folder: string,
  database: Database,
  checksum: Checksum,
  storage: NodeStorage,
): Promise<ClusterRecovery> {
  const applied = new StateStore(database, checksum).logPosition().index;
  const snapshot = storage.snapshot();
  // The process ended after a snapshot had arrived, and before its content was in the database.
  if (snapshot !== undefined && snapshot.index > applied) {
    const snapshots = new SnapshotFiles({ folder: join(folder, raftFolder, 'snapshots'), checksum });
    await snapshots.install(snapshot, decodeManifest(snapshot.data), database);
  }
  const state = new StateStore(database, checksum);
  const { commit } = storage.initialState().hardState;
  const last = storage.lastIndex();
  for (let next = state.logPosition().index + 1; next <= last; ) {
    for (const entry of storage.entries(next, last + 1, maxBytes) ?? []) state.applyEntry(logEntry(entry));
    next = state.logPosition().index + 1;
  }
  const known = Math.max(commit, applied, snapshot?.index ?? 0);
  const cluster = state.membership?.cluster ?? '';
  return { cluster, applied, recovered: state.logPosition().index, unconfirmed: Math.max(0, last - known) };
}

// The members do not matter any more.
function logEntry(entry: Entry): LogEntry {
  const { index, term } = entry;
  if (entry.kind !== 'normal' || entry.data.length === 0) return { index, term };
  return { index, term, frame: decodeFrame(entry.data) };
}
