import type { ClusterMembership } from '../domain/cluster-membership';
import type { Incarnation } from '../domain/frame';
import type { HostTiming } from '../raft/node/host-timing';
import type { RaftLink } from '../raft/node/raft-link';

/** A log that servers outside of this process keep, and that several stores follow. `jetStream` of `multi-agent-memory/jetstream` makes one. */
export interface SharedLog {
  /** How long a call waits for the servers, in milliseconds. */
  readonly waitMs: number;
  /** By how much the clock of this process may differ from the middle clock of the stores on the log, in milliseconds. */
  readonly maxClockSkewMs: number;
  /** Connects to the log, and makes it if it is not there. */
  connect(store: SharedLogStore): Promise<SharedLogConnection>;
}

/** The store that uses a log. */
export interface SharedLogStore {
  readonly incarnation: Incarnation;
  readonly timing: HostTiming;
  randomBytes(length: number): Uint8Array;
}

/** What a log says about itself. */
export interface LogFounding {
  /** The id of the log: 32 hexadecimal digits. */
  readonly cluster: string;
  /** The secret that all stores on the log share. Undefined if the log does not hold its beginning any more. */
  readonly storeKey: Uint8Array | undefined;
}

/** An entry that a store has applied, and a checksum of what the log held there. A log that holds something else there has lost it. */
export interface AppliedMark {
  readonly index: number;
  readonly checksum: number;
}

/** Where the state of a store begins to follow a log. */
export interface SharedLogStart {
  readonly cluster: string;
  /** The index of the last entry that the state holds. */
  readonly applied: number;
  /** The members as of `applied`. */
  readonly membership: ClusterMembership;
  /** A mark that the store has kept. It may be older or newer than `applied`. Undefined if it has none. */
  readonly mark: AppliedMark | undefined;
  /** Keeps a mark for the next start. It needs no sync: an older one finds less, and nothing wrong. */
  keepMark(mark: AppliedMark): void;
}

/** What a store needs of a log that it shares. */
export type SharedLogLink = Omit<RaftLink, 'logBytes' | 'saveSnapshot' | 'purge'>;

/** An open connection to a log. */
export interface SharedLogConnection {
  readonly founding: LogFounding;
  /** Makes what applies the log to a state. It closes the connection. */
  link(start: SharedLogStart): SharedLogLink;
  close(): Promise<void>;
}
