import fs from 'node:fs';
import type { Snapshot } from '../core/messages';
import { HardStateFile, hardStateName, type StoredState } from './hard-state-file';
import { identityName, readIdentity, type StoredIdentity, writeIdentity } from './identity-file';
import { type ScannedLog, scanLog } from './log-scan';
import { createSegmentNow, defaultSegmentBytes, type Segment, segmentHeaderBytes, segmentName } from './segment';
import { openSegments, SegmentLog } from './segment-log';
import { readSnapshotRecords, removeOldRecords } from './snapshot-records';
import { damagedFile } from './storage-errors';
import { type FileCalls, StorageFolder } from './storage-files';

/** How the storage of a node is opened. */
export interface SegmentStorageOptions {
  /** The folder of the node. Nothing else may be in it. */
  readonly folder: string;
  readonly randomBytes: (length: number) => Uint8Array;
  /** Whether other users may own and write the files. Default: false. */
  readonly trustFolder?: boolean;
  /** The most bytes of recent entries that are kept in memory. Default: 16 MB. */
  readonly cacheBytes?: number;
  /** The size of a segment, for a new folder. Tests make it small. Default: 16 MB. */
  readonly segmentBytes?: number;
  /** Tests replace calls of the file system. Default: those of Node. */
  readonly calls?: FileCalls;
}

/** The files of a node that was opened and checked. */
export interface NodeFiles {
  readonly folder: StorageFolder;
  readonly snapshots: StorageFolder;
  readonly hardState: HardStateFile;
  readonly log: SegmentLog;
  readonly identity: StoredIdentity;
  readonly snapshot: Snapshot | undefined;
  /** Whether purged records share a segment with the start of the log. */
  readonly hasPurged: boolean;
}

/** What the files of a node say, before anything is changed. */
export interface FoundNode {
  readonly identity: StoredIdentity;
  readonly state: StoredState;
  readonly segments: readonly Segment[];
  readonly scanned: ScannedLog;
  readonly snapshot: Snapshot | undefined;
}

export const logName = 'log';
export const snapshotsName = 'snapshots';
const defaultCacheBytes = 16 * 2 ** 20;
const nodeIdBytes = 6;

/**
 * Opens the files of a node, or creates them. Checks all of them before it changes one.
 *
 * @throws RECORD_DAMAGED, STORE_NEWER, FILE_FAILED, DISK_FULL
 */
export function openNodeFiles(options: SegmentStorageOptions): NodeFiles {
  const { trustFolder = false, calls = fs, cacheBytes = defaultCacheBytes, randomBytes } = options;
  const folder = StorageFolder.open(options.folder, { calls, trustFolder, readOnly: false });
  if (isNew(folder)) createNode(folder, options);
  const found = findNode(folder);
  const log = folder.folder(logName);
  const snapshots = folder.folder(snapshotsName);
  try {
    for (const each of [folder, log, snapshots]) each.removeUnfinished();
    const { segmentBytes } = found.state;
    eraseTorn(found.scanned, segmentBytes);
    syncFound(found, [folder, log, snapshots]);
    const hardState = HardStateFile.open(folder, (state) => nextState(state, found));
    const { logStart, purged } = hardState.state;
    const { index, term } = purged;
    const segmentLog = new SegmentLog(
      { folder: log, segmentBytes, cacheBytes, randomBytes },
      found.segments,
      found.scanned,
    );
    // A snapshot was stored, and the process died before the log began anew behind it.
    if (index !== found.state.purged.index || term !== found.state.purged.term) segmentLog.clear(index + 1);
    segmentLog.removeBefore(logStart);
    removeOldRecords(snapshots);
    const { identity, snapshot, scanned } = found;
    const hasPurged = scanned.hasPurged || logStart !== found.state.logStart;
    return { folder, snapshots, hardState, log: segmentLog, identity, snapshot, hasPurged };
  } catch (error) {
    for (const { file } of found.segments) file.close();
    throw error;
  }
}

/**
 * Reads the files of a node, checks them, and changes nothing. The segments are open afterwards.
 *
 * @throws RECORD_DAMAGED, STORE_NEWER, FILE_FAILED
 */
