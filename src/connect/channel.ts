import type { Socket } from 'node:net';
import { Frames, frameOf, frameOfText } from './frames';

/** What happens on a channel. */
export interface Listener {
  onMessage(message: unknown): void;
  /** False where no further message is wanted for now: `resume` asks for them. Default: always. */
  wantsMore?(): boolean;
  /** The other side is gone, or said what makes no sense. Told once. */
  onEnd(channel: Channel): void;
}

/** Messages over a socket. What is sent in one turn goes out together. */
export class Channel {
  /** Of one message that arrives. */
  maxBytes: number;
  readonly #socket: Socket;
  readonly #listener: Listener;
  readonly #frames = new Frames();
  #isCorked = false;
  #isReading = false;
  #hasEnded = false;

  constructor(socket: Socket, maxBytes: number, listener: Listener) {
    this.#socket = socket;
    this.maxBytes = maxBytes;
    this.#listener = listener;
    socket.on('data', (chunk: Buffer) => {
      this.#frames.push(chunk);
      this.resume();
    });
    socket.on('drain', () => this.resume());
    // `close` follows, and says all that matters.
    socket.on('error', () => undefined);
    socket.on('end', () => this.destroy());
    socket.on('close', () => this.#end());
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Bytes that the other side has yet to take. */
  get backlog(): number {
    return this.#socket.writableLength;
  }

  send(message: unknown): void {
    this.#write(frameOf(message));
  }

  sendText(json: string): void {
    this.#write(frameOfText(json));
  }

  /** Reads what has arrived and, unless the listener has enough, what will. */
  resume(): void {
    if (this.#isReading || this.#hasEnded) return;
    this.#isReading = true;
    try {
      const wantsMore = this.#read();
      if (wantsMore) this.#socket.resume();
      else this.#socket.pause();
    } catch {
      this.destroy();
    }
    this.#isReading = false;
  }

  /** Whether the process waits for what comes here. */
  keepAlive(keeps: boolean): void {
    if (keeps) this.#socket.ref();
    else this.#socket.unref();
  }

  /** Sends what is left, then ends. */
  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
    this.#end();
  }

  #read(): boolean {
    while (this.#listener.wantsMore?.() ?? true) {
      const message = this.#hasEnded ? undefined : this.#frames.next(this.maxBytes);
      if (message === undefined) return true;
      this.#listener.onMessage(message);
    }
    return false;
  }

  #write(frame: Buffer): void {
    if (this.#hasEnded) return;
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

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#listener.onEnd(this);
  }
}
