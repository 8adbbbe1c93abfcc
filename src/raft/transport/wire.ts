import type { Socket } from 'node:net';
import type { Schedule } from '../../environment/timers';
import { frameType, maxWireBytes, type WireFrame, WireReader, wireFrame } from './wire-frames';

/** What the other side may send in all before it has proved that it belongs to the cluster. */
export const maxUnprovedBytes = 4_096;

// Above this, a connection that is read frame by frame waits until its reader has caught up.
const maxUnreadBytes = 4 * 2 ** 20;

const ping = wireFrame(frameType.ping, () => undefined);

/** A connection that carries frames. Frames that are sent in the same microtask are written together. */
export class Wire {
  readonly #socket: Socket;
  readonly #reader: WireReader;
  readonly #onEnd: (() => void)[] = [];
  readonly #timers: (() => void)[] = [];
  #onFrame: ((frame: WireFrame) => void) | undefined;
  #waiting: ((frame: WireFrame | undefined) => void) | undefined;
  #isCorked = false;
  #hasEnded = false;
  #isClosing = false;
  #isReading = false;
  #hasArrived = false;
  // How many more bytes the other side may send before it has proved that it belongs to the cluster.
  #unprovedBytes = maxUnprovedBytes;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#reader = new WireReader(maxUnprovedBytes);
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.#hasArrived = true;
      this.#unprovedBytes -= chunk.length;
      if (this.#unprovedBytes < 0) {
        this.destroy();
        return;
      }
      this.#reader.push(chunk);
      this.#deliver();
    });
    // Without this listener an error would crash the process. The event 'close' follows and ends the wire.
    socket.on('error', () => undefined);
    socket.on('end', () => this.destroy());
    socket.on('close', () => this.#end());
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** The bytes that wait to be sent, because the other side does not read fast enough. */
  get queuedBytes(): number {
    return this.#socket.writableLength;
  }

  /** The other side has proved that it belongs to the cluster, and may send long frames from now on. */
  setProved(): void {
    this.#reader.maxBytes = maxWireBytes;
    this.#unprovedBytes = Number.POSITIVE_INFINITY;
  }

  /** The address of the other side. */
  get remoteAddress(): string {
    return this.#socket.remoteAddress ?? 'an unknown address';
  }

  /** Calls the listener once, when the connection has ended. */
  onEnd(listener: () => void): void {
    if (this.#hasEnded) listener();
    else this.#onEnd.push(listener);
  }

  send(frame: Buffer): void {
    if (this.#hasEnded || this.#isClosing) return;
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.#socket.cork();
      queueMicrotask(() => {
        this.#isCorked = false;
        this.#socket.uncork();
      });
    }
    this.#socket.write(frame);
  }

  /** Resolves when what was sent has been handed to the system, or when the connection has ended. */
  drained(): Promise<void> {
    if (this.#hasEnded || this.#socket.writableLength < this.#socket.writableHighWaterMark) return Promise.resolve();
    return new Promise((resolve) => {
      this.#socket.once('drain', resolve);
      this.onEnd(resolve);
    });
  }

  /** The next frame, or undefined if the connection ends before. Only one call may wait at a time. Pings are left out. */
  receive(): Promise<WireFrame | undefined> {
    return new Promise((resolve) => {
      if (this.#hasEnded) {
        resolve(undefined);
        return;
      }
      this.#waiting = resolve;
      this.#socket.resume();
      this.#deliver();
    });
  }

  /** From now on, calls the listener for each frame, without pings. */
  listen(onFrame: (frame: WireFrame) => void): void {
    this.#onFrame = onFrame;
    this.#socket.resume();
    this.#deliver();
  }

  /** Sends signs of life from now on, and ends the connection when none arrives for `silentMs`. */
  keepAlive(pingMs: number, silentMs: number, schedule: Schedule): void {
    let silentFor = 0;
    const beat = () => {
      if (this.#hasEnded) return;
      silentFor = this.#hasArrived ? 0 : silentFor + pingMs;
      this.#hasArrived = false;
      if (silentFor >= silentMs) this.destroy();
      // What waits in the queue is a sign of life, too.
      else if (this.queuedBytes === 0) this.send(ping);
      this.#timers[0] = schedule(pingMs, beat);
    };
    this.#timers[0] = schedule(pingMs, beat);
  }

  /** Ends the connection when everything was sent, or after `graceMs`. */
  end(graceMs: number, schedule: Schedule): void {
    if (this.#hasEnded || this.#isClosing) return;
    // The cork of this microtask would hold back what was sent just now.
    if (this.#isCorked) this.#socket.uncork();
    this.#isClosing = true;
    this.#timers.push(schedule(graceMs, () => this.destroy()));
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
    this.#end();
  }

  #deliver(): void {
    // A listener may send, receive or destroy, which comes back here.
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      while (!this.#hasEnded && (this.#onFrame !== undefined || this.#waiting !== undefined)) {
        const frame = this.#next();
        if (frame === undefined) break;
        if (frame.type === frameType.ping) continue;
        this.#hand(frame);
      }
    } finally {
      this.#isReading = false;
    }
    const isIdle = this.#onFrame === undefined && this.#waiting === undefined;
    if (isIdle && this.#reader.bytes > maxUnreadBytes) this.#socket.pause();
  }

  #hand(frame: WireFrame): void {
    if (this.#onFrame !== undefined) {
      this.#onFrame(frame);
      return;
    }
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.(frame);
  }

  // Bytes that are not allowed end the connection: what follows them cannot be trusted.
  #next(): WireFrame | undefined {
    try {
      return this.#reader.next();
    } catch {
      this.destroy();
      return undefined;
    }
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    for (const cancel of this.#timers) cancel();
    this.#waiting?.(undefined);
    this.#waiting = undefined;
    for (const listener of this.#onEnd.splice(0)) listener();
  }
}
