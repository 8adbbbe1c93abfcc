import type { Configuration } from './configuration';
import type { Entry, Proposed } from './entry';
import type { NodeId } from './node-id';

/** What must survive a crash, beside the entries. */
export interface HardState {
  readonly term: number;
  /** The node that got this node's vote in `term`, or `noNode`. */
  readonly vote: NodeId;
  /** The highest index known to be committed. It may lag behind after a crash. */
  readonly commit: number;
}

/**
 * The state after applying the entry at `index`, with the configuration as it was right after that entry: not the one of the moment
 * when the snapshot was taken, and not an older one. A snapshot with a stale configuration gives its receiver another idea of who
 * forms a majority, and two majorities that do not overlap can then decide against each other.
 */
export interface Snapshot {
  readonly index: number;
  readonly term: number;
  readonly configuration: Configuration;
  /** Bytes for the host, such as where the file lies. The core never reads them. */
  readonly data: Uint8Array;
}

interface Envelope {
  readonly from: NodeId;
  readonly to: NodeId;
  /** The term of the sender. 0 in messages that belong to no term: `propose`, `read-index`, `barrier` and `transfer-request`. */
  readonly term: number;
}

/** Asks for a vote. A `pre-vote-request` asks whether a vote would be given in the next term, and changes nothing at the receiver. */
export interface VoteRequest extends Envelope {
  readonly kind: 'vote-request' | 'pre-vote-request';
  readonly lastIndex: number;
  readonly lastTerm: number;
  /** Whether the leader asked for this election, so that voters that just heard from it do not stand in its way. */
  readonly isTransfer: boolean;
}

/**
 * Answers a vote request. The place that the voter knows to be committed comes with it: a candidate that asks by an old configuration
 * may hold the change that ended it, and not know that it is committed. Those who know refuse it, because their logs are longer, and
 * may not lead any more themselves.
 */
export interface VoteResponse extends Envelope {
  readonly kind: 'vote-response' | 'pre-vote-response';
  readonly isRejected: boolean;
  readonly commitIndex: number;
  readonly commitTerm: number;
}

/** Sends entries that follow the entry at `previousIndex`. Without entries it probes, or tells the commit index. */
export interface Append extends Envelope {
  readonly kind: 'append';
  readonly previousIndex: number;
  readonly previousTerm: number;
  readonly entries: readonly Entry[];
  readonly commit: number;
}

/** Answers an append or a snapshot. */
export interface AppendResponse extends Envelope {
  readonly kind: 'append-response';
  /** Accepted: the last index that is durable and matches the leader. Rejected: the `previousIndex` that did not match. */
  readonly index: number;
  readonly isRejected: boolean;
  /** Rejected: the highest place where the follower's log may match, with its term there. Otherwise 0. */
  readonly hintIndex: number;
  readonly hintTerm: number;
}

/** Tells a follower that its leader is alive. */
export interface Heartbeat extends Envelope {
  readonly kind: 'heartbeat';
  readonly commit: number;
  /** The latest round of reads that asks for an answer; 0 if none. */
  readonly readRound: number;
  /** Only if the leader gives read leases. */
  readonly lease?: LeaseOffer;
}

/** What a leader says about read leases with a heartbeat. */
export interface LeaseOffer {
  /** The latest round of leases. A majority that answers it proves that the sender led when the round began. */
  readonly round: number;
  /** The member reports as soon as it has applied this index; 0 if nobody waits for it. */
  readonly awaited: number;
  /** Gives the member a lease, which runs from the moment of the report that this names. */
  readonly grant?: LeaseGrant;
}

/** Names a report of a member by its start and its stamp. */
export interface LeaseGrant {
  readonly start: number;
  readonly stamp: number;
}

/** Answers a heartbeat, with its round of reads. Without having been asked, a member sends it when it has applied what was awaited. */
export interface HeartbeatResponse extends Envelope {
  readonly kind: 'heartbeat-response';
  readonly readRound: number;
  /** Only if the member takes read leases. */
  readonly lease?: LeaseReport;
}

/** What a member says about itself to get a read lease. */
export interface LeaseReport {
  /** The round of leases that this answers; 0 if none. */
  readonly round: number;
  /** Which start of the member speaks. */
  readonly start: number;
  /** When it speaks, by its own clock, in whole milliseconds. Only the member itself can read it. */
  readonly stamp: number;
  /** What this start of the member has applied. */
  readonly applied: number;
}

/** Sends a snapshot in place of entries that the leader has purged. */
export interface InstallSnapshot extends Envelope {
  readonly kind: 'snapshot';
  readonly snapshot: Snapshot;
}

/** Tells the target of a transfer to start an election at once. */
export interface TimeoutNow extends Envelope {
  readonly kind: 'timeout-now';
}

/** Forwards proposals to the leader. */
export interface Propose extends Envelope {
  readonly kind: 'propose';
  readonly entries: readonly Proposed[];
}

/** Forwards to the leader the wish that it hands its office to `target`. */
export interface TransferRequest extends Envelope {
  readonly kind: 'transfer-request';
  readonly target: NodeId;
}

/** Asks the leader for an index to read at. `context` comes back in the answer. */
export interface ReadIndexRequest extends Envelope {
  readonly kind: 'read-index';
  readonly context: number;
}

/** A node that has applied `index` may answer the read. */
export interface ReadIndexResponse extends Envelope {
  readonly kind: 'read-index-response';
  readonly index: number;
  readonly context: number;
}

/** Asks the leader to say when no member can serve a read from a state before `index` any more. `context` comes back in the answer. */
export interface BarrierRequest extends Envelope {
  readonly kind: 'barrier';
  readonly index: number;
  readonly context: number;
}

/** No member can serve a read from a state before `index` any more. */
export interface BarrierResponse extends Envelope {
  readonly kind: 'barrier-response';
  readonly index: number;
  readonly context: number;
}

/**
 * The node's own storage has finished a `StorageAppend`: everything up to the place `index`, `indexTerm` is durable, unless a later
 * append replaces it. `term` is the term in which the append was asked for.
 */
export interface StorageAppended extends Envelope {
  readonly kind: 'storage-appended';
  readonly index: number;
  readonly indexTerm: number;
  /** The index of the snapshot that was installed; 0 if none. */
  readonly snapshotIndex: number;
}

/** The node's own state machine has applied the entries of a `StorageApply`. */
export interface StorageApplied extends Envelope {
  readonly kind: 'storage-applied';
  readonly entries: readonly Entry[];
}

/** What nodes send each other. Messages may be lost, doubled, delayed and reordered, but not altered. */
export type PeerMessage =
  | VoteRequest
  | VoteResponse
  | Append
  | AppendResponse
  | Heartbeat
  | HeartbeatResponse
  | InstallSnapshot
  | TimeoutNow
  | Propose
  | TransferRequest
  | ReadIndexRequest
  | ReadIndexResponse
  | BarrierRequest
  | BarrierResponse;

/** What a node's own storage answers. It never crosses the network. */
export type StorageResponse = StorageAppended | StorageApplied;

/** Everything that `RaftNode.step` takes. */
export type Message = PeerMessage | StorageResponse;

/** Whether the message answers one of this node's, so that it makes sense only from a member. */
export function isPeerResponse(message: Message): boolean {
  switch (message.kind) {
    case 'append-response':
    case 'vote-response':
    case 'pre-vote-response':
    case 'heartbeat-response':
    case 'read-index-response':
    case 'barrier-response':
      return true;
    default:
      return false;
  }
}
