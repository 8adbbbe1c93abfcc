import type { Schedule } from '../../environment/timers';
import type { PeerMessage } from '../core/messages';
import type { NodeId } from '../core/node-id';
import { RefusedError, readRefusal } from './handshake';
import { messageBytes, writeMessage } from './message-codec';
import type { Connection } from './tcp-dialler';
import type { TransportLimits } from './tcp-options';
import type { Wire } from './wire';
import { frameType, wireFrame } from './wire-frames';

// A node that was refused needs an operator, so it is dialled less often.
const refusedFactor = 5;

/** What a link needs. */
export interface PeerLinkPorts {
  readonly limits: TransportLimits;
  readonly schedule: Schedule;
  elapsedMs(): number;
  /** A number from 0 to 1, not 1 itself. It spreads the reconnects of many nodes. */
  jitter(): number;
  dial(address: string, onWire: (wire: Wire) => void): Promise<Connection>;
  onRefused(error: RefusedError, address: string): void;
  /** Messages were lost. */
  onLost(): void;
}

/**
 * The connection on which this node sends messages to another one. It is dialled when there is something to send, and dialled again after a
 * while that grows with each failure. Messages wait for a connection that is being made, and are lost if there is none.
 */
export class PeerLink {
  readonly node: NodeId;
  /** Where the node may be. They are tried in turn. */
  readonly addresses: readonly string[];
  readonly #ports: PeerLinkPorts;
  #wire: Wire | undefined;
  #dialled: Wire | undefined;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #isDialling = false;
  #isClosed = false;
  #failures = 0;
  #turn = 0;
  #notBefore = 0;
  #openedAt = 0;

  constructor(node: NodeId, addresses: readonly string[], ports: PeerLinkPorts) {
    this.node = node;
    this.addresses = addresses;
    this.#ports = ports;
  }

  /** Sends a message, or returns false if it is lost. */
  send(message: PeerMessage): boolean {
    if (this.#isClosed) return false;
    const wire = this.#wire;
    if (wire === undefined && !this.#isDialling && !this.#dial()) return false;
    const queued = wire?.queuedBytes ?? this.#waitingBytes;
    if (queued + messageBytes(message) > this.#ports.limits.maxQueuedBytes) return false;
    const frame = frameOf(message);
    if (frame === undefined) return false;
    if (wire !== undefined) wire.send(frame);
    else {
      this.#waiting.push(frame);
      this.#waitingBytes += frame.length;
    }
    return true;
  }

  /** The node is there: it has dialled this one. The next message may dial it at once. */
  retry(): void {
    this.#notBefore = 0;
  }

  close(): void {
    this.#isClosed = true;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#wire?.destroy();
    this.#dialled?.destroy();
  }

  #dial(): boolean {
    if (this.#ports.elapsedMs() < this.#notBefore) return false;
    this.#isDialling = true;
    const address = this.addresses[this.#turn % this.addresses.length] as string;
    this.#ports
      .dial(address, (wire) => {
        this.#dialled = wire;
      })
      .then(
        (connection) => this.#open(connection, address),
        (error: unknown) => {
          this.#turn += 1;
          this.#fail(error, address);
        },
      );
    return true;
  }

  #open({ wire }: Connection, address: string): void {
    this.#isDialling = false;
    if (this.#isClosed) {
      wire.destroy();
      return;
    }
    this.#wire = wire;
    this.#openedAt = this.#ports.elapsedMs();
    for (const frame of this.#waiting) wire.send(frame);
    this.#waiting = [];
    this.#waitingBytes = 0;
    let refused: RefusedError | undefined;
    wire.listen((frame) => {
      if (frame.type === frameType.refusal) refused = refusedBy(frame.body);
      wire.destroy();
    });
    wire.onEnd(() => {
      if (this.#wire === wire) this.#wire = undefined;
      // A connection that lasted was a good one.
      if (this.#ports.elapsedMs() - this.#openedAt > this.#ports.limits.pingMs) this.#failures = 0;
      this.#fail(refused, address);
    });
  }

  #fail(error: unknown, address: string): void {
    this.#isDialling = false;
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (this.#isClosed) return;
    const [min, max] = this.#ports.limits.redialMs;
    this.#failures += 1;
    const wait = error instanceof RefusedError ? max * refusedFactor : Math.min(max, min * 2 ** (this.#failures - 1));
    this.#notBefore = this.#ports.elapsedMs() + wait * (0.5 + this.#ports.jitter() / 2);
    if (error instanceof RefusedError) this.#ports.onRefused(error, address);
    this.#ports.onLost();
  }
}

// A message that is too long cannot be sent at all. The consensus bounds its messages below that.
function frameOf(message: PeerMessage): Buffer | undefined {
  try {
    return wireFrame(frameType.message, (to) => writeMessage(to, message), messageBytes(message));
  } catch {
    return undefined;
  }
}

function refusedBy(body: Uint8Array): RefusedError | undefined {
  try {
    return new RefusedError(readRefusal({ type: frameType.refusal, body }));
  } catch {
    return undefined;
  }
}
