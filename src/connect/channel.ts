import type { Socket } from 'node:net';
import { encodeFrame, FrameReader } from './frames';

/** Receives the messages of a channel. */
export interface ChannelListener {
  onMessage(message: unknown): void;
  /** If it returns false, the channel stops reading until `resume` is called. Default: the channel always reads. */
  acceptsMore?(): boolean;
  /** Is called once, after the socket has closed or the other side has violated the protocol. */
  onEnd(channel: Channel): void;
}

/** Sends and receives messages over a socket. Messages that are sent in the same microtask are written together. */
export class Channel {
  /** The maximum length of a message from the other side. */
  maxBytes: number;
  readonly #socket: Socket;
  readonly #listener: ChannelListener;
  readonly #frames = new FrameReader();
  #isCorked = false;
  #isReading = false;
  #hasEnded = false;

  constructor(socket: Socket, maxBytes: number, listener: ChannelListener) {
    this.#socket = socket;
    this.maxBytes = maxBytes;
    this.#listener = listener;
    socket.on('data', (chunk: Buffer) => {
      this.#frames.push(chunk);
      this.resume();
    });
    socket.on('drain', () => this.resume());
    // Without this listener an error would crash the process. The event 'close' follows and ends the channel.
    socket.on('error', () => undefined);
    socket.on('end', () => this.destroy());
    socket.on('close', () => this.#end());
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** The number of bytes that are waiting to be sent, because the other side does not read fast enough. */
  get unreadBytes(): number {
    return this.#socket.writableLength;
  }

  /** Resolves when everything was sent and the other side has read it, or when the connection has ended. */
  drained(): Promise<void> {
    const socket = this.#socket;
    if (this.#hasEnded || socket.writableLength === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        socket.off('drain', done);
        socket.off('close', done);
        resolve();
      };
      socket.on('drain', done);
      socket.on('close', done);
    });
  }

  send(message: unknown): void {
    this.sendJson(JSON.stringify(message));
  }

  sendJson(json: string): void {
    if (this.#hasEnded) return;
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.#socket.cork();
      queueMicrotask(() => {
        this.#isCorked = false;
        this.#socket.uncork();
      });
    }
    this.#socket.write(encodeFrame(json));
  }

  /** Delivers the messages that have arrived while the listener accepts more. Then the socket reads further or pauses. */
  resume(): void {
    if (this.#isReading || this.#hasEnded) return;
    this.#isReading = true;
    try {
      const acceptsMore = this.#deliver();
      if (acceptsMore) this.#socket.resume();
      else this.#socket.pause();
    } catch {
      this.destroy();
    }
    this.#isReading = false;
  }

  /** Sets whether the open socket keeps the process alive. */
  keepAlive(isKept: boolean): void {
    if (isKept) this.#socket.ref();
    else this.#socket.unref();
  }

  /** Ends the connection after all messages were sent. */
  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
    this.#end();
  }

  #deliver(): boolean {
    while (this.#listener.acceptsMore?.() ?? true) {
      const message = this.#hasEnded ? undefined : this.#frames.next(this.maxBytes);
      if (message === undefined) return true;
      this.#listener.onMessage(message);
    }
    return false;
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#listener.onEnd(this);
  }
}
