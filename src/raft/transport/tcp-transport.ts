import { invalidInput, MemoryError } from '../../domain/errors';
import { addressOf, addressParts, isLoopback } from '../../domain/node-address';
import { realSchedule, type Schedule, startStopwatch } from '../../environment/timers';
import { ByteReader } from '../../log/codec/byte-reader';
import { bytes, flag, struct, text } from '../../log/codec/fields';
import type { InstallSnapshot, PeerMessage } from '../core/messages';
import type { NodeId } from '../core/node-id';
import {
  decoded,
  type Greeting,
  type Introduction,
  nextFrame,
  type Purpose,
  RefusedError,
  readRefusal,
  sendRefusal,
} from './handshake';
import { KnownStarts } from './known-starts';
import { readMessage } from './message-codec';
import { PeerLink } from './peer-link';
import type { NodeAddress, RaftTransport, RefusalCode, TransportReceiver } from './raft-transport';
import { differenceBetween } from './refusal-between';
import { Refusals, reasons } from './refusals';
import { openSnapshot, SnapshotReceiver, sendSnapshotFile, type TransferEnd } from './snapshot-transfer';
import { type Connection, type ConnectionTerms, dialNode } from './tcp-dialler';
import { TcpListener } from './tcp-listener';
import { defaultLimits, type TcpTransportOptions, type TransportLimits } from './tcp-options';
import { transportClosed, unreachableNode } from './transport-errors';
import type { Wire } from './wire';
import { frameType, WireError, type WireFrame, wireFrame } from './wire-frames';

/** The maximum length of the body of a request, and of an answer. */
export const maxRequestBytes = 8 * 2 ** 20;

const minSecretLength = 16;
const bootBytes = 16;
// Addresses that nodes outside of the membership have told.
const maxLearned = 64;

interface Failure {
  readonly code: string;
  readonly message: string;
  readonly isRetryable: boolean;
}

const failure = struct<Failure>({ code: text, message: text, isRetryable: flag });

/**
 * Connects nodes over TCP, with TLS 1.3 and certificates on both sides, or with a secret between processes of one machine.
 *
 * Each node sends messages on a connection that it has dialled itself, and receives on those that it has accepted. So no two nodes have to
 * agree which of two connections to keep, and a network that works in one direction only works in that direction. Each request and each
 * snapshot has a connection of its own: none of them delays a heartbeat.
 */
export class TcpTransport implements RaftTransport {
  readonly #options: TcpTransportOptions;
  readonly #limits: TransportLimits;
  readonly #schedule: Schedule;
  readonly #elapsedMs: () => number;
  readonly #terms: ConnectionTerms;
  readonly #boot: string;
  readonly #starts = new KnownStarts();
  // A connection that works in one direction says nothing about the other.
  readonly #refusedDials = this.#refusals();
  readonly #refusedPeers = this.#refusals();
  readonly #links = new Map<NodeId, PeerLink>();
  // With the boot nonce of the process at the other side.
  readonly #accepted = new Map<NodeId, Map<Wire, string>>();
  readonly #wires = new Set<Wire>();
  readonly #learned = new Map<NodeId, string>();
  readonly #transfers = new Map<NodeId, { wire: Wire | undefined; isReplaced: boolean }>();
  #members: ReadonlyMap<NodeId, string> = new Map();
  #receiver: TransportReceiver | undefined;
  #snapshots: SnapshotReceiver | undefined;
  #listener: TcpListener | undefined;
  #address: string;
  #port = 0;
  #requests = 0;
  #isClosed = false;