export function findNode(folder: StorageFolder): FoundNode {
  const identity = readIdentity(folder);
  const { state } = HardStateFile.read(folder);
  if (state.node !== identity.node)
    throw damagedFile(
      folder.pathOf(hardStateName),
      `it belongs to the node ${state.node}, and ${identityName} to ${identity.node}`,
    );
  const log = folder.folder(logName);
  const segments = openSegments(log, state.segmentBytes);
  try {
    const scanned = scanLog(segments, state);
    const { damage } = scanned;
    if (damage !== undefined) throw damagedFile(damage.segment?.file.path ?? log.path, damage.reason);
    const snapshot = newestSnapshot(folder.folder(snapshotsName), state);
    checkLog(log, state, scanned, snapshot);
    return { identity, state, segments, scanned, snapshot };
  } catch (error) {
    for (const { file } of segments) file.close();
    throw error;
  }
}

/** Whether a node never started here: its creation may have been interrupted. */
function isNew(folder: StorageFolder): boolean {
  if (folder.has(identityName)) return false;
  if (!folder.has(hardStateName)) {
    if (folder.folder(logName).names().length === 0) return true;
    throw damagedFile(folder.path, `${identityName} and ${hardStateName} are missing, but there is a log`);
  }
  if (HardStateFile.read(folder).state.start === 0) return true;
  throw damagedFile(folder.path, `${identityName} is missing`);
}

/** The identity comes last: without it, everything is created again. */
function createNode(
  folder: StorageFolder,
  { segmentBytes = defaultSegmentBytes, randomBytes }: SegmentStorageOptions,
): void {
  const bytes = Buffer.from(randomBytes(nodeIdBytes));
  const node = Math.max(1, bytes.readUIntLE(0, nodeIdBytes));
  const logStart = segmentBytes + segmentHeaderBytes;
  HardStateFile.create(folder, {
    ...{ node, start: 0, term: 0, vote: 0, commit: 0, purged: { index: 0, term: 0 } },
    ...{ logStart, logPrevious: 0, durableEnd: logStart, segmentBytes },
  });
  const log = folder.folder(logName);
  log.remove(segmentName(1));
  createSegmentNow(log, 1, segmentBytes, randomBytes);
  folder.folder(snapshotsName);
  writeIdentity(folder, { cluster: undefined, node });
}

/** The newest snapshot that is described. A damaged description is only in order if an older snapshot holds all that is purged. */
function newestSnapshot(folder: StorageFolder, { purged }: StoredState): Snapshot | undefined {
  const records = readSnapshotRecords(folder);
  const intact = records.find(({ snapshot }) => snapshot !== undefined)?.snapshot;
  if ((intact?.index ?? 0) >= purged.index) return intact;
  const damaged = records.find(({ snapshot }) => snapshot === undefined);
  const path = damaged === undefined ? folder.path : folder.pathOf(damaged.name);
  throw damagedFile(path, `no snapshot holds the entries up to ${purged.index}, which are purged`);
}

function checkLog(log: StorageFolder, state: StoredState, scanned: ScannedLog, snapshot: Snapshot | undefined): void {
  const { lastIndex } = scanned.places;
  if (state.commit > Math.max(lastIndex, snapshot?.index ?? 0))
    throw damagedFile(log.path, `it ends at entry ${lastIndex}, but entry ${state.commit} was committed`);
  if (scanned.lastTerm > state.term)
    throw damagedFile(
      log.path,
      `it has an entry of term ${scanned.lastTerm}, but ${hardStateName} ends at term ${state.term}: a vote is lost`,
    );
}

/** The state of the next start. */
function nextState(state: StoredState, { scanned, snapshot }: FoundNode): StoredState {
  const next = { ...state, start: state.start + 1, durableEnd: Math.max(state.durableEnd, scanned.end) };
  if (snapshot === undefined || snapshot.index <= state.purged.index) return next;
  const { index, term } = snapshot;
  if (scanned.places.term(index) === term) return next;
  return { ...next, purged: { index, term }, logStart: scanned.end, logPrevious: scanned.lastRecord };
}

/** Puts zeros in the place of torn records, so that none of them can follow what is written next. */
function eraseTorn({ torn }: ScannedLog, segmentBytes: number): void {
  for (const { segment, from } of torn) segment.file.write(Buffer.alloc(segmentBytes - from), from);
}

/**
 * Makes durable what was found, files and their names. A process that was killed may have left it in the cache of the system only, and from now
 * on it counts as stored.
 */
function syncFound({ segments, state }: FoundNode, folders: readonly StorageFolder[]): void {
  const durableNumber = Math.floor(state.durableEnd / state.segmentBytes);
  for (const { number, file } of segments) if (number >= durableNumber) file.syncNow();
  for (const folder of folders) folder.syncNow();
}
