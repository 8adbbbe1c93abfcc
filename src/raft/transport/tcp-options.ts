import type { KeyObject } from 'node:crypto';
import type { Schedule } from '../../environment/timers';

/** The key, the certificate and the authorities of a node, in PEM format. */
export interface TransportTls {
  /** The private key of this node. */
  readonly key: string | Uint8Array | KeyObject;
  /** The certificate of this node, followed by those between it and the authority. */
  readonly cert: string | Uint8Array;
  /** The certificates of the authorities that issue the certificates of the cluster's nodes, and no others. */
  readonly ca: string | Uint8Array | readonly (string | Uint8Array)[];
}

/** How a transport over TCP is set up. */
export interface TcpTransportOptions {
  /** Where this node accepts connections. The port 0 chooses a free one. */
  readonly listen: { readonly host: string; readonly port: number };
  /** The address at which other nodes reach this one. Default: that of `listen`. */
  readonly advertise?: string;
  /** Returns the certificates of this node. Called for each connection in either direction, so that new ones need no restart. */
  readonly tls?: () => TransportTls;
  /** What all nodes know, in place of `tls`. All addresses are then loopback addresses. At least 16 characters. */
  readonly secret?: string;
  /** Makes random bytes for challenges, and for the spread of reconnects. */
  readonly randomBytes: (length: number) => Uint8Array;
  /** The most bytes a second for snapshots to one node. Default: no bound. */
  readonly snapshotBytesPerSecond?: number;
  /** The timers. Default: the real ones of the machine, also under fake timers, because sockets know no others. */
  readonly schedule?: Schedule;
  /** Milliseconds since a fixed moment. Default: the monotonic clock of the machine. */
  readonly elapsedMs?: () => number;
  /** Bounds in time and size. Tests make them smaller. */
  readonly limits?: Partial<TransportLimits>;
}

/** The bounds of a transport. */
export interface TransportLimits {
  /** How long connecting and the handshake may take together. */
  readonly helloMs: number;
  /** How often each side sends a sign of life. */
  readonly pingMs: number;
  /** A connection ends when nothing has arrived for so long: the other side has died without saying so. */
  readonly silentMs: number;
  /** The shortest and the longest wait before a node is dialled again. Half of it is random. */
  readonly redialMs: readonly [number, number];
  /** What may wait for one node to read it. */
  readonly maxQueuedBytes: number;
  /** Connections that have not proved yet that they belong to the cluster. The oldest is closed for a new one. */
  readonly maxUnproved: number;
  /** Requests that are answered at a time. */
  readonly maxRequests: number;
  /** The size of the pieces of a snapshot. */
  readonly chunkBytes: number;
  /** How often the transfer of a snapshot is taken up again without progress. */
  readonly snapshotAttempts: number;
}

const mebibyte = 2 ** 20;

/** The bounds, unless a test sets others. */
export const defaultLimits: TransportLimits = {
  helloMs: 5_000,
  pingMs: 1_000,
  silentMs: 4_000,
  // Healing after a partition takes at most the longest wait and an election.
  redialMs: [50, 1_000],
  // Two full windows of append messages of the consensus.
  maxQueuedBytes: 32 * mebibyte,
  maxUnproved: 64,
  maxRequests: 64,
  chunkBytes: mebibyte,
  snapshotAttempts: 5,
};