  /** @throws INVALID_INPUT for options that cannot be used */
  constructor(options: TcpTransportOptions) {
    checkOptions(options);
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#schedule = options.schedule ?? realSchedule;
    this.#elapsedMs = options.elapsedMs ?? startStopwatch();
    this.#address = options.advertise ?? addressOf(options.listen.host, options.listen.port);
    this.#boot = Buffer.from(options.randomBytes(bootBytes)).toString('hex');
    this.#terms = {
      tls: options.tls,
      secret: options.secret,
      limits: this.#limits,
      schedule: this.#schedule,
      randomBytes: options.randomBytes,
      greeting: () => ({ identity: this.#node.identity(), boot: this.#boot, address: this.#address }),
    };
  }

  /** The address at which other nodes reach this one. The port is known after `start`. */
  get address(): string {
    return this.#address;
  }

  /** The port on which this node accepts connections. Known after `start`. */
  get port(): number {
    return this.#port;
  }

  async start(receiver: TransportReceiver): Promise<void> {
    this.#receiver = receiver;
    this.#snapshots = new SnapshotReceiver(receiver);
    this.#listener = new TcpListener(this.#terms, {
      check: (introduction) => this.#check(introduction.greeting, introduction),
      hostOf: (node) => addressParts(this.#members.get(node) ?? '')?.host,
      onConnection: (wire, introduction) => this.#onConnection(wire, introduction),
      onRefused: (error, remoteAddress) => this.#onRefused(this.#refusedPeers, error, remoteAddress, undefined),
    });
    const { host, port } = this.#options.listen;
    this.#port = await this.#listener.listen(host, port);
    if (this.#options.advertise === undefined) this.#address = addressOf(host, this.#port);
  }

  setMembers(addresses: ReadonlyMap<NodeId, string>): void {
    const before = this.#members;
    this.#members = new Map(addresses);
    // A member that has moved tells its address before the members can agree on it.
    for (const [node, address] of addresses) if (before.get(node) !== address) this.#learned.delete(node);
    for (const [node, link] of this.#links) if (this.#isElsewhere(link)) this.#dropLink(node, link);
    for (const node of before.keys()) {
      if (addresses.has(node)) continue;
      this.#learned.delete(node);
      const link = this.#links.get(node);
      if (link !== undefined) this.#dropLink(node, link);
      for (const wire of [...(this.#accepted.get(node)?.keys() ?? [])]) wire.destroy();
    }
  }

  send(messages: readonly PeerMessage[]): void {
    if (this.#isClosed || this.#receiver === undefined) return;
    const lost = new Set<NodeId>();
    for (const message of messages) if (!this.#sendOne(message)) lost.add(message.to);
    for (const node of lost) this.#reportLost(node);
  }

  async sendSnapshot(message: InstallSnapshot, path: string): Promise<boolean> {
    const earlier = this.#transfers.get(message.to);
    if (earlier !== undefined) {
      earlier.isReplaced = true;
      earlier.wire?.destroy();
    }
    const transfer = { wire: undefined as Wire | undefined, isReplaced: false };
    this.#transfers.set(message.to, transfer);
    const opened = await openSnapshot(path);
    try {
      if (opened === undefined) return false;
      return await this.#transferAll(message, opened, transfer);
    } catch {
      return false;
    } finally {
      await opened?.file.close();
      if (this.#transfers.get(message.to) === transfer) this.#transfers.delete(message.to);
    }
  }

  async request(to: NodeId | NodeAddress, body: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    if (this.#isClosed || this.#receiver === undefined) throw transportClosed();
    if (body.length > maxRequestBytes)
      throw invalidInput(
        [{ path: [], message: `expected at most ${maxRequestBytes} bytes, got ${body.length}.` }],
        'request',
      );
    const name = typeof to === 'number' ? `node ${to}` : to.address;
    const addresses = typeof to === 'number' ? this.#addressesOf(to) : [to.address];
    if (addresses.length === 0) throw unreachableNode(name, 'its address is not known');
    let wire: Wire | undefined;
    let isLate = false;
    const cancel = this.#schedule(timeoutMs, () => {
      isLate = true;
      wire?.destroy();
    });
    try {
      const connection = await this.#dialAny(addresses, typeof to === 'number' ? to : undefined, (dialled) => {
        wire = dialled;
      });
      connection.wire.send(wireFrame(frameType.request, (frame) => frame.raw(body), body.length));
      return answerIn(await nextFrame(connection.wire, frameType.answer));
    } catch (error) {
      if (this.#isClosed) throw transportClosed();
      throw requestError(error, name, isLate ? timeoutMs : undefined);
    } finally {
      cancel();
      wire?.end(this.#limits.pingMs, this.#schedule);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const link of this.#links.values()) link.close();
    for (const wire of [...this.#wires]) wire.destroy();
    await this.#listener?.close();
  }

  get #node(): TransportReceiver {
    return this.#receiver as TransportReceiver;
  }

  /** Where a node may be: first where it says that it is, then where the members have agreed that it is. */
  #addressesOf(node: NodeId): readonly string[] {
    const known = [this.#learned.get(node), this.#members.get(node)];
    return [...new Set(known.filter((address) => address !== undefined))];
  }

  #isElsewhere({ node, addresses }: PeerLink): boolean {
    return this.#addressesOf(node).join() !== addresses.join();
  }

  #sendOne(message: PeerMessage): boolean {
    return message.kind !== 'snapshot' && this.#linkTo(message.to)?.send(message) === true;
  }

  #linkTo(node: NodeId): PeerLink | undefined {
    const known = this.#links.get(node);
    if (known !== undefined) return known;
    const addresses = this.#addressesOf(node);
    if (addresses.length === 0 || node === this.#node.identity().node) return undefined;
    const link = new PeerLink(node, addresses, {
      limits: this.#limits,
      schedule: this.#schedule,
      elapsedMs: this.#elapsedMs,
      jitter: () => (this.#options.randomBytes(1)[0] as number) / 256,
      dial: (address, onWire) => this.#dial(address, node, 'messages', onWire),
      onRefused: (error, address) => this.#onRefused(this.#refusedDials, error, address, node),
      onLost: () => this.#reportLost(node),
    });
    this.#links.set(node, link);
    return link;
  }

  #dropLink(node: NodeId, link: PeerLink): void {
    link.close();
    this.#links.delete(node);
  }

  async #dial(
    address: string,
    node: NodeId | undefined,
    purpose: Purpose,
    onWire: (wire: Wire) => void,
  ): Promise<Connection> {
    const check = (peer: Greeting) => this.#check(peer, { purpose });
    const track = (wire: Wire) => {
      this.#track(wire);
      onWire(wire);
    };
    const connection = await dialNode({ address, node, purpose, check, onWire: track }, this.#terms);
    this.#refusedDials.clear(connection.peer.identity.node, address);
    if (purpose !== 'request') this.#node.met?.(connection.peer.identity);
    return connection;
  }

  /** Dials the first address at which the node answers. */
  async #dialAny(
    addresses: readonly string[],
    node: NodeId | undefined,
    onWire: (wire: Wire) => void,
  ): Promise<Connection> {
    let reason: unknown;
    for (const address of addresses) {
      try {
        return await this.#dial(address, node, 'request', onWire);
      } catch (error) {
        if (error instanceof RefusedError) this.#onRefused(this.#refusedDials, error, address, node);
        reason = error;
      }
    }
    throw reason;
  }

  #track(wire: Wire): void {
    this.#wires.add(wire);
    wire.onEnd(() => this.#wires.delete(wire));
    if (this.#isClosed) wire.destroy();
  }

  /** Whether this node wants to talk to that one. Both sides decide by the same rules. */
  #check(peer: Greeting, { purpose, expected }: Pick<Introduction, 'purpose' | 'expected'>): void {
    const own = this.#node.identity();
    const { cluster, node } = peer.identity;
    const isEither = own.cluster === '' || cluster === '';
    if (!isEither && own.cluster !== cluster) throw new RefusedError('CLUSTER_MISMATCH', peer);
    if (expected !== undefined && expected !== own.node) throw new RefusedError('WRONG_NODE', peer);
    if (node === own.node) throw new RefusedError(peer.boot === this.#boot ? 'WRONG_NODE' : 'NODE_DUPLICATE', peer);
    const difference = differenceBetween(own, peer.identity);
    if (difference !== undefined) throw new RefusedError('INCOMPATIBLE', peer, difference);
    if (isEither) {
      if (purpose === 'request') return;
      // Soon it will: it is joining. Nothing went wrong, so nothing is reported.
      throw new WireError('one of both nodes belongs to no cluster yet');
    }
    if (this.#starts.note(peer)) return;
    for (const wire of [...(this.#accepted.get(node)?.keys() ?? [])]) {
      sendRefusal(wire, 'NODE_DUPLICATE');
      wire.end(this.#limits.pingMs, this.#schedule);
    }
    throw new RefusedError('NODE_DUPLICATE', peer);
  }

  #onConnection(wire: Wire, { greeting, purpose }: Introduction): void {
    this.#track(wire);
    const { identity, address } = greeting;
    const { node, cluster } = identity;
    if (purpose === 'request') {
      void this.#answer(wire, cluster === '' ? undefined : node);
      return;
    }
    this.#learn(node, address);
    this.#links.get(node)?.retry();
    this.#keep(greeting, wire);
    this.#node.met?.(identity);
    if (purpose === 'messages') this.#listen(wire, node);
    else this.#takeSnapshot(wire, node);
  }

  #listen(wire: Wire, node: NodeId): void {
    let isFirst = true;
    wire.listen((frame) => {
      if (!this.#take(wire, node, frame)) return;
      // Not for each message: the stranger that was refused may have the same address as this node.
      this.#refusedPeers.clear(node, isFirst ? wire.remoteAddress : undefined);
      isFirst = false;
    });
  }

  // A node that this one does not know as a member yet may be its leader, and must be answered.
  #learn(node: NodeId, address: string): void {
    if (addressParts(address) === undefined) return;
    this.#learned.delete(node);
    this.#learned.set(node, address);
    if (this.#learned.size > maxLearned) this.#learned.delete(this.#learned.keys().next().value as NodeId);
    const link = this.#links.get(node);
    if (link !== undefined && this.#isElsewhere(link)) this.#dropLink(node, link);
  }

  #keep({ identity: { node }, boot }: Greeting, wire: Wire): void {
    const wires = this.#accepted.get(node) ?? new Map<Wire, string>();
    // What an earlier start of the node has sent, or still sends, is out of date.
    for (const [earlier, itsBoot] of [...wires]) if (itsBoot !== boot) earlier.destroy();
    this.#accepted.set(node, wires.set(wire, boot));
    wire.onEnd(() => {
      wires.delete(wire);
      if (wires.size === 0 && this.#accepted.get(node) === wires) this.#accepted.delete(node);
    });
  }

  /** Takes a message, and returns whether it was one. */
  #take(wire: Wire, from: NodeId, frame: WireFrame): boolean {
    if (frame.type === frameType.refusal) this.#takeRefusal(wire, from, frame);
    const message = messageIn(frame);
    const isOwn = message?.from === from && message.to === this.#node.identity().node && message.kind !== 'snapshot';
    if (message === undefined || !isOwn) {
      wire.destroy();
      return false;
    }
    if (!this.#isClosed) this.#node.receive(message);
    return true;
  }

  // The other side has checked this one last, and does not want it.
  #takeRefusal(wire: Wire, from: NodeId, frame: WireFrame): void {
    try {
      this.#onRefused(this.#refusedPeers, new RefusedError(readRefusal(frame)), wire.remoteAddress, from);
    } catch {
      // It is no refusal, and the connection ends all the same.
    }
  }

  #takeSnapshot(wire: Wire, from: NodeId): void {
    this.#snapshots?.take(wire, from).then(
      () => wire.end(this.#limits.silentMs, this.#schedule),
      () => wire.destroy(),
    );
  }

  async #answer(wire: Wire, from: NodeId | undefined): Promise<void> {
    this.#requests += 1;
    try {
      if (this.#requests > this.#limits.maxRequests) return;
      const body = await nextFrame(wire, frameType.request);
      const frame = await this.#answerTo(from, body.slice());
      wire.send(frame);
    } catch {
      // The other side has gone, or does not keep to the protocol.
    } finally {
      this.#requests -= 1;
      wire.end(this.#limits.silentMs, this.#schedule);
    }
  }

  async #answerTo(from: NodeId | undefined, body: Uint8Array): Promise<Buffer> {
    try {
      const answer = await this.#node.request(from, body);
      if (answer.length > maxRequestBytes) throw new WireError('the answer is too long');
      return wireFrame(
        frameType.answer,
        (to) => {
          flag.write(to, true);
          bytes.write(to, answer);
        },
        answer.length,
      );
    } catch (error) {
      return wireFrame(frameType.answer, (to) => {
        flag.write(to, false);
        failure.write(to, failureOf(error));
      });
    }
  }

  async #transferAll(
    message: InstallSnapshot,
    opened: NonNullable<Awaited<ReturnType<typeof openSnapshot>>>,
    transfer: { wire: Wire | undefined; isReplaced: boolean },
  ): Promise<boolean> {
    let best = -1;
    let failures = 0;
    while (failures < this.#limits.snapshotAttempts) {
      const before = best;
      const addresses = this.#addressesOf(message.to);
      const address = addresses[failures % addresses.length];
      const end = await this.#transferOnce(address, message, opened, transfer, (chunks) => {
        best = Math.max(best, chunks);
      });
      if (end !== 'broken') return end === 'taken';
      if (this.#isClosed || transfer.isReplaced) return false;
      // Only attempts without progress count.
      failures = best > before ? 0 : failures + 1;
      await new Promise<void>((resolve) => void this.#schedule(this.#limits.redialMs[1], resolve));
    }
    return false;
  }

  async #transferOnce(
    address: string | undefined,
    message: InstallSnapshot,
    opened: NonNullable<Awaited<ReturnType<typeof openSnapshot>>>,
    transfer: { wire: Wire | undefined; isReplaced: boolean },
    onProgress: (chunks: number) => void,
  ): Promise<TransferEnd> {
    if (address === undefined || this.#isClosed || transfer.isReplaced) return 'refused';
    try {
      const { wire } = await this.#dial(address, message.to, 'snapshot', (dialled) => {
        transfer.wire = dialled;
      });
      const { chunkBytes } = this.#limits;
      return await sendSnapshotFile(wire, { message, ...opened, chunkBytes, pace: this.#pacer(), onProgress });
    } catch (error) {
      if (error instanceof RefusedError) this.#onRefused(this.#refusedDials, error, address, message.to);
      return error instanceof WireError ? 'broken' : 'refused';
    } finally {
      transfer.wire?.end(this.#limits.pingMs, this.#schedule);
    }
  }

  /** Holds the chunks of a transfer back, so that on average they stay below the bound. */
  #pacer(): (length: number) => Promise<void> {
    const bound = this.#options.snapshotBytesPerSecond;
    const began = this.#elapsedMs();
    let sent = 0;
    return async (length) => {
      if (bound === undefined) return;
      const wait = (sent / bound) * 1_000 - (this.#elapsedMs() - began);
      sent += length;
      if (wait > 0) await new Promise<void>((resolve) => void this.#schedule(wait, resolve));
    };
  }

  // Never within a call of the node.
  #reportLost(node: NodeId): void {
    queueMicrotask(() => this.#isClosed || this.#node.unreachable(node));
  }

  #refusals(): Refusals {
    return new Refusals((refusal) => this.#isClosed || this.#node.refused?.(refusal));
  }

  #onRefused(refusals: Refusals, error: RefusedError, address: string, node: NodeId | undefined): void {
    const from = error.peer?.identity.node ?? node;
    queueMicrotask(() => refusals.report(error.code, address, from, error.detail));
  }
}

function messageIn(frame: WireFrame): PeerMessage | undefined {
  if (frame.type !== frameType.message) return undefined;
  try {
    return readMessage(new ByteReader(frame.body));
  } catch {
    return undefined;
  }
}

/** The answer in a frame. @throws MemoryError if the node has answered with an error, WireError */
function answerIn(body: Uint8Array): Uint8Array {
  const isAnswer = decoded(flag, body.subarray(0, 1));
  if (isAnswer) return decoded(bytes, body.subarray(1));
  const { code, message, isRetryable } = decoded(failure, body.subarray(1));
  throw new MemoryError(code as MemoryError['code'], message, { retryable: isRetryable });
}

function failureOf(error: unknown): Failure {
  // What another error says may contain what must not leave this process.
  const known = MemoryError.is(error) ? error : unreachableNode('the node', 'it failed to answer');
  return { code: known.code, message: known.message, isRetryable: known.retryable };
}

function requestError(error: unknown, name: string, lateMs: number | undefined): MemoryError {
  if (MemoryError.is(error)) return error;
  if (lateMs !== undefined) return unreachableNode(name, `it did not answer within ${lateMs} ms`);
  if (error instanceof RefusedError) {
    const message = `No connection with ${name}: ${reasons[error.code]}`;
    return new MemoryError(errorCodes[error.code], message, { cause: error });
  }
  const reason = error instanceof WireError ? error.message : 'there is no connection';
  return unreachableNode(name, reason, error);
}

const errorCodes: Readonly<Record<RefusalCode, MemoryError['code']>> = {
  CLUSTER_MISMATCH: 'CLUSTER_MISMATCH',
  NODE_DUPLICATE: 'NODE_DUPLICATE',
  WRONG_NODE: 'STORE_UNREACHABLE',
  UNAUTHENTICATED: 'FORBIDDEN',
  INCOMPATIBLE: 'STORE_UNREACHABLE',
};

function checkOptions({ listen, advertise, tls, secret, snapshotBytesPerSecond: pace }: TcpTransportOptions): void {
  const hosts: readonly (readonly [string, string])[] = [
    ['listen', listen.host],
    ['advertise', addressParts(advertise ?? '')?.host ?? 'localhost'],
  ];
  const isShort = tls === undefined && (secret?.length ?? 0) < minSecretLength;
  const needed = `expected \`tls\`, or a secret of at least ${minSecretLength} characters for nodes on one machine.`;
  const issues = [
    ...(isShort ? [{ path: ['secret'], message: needed }] : []),
    ...(advertise === undefined || addressParts(advertise) !== undefined
      ? []
      : [{ path: ['advertise'], message: 'expected an address, such as "10.0.0.2:7411".' }]),
    ...hosts
      .filter(([, host]) => tls === undefined && !isLoopback(host))
      .map(([name]) => ({ path: [name], message: 'without `tls`, expected a loopback address, such as 127.0.0.1.' })),
    ...(pace === undefined || pace > 0
      ? []
      : [{ path: ['snapshotBytesPerSecond'], message: 'expected a number above 0.' }]),
  ];
  if (issues.length > 0) throw invalidInput(issues, 'options');
}
