import type { LongCallOptions } from '../domain/calls';
import type { SnapshotKey } from './snapshot-key';

/** A copy of a whole store as it was at one moment, in one file. */
export interface Snapshot {
  /** The absolute path of the file. */
  path: string;
  /** When the state was copied. */
  at: Date;
  /** The number of the last change that the snapshot contains. */
  changeSeq: number;
  /** The number of bytes of the file. */
  bytes: number;
  /** The SHA-256 of everything in the file before its last 32 bytes, which contain it, in hexadecimal digits. */
  digest: string;
  isEncrypted: boolean;
}

/** What is in a folder with snapshots. */
export interface SnapshotList {
  /** The newest first. Their beginnings, ends and lengths were read; `restoreSnapshot` with `dryRun` checks every byte. */
  snapshots: Snapshot[];
  /** Files with the name of a snapshot that cannot be restored, with the reason. They are never deleted, and do not count for `keep`. */
  damaged: { path: string; reason: string }[];
}

/** What a snapshot would do. */
export interface SnapshotPlan {
  /** The absolute path of the folder for snapshots. */
  to: string;
  /** The bytes of the databases. A snapshot contains no unused pages, and is at most so large but for a few bytes. */
  bytes: number;
  /** The bytes that it needs in the folder while it is made. */
  neededBytes: number;
  /** The bytes that are free there. */
  freeBytes: number;
  isEncrypted: boolean;
  /** The paths of the snapshots that it would delete, because `keep` is lower than their number. */
  deleted: string[];
}

/** Options of `MemoryStore.snapshot`. */
export interface SnapshotOptions extends LongCallOptions {
  /** So many snapshots of this store stay in the folder, the newest. Older ones are deleted after this one is complete. Default: all. */
  keep?: number;
  /** Writes nothing, and resolves to what would be done. Default: false. */
  dryRun?: boolean;
  /** Encrypts the snapshot with AES-256-GCM: 32 random bytes. Keep the key elsewhere: without it nobody can restore. Default: not encrypted. */
  encryptionKey?: SnapshotKey;
}
