import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { MemoryError } from '../domain/errors';
import { pause } from '../environment/timers';
import type { Engine } from '../store/composition/engine';
import { Lifetime } from '../store/lifetime';
import type { HostCalls, Served } from './operations';
import type { Hello } from './protocol';
import { RequestDedup } from './request-dedup';
import { ServerConnection } from './server-connection';
import { announce, clearOut, newSocketPath, type SocketAddress, withdraw } from './socket-address';

const nameBytes = 8;
const tokenBytes = 32;
const helloTimeoutMs = 5_000;
/** How long a client that does not read may take for its last answers. */
const goodbyeTimeoutMs = 1_000;

/** Serves a folder that this process holds to other processes of the same user. It keeps no process alive. */
export class StoreServer {
  readonly #folder: string;
  readonly #served: Served;
  readonly #address: SocketAddress;
  readonly #server: Server;
  readonly #peers = new Set<ServerConnection>();

  private constructor(folder: string, address: SocketAddress, engine: Engine, host: HostCalls) {
    this.#folder = folder;
    this.#address = address;
    this.#served = { engine, lifetime: new Lifetime(), host, once: new RequestDedup(engine) };
    this.#server = createServer((socket) => this.#welcome(socket));
    this.#server.unref();
    // A connection that could not be taken, for want of file descriptors: who tries again comes in later.
    this.#server.on('error', () => undefined);
  }

  /**
   * Listens, and tells where.
   *
   * @throws INVALID_INPUT where the folder has no place that only this user can reach
   */
  static async open(folder: string, engine: Engine, host: HostCalls): Promise<StoreServer> {
    const { randomBytes } = engine.environment;
    const hex = (bytes: number) => Buffer.from(randomBytes(bytes)).toString('hex');
    const socket = newSocketPath(folder, hex(nameBytes));
    clearOut(folder);
    const address = { socket, token: hex(tokenBytes) };
    const holder = new StoreServer(folder, address, engine, host);
    await holder.#listen();
    announce(folder, address);
    return holder;
  }

  /** Answers what was asked, tells everybody that it is over, and leaves nothing behind. */
  async close(): Promise<void> {
    withdraw(this.#folder, this.#address);
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const left = [...this.#peers];
    await Promise.all(left.map((peer) => (peer.isGreeted ? peer.close() : peer.destroy())));
    const enough = new AbortController();
    void closed.then(() => enough.abort());
    await pause(goodbyeTimeoutMs, enough.signal, { keepsAlive: true });
    for (const peer of this.#peers) peer.destroy();
    await closed;
    await this.#served.lifetime.end();
  }

  #listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (cause) => {
        const message = `The folder ${this.#folder} cannot be served: ${cause.message}.`;
        reject(new MemoryError('STORE_UNREACHABLE', message, { cause }));
      });
      this.#server.listen(this.#address.socket, resolve);
    });
  }

  #welcome(socket: Socket): void {
    const peer = new ServerConnection(socket, this.#served, {
      isKnown: (hello) => this.#isKnown(hello),
      onEnd: (gone) => void this.#peers.delete(gone),
    });
    this.#peers.add(peer);
    void pause(helloTimeoutMs).then(() => {
      if (!peer.isGreeted) peer.destroy();
    });
  }

  #isKnown({ token }: Hello): boolean {
    // Of one length, so that they can be compared in a time that tells nothing.
    const digest = (text: string) => createHash('sha256').update(text).digest();
    return timingSafeEqual(digest(token), digest(this.#address.token));
  }
}
