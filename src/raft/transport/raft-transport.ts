import type { InstallSnapshot, PeerMessage } from '../core/messages';
import type { NodeId } from '../core/node-id';

/**
 * Carries messages between the nodes of a cluster.
 *
 * A transport may lose, double, delay and reorder messages, so it needs no acknowledgements and no queue on disk. It never alters a
 * message and never delivers one to another node or another cluster: consensus depends on this. It delivers only what members of the
 * cluster have sent, so a transport that leaves the machine must authenticate both sides and encrypt.
 *
 * `encodePeerMessage` and `decodePeerMessage` convert a message to bytes and back. Before it delivers anything, a transport tells the other
 * side the `NodeIdentity` of its node, and asks `refusalBetween` whether the two may talk to each other.
 *
 * `raftTransportConformance` of `multi-agent-memory/testing` checks an implementation.
 */
export interface RaftTransport {
  /**
   * Begins to receive. Called once, before all other methods.
   *
   * @throws INVALID_INPUT if the node cannot be reached at its address, for example because another node uses it
   */
  start(receiver: TransportReceiver): Promise<void>;

  /** Sets the addresses of all members, in place of earlier ones. Connections to nodes that are not in the map are closed. */
  setMembers(addresses: ReadonlyMap<NodeId, string>): void;

  /**
   * Sends each message to the node in its `to`, and returns at once. It never throws. Messages to one node wait in a bounded queue; what
   * does not fit is lost, and `unreachable` is called. So is a message of the kind `snapshot`, which needs `sendSnapshot`.
   */
  send(messages: readonly PeerMessage[]): void;

  /**
   * Copies the file of a snapshot to the node in `message.to`, and then delivers the message there. It does not delay `send`. A transfer
   * that was interrupted goes on where it ended when the same file is sent again. A second call for the same node replaces the first.
   *
   * @returns Whether the receiver has taken the snapshot. It never rejects.
   */
  sendSnapshot(message: InstallSnapshot, path: string): Promise<boolean>;

  /**
   * Asks a member, or the node at an address, and resolves with the answer of its `receiver.request`. A node that belongs to no cluster
   * yet may ask, too: that is how it joins.
   *
   * @throws STORE_UNREACHABLE if no answer has arrived after `timeoutMs`; the request may have been carried out. STORE_CLOSED,
   * CLUSTER_MISMATCH, and FORBIDDEN if one side does not accept what the other proves itself with. Otherwise the error with which the receiver has answered.
   */
  request(to: NodeId | NodeAddress, body: Uint8Array, timeoutMs: number): Promise<Uint8Array>;

  /** Ends all connections. Nothing is received afterwards. May be called twice. */
  close(): Promise<void>;
}

/** Where a node can be reached: what its `advertise` says. */
export interface NodeAddress {
  readonly address: string;
}

/** What nodes tell each other about themselves when they connect. */
export interface NodeIdentity {
  /** 32 hexadecimal digits. Empty while the node belongs to no cluster. */
  readonly cluster: string;
  readonly node: NodeId;
  /** How often the node was started, from 1. Two processes with the same node and start are a folder that was copied. */
  readonly start: number;
  /** The version of this library. */
  readonly release: string;
  /** The version of the schema of the database. */
  readonly schema: number;
  /** The version of the analyzer that splits texts into words. */
  readonly analyzer: string;
}

/** The node that a transport works for. The transport never calls it from within a method that the node has called. */
export interface TransportReceiver {
  /** The node itself. Read for each connection, because a node learns its cluster only when it joins. */
  identity(): NodeIdentity;

  /** Takes a message from a node of the same cluster. It must not throw. */
  receive(message: PeerMessage): void;

  /**
   * Answers a request. If it rejects with a `MemoryError`, the sender's call rejects with the same code and message.
   *
   * @param from The node that asks. Undefined if that node belongs to no cluster.
   */
  request(from: NodeId | undefined, body: Uint8Array): Promise<Uint8Array>;

  /**
   * The path for the file of a snapshot that a node wants to send. Undefined refuses it. The transport writes a file beside it, whose
   * name ends with `.part`, and renames that file when it is complete. A `.part` that is left behind is used again by the next transfer.
   */
  snapshotPath(message: InstallSnapshot): string | undefined;

  /** Takes a snapshot whose file is complete, checked and synced at `path`. If it rejects, the sender learns that it was not taken. */
  receiveSnapshot(message: InstallSnapshot, path: string): Promise<void>;

  /** Messages to this node were lost: there is no connection, or the queue is full. */
  unreachable(node: NodeId): void;

  /** A connection to a node was refused, by that node or by this one. Each reason is told once for a node, until a connection works again. */
  refused?(refusal: PeerRefusal): void;

  /** A node has connected, and is who it says it is. */
  met?(peer: NodeIdentity): void;
}

/**
 * Why two nodes do not talk to each other.
 *
 * - `CLUSTER_MISMATCH` The nodes belong to different clusters.
 * - `NODE_DUPLICATE` Two processes use the same node id: a folder was copied, or an old copy was started.
 * - `WRONG_NODE` Another node than the expected one answers at the address.
 * - `UNAUTHENTICATED` A certificate or the secret was not accepted.
 * - `INCOMPATIBLE` The other side speaks another version of the protocol, or could make another state of the same log: it has another release,
 *   schema or analyzer.
 */
export type RefusalCode = 'CLUSTER_MISMATCH' | 'NODE_DUPLICATE' | 'WRONG_NODE' | 'UNAUTHENTICATED' | 'INCOMPATIBLE';

/** A connection that was refused. */
export interface PeerRefusal {
  readonly code: RefusalCode;
  /** What happened, and what an operator can do. */
  readonly message: string;
  /** The other node, if it is known. */
  readonly node?: NodeId;
  /** The address of the other side. */
  readonly address: string;
}
