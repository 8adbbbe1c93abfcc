import fs from 'node:fs';
import { MemoryError } from '../../domain/errors';
import type { Configuration } from '../core/configuration';
import type { HardState } from '../core/messages';
import { HardStateFile, hardStateName, type StoredState } from './hard-state-file';
import { identityName, readIdentity, type StoredIdentity } from './identity-file';
import { type ScannedLog, scanLog } from './log-scan';
import { findNode, logName, snapshotsName } from './node-files';
import type { NodeIdentity } from './raft-storage';
import { segmentNumber } from './segment';
import { openSegments } from './segment-log';
import { readSnapshotRecords } from './snapshot-records';
import { damagedFile } from './storage-errors';
import { type FileCalls, StorageFolder } from './storage-files';

/** A problem that was found in the folder of a node. */
export interface FolderProblem {
  /** Says what is wrong, where, and what to do. */
  readonly message: string;
  /** Whether the node cannot start. It repairs the other problems when it starts. */
  readonly stopsNode: boolean;
}

/** A snapshot, as the folder describes it. */
export interface SnapshotReport {
  readonly index: number;
  readonly term: number;
  /** Undefined if the description is damaged. */
  readonly configuration: Configuration | undefined;
}

/** What is in the folder of a node. What could not be read is undefined, and a problem says why. */
export interface FolderReport {
  readonly identity: NodeIdentity | undefined;
  readonly hardState: HardState | undefined;
  /** The entries of the log. `lastIndex` is `firstIndex - 1` if there are none. */
  readonly log: { readonly firstIndex: number; readonly lastIndex: number; readonly lastTerm: number } | undefined;
  /** The bytes of the entries, without what is reserved for entries to come. */
  readonly logBytes: number | undefined;
  /** The files of the log, with their sizes. */
  readonly segments: readonly { readonly name: string; readonly bytes: number }[];
  /** The newest first. */
  readonly snapshots: readonly SnapshotReport[];
  readonly problems: readonly FolderProblem[];
}

/**
 * Describes the folder of a node, and checks all of it. Opens every file for reading only, and never changes a byte. While the node runs, its last
 * write may look interrupted.
 */
export function inspectFolder(path: string, calls: FileCalls = fs): FolderReport {
  return new FolderInspection(path, calls).report();
}

class FolderInspection {
  readonly #path: string;
  readonly #calls: FileCalls;
  readonly #problems: FolderProblem[] = [];

  constructor(path: string, calls: FileCalls) {
    this.#path = path;
    this.#calls = calls;
  }

  report(): FolderReport {
    const folder = this.#try(() => {
      return StorageFolder.open(this.#path, { calls: this.#calls, trustFolder: true, readOnly: true });
    });
    const hasNode = folder !== undefined && [identityName, hardStateName, logName].some((name) => folder.has(name));
    if (!hasNode) {
      this.#add(`There is no node in ${this.#path}.`);
      return this.#reportOf(undefined, undefined, undefined, [], []);
    }
    const identity = this.#try(() => readIdentity(folder));
    const state = this.#state(folder);
    const segments = this.#try(() => segmentsOf(folder.folder(logName))) ?? [];
    const scanned = state && this.#try(() => this.#scanned(folder, state));
    const snapshots = this.#try(() => readSnapshotRecords(folder.folder(snapshotsName))) ?? [];
    for (const { name, snapshot } of snapshots) {
      if (snapshot === undefined) this.#add(`The description ${name} of a snapshot is damaged.`, false);
    }
    // What concerns several files at once. A single file is reported once.
    if (!this.#problems.some(({ stopsNode }) => stopsNode))
      this.#try(() => {
        for (const { file } of findNode(folder).segments) file.close();
      });
    const described = snapshots.map(({ index, term, snapshot }) => ({
      index,
      term,
      configuration: snapshot?.configuration,
    }));
    return this.#reportOf(identity, state, scanned, segments, described);
  }

  #reportOf(
    identity: StoredIdentity | undefined,
    state: StoredState | undefined,
    scanned: ScannedLog | undefined,
    segments: FolderReport['segments'],
    snapshots: readonly SnapshotReport[],
  ): FolderReport {
    const { term, vote, commit, start } = state ?? { term: 0, vote: 0, commit: 0, start: 0 };
    return {
      identity: identity && { ...identity, start },
      hardState: state && { term, vote, commit },
      log: scanned && {
        firstIndex: scanned.places.firstIndex,
        lastIndex: scanned.places.lastIndex,
        lastTerm: scanned.lastTerm,
      },
      logBytes: scanned && state && scanned.end - state.logStart,
      segments,
      snapshots,
      problems: this.#problems,
    };
  }

  #state(folder: StorageFolder): StoredState | undefined {
    const found = this.#try(() => HardStateFile.read(folder));
    if (found !== undefined && found.damagedCopies > 0)
      this.#add(`${found.damagedCopies} of 4 copies in ${folder.pathOf(hardStateName)} are damaged.`, false);
    return found?.state;
  }

  #scanned(folder: StorageFolder, state: StoredState): ScannedLog {
    const segments = openSegments(folder.folder(logName), state.segmentBytes);
    try {
      const scanned = scanLog(segments, state);
      const { damage } = scanned;
      if (damage !== undefined) this.#add(damagedFile(damage.segment?.file.path ?? folder.path, damage.reason).message);
      for (const { segment, from } of damage === undefined ? scanned.torn : [])
        this.#add(`A write was interrupted in ${segment.file.path} at byte ${from}.`, false);
      return scanned;
    } finally {
      for (const { file } of segments) file.close();
    }
  }

  #try<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!MemoryError.is(error)) throw error;
      this.#add(error.message);
      return undefined;
    }
  }

  #add(message: string, stopsNode = true): void {
    this.#problems.push({ message, stopsNode });
  }
}

function segmentsOf(log: StorageFolder): FolderReport['segments'] {
  return log.names().flatMap((name) => {
    if (segmentNumber(name) === undefined) return [];
    const file = log.openFile(name);
    try {
      return [{ name, bytes: file.size }];
    } finally {
      file.close();
    }
  });
}
