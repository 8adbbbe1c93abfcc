import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { MemoryError } from '../domain/errors';
import { pause } from '../environment/timers';
import { Lifetime } from '../store/lifetime';
import type { Hello } from './protocol';
import { RequestDedup } from './request-dedup';
import { ServerConnection } from './server-connection';
import type { HostStore, ServedStore } from './server-operations';
import { newSocketPath, publishAddress, removeAddress, removeStaleSockets, type SocketAddress } from './socket-address';

const socketNameBytes = 8;
const tokenBytes = 32;
const helloTimeoutMs = 5_000;
/** How many milliseconds `close` waits for clients that do not read their last answers. */
const closeTimeoutMs = 1_000;

/**
 * Serves a folder that this process has opened to other processes that run as the same user. The server does not keep the process
 * alive.
 */
export class StoreServer {
  readonly #folder: string;
  readonly #served: ServedStore;
  readonly #address: SocketAddress;
  readonly #server: Server;
  readonly #connections = new Set<ServerConnection>();

  private constructor(folder: string, address: SocketAddress, engine: ServedStore['engine'], store: HostStore) {
    this.#folder = folder;
    this.#address = address;
    const dedup = new RequestDedup(engine.state.requests, engine.synced);
    this.#served = { engine, lifetime: new Lifetime(), store, dedup };
    this.#server = createServer((socket) => this.#accept(socket));
    this.#server.unref();
    // A connection can fail, for example because the process has too many open files. The client then tries again.
    this.#server.on('error', () => undefined);
  }

  /**
   * Listens on a new socket, and then publishes its address.
   *
   * @throws INVALID_INPUT if other users can access the directory of the socket
   */
  static async open(folder: string, engine: ServedStore['engine'], store: HostStore): Promise<StoreServer> {
    const { randomBytes } = engine.environment;
    const hex = (bytes: number) => Buffer.from(randomBytes(bytes)).toString('hex');
    const socket = newSocketPath(folder, hex(socketNameBytes));
    removeStaleSockets(folder);
    const address = { socket, token: hex(tokenBytes) };
    const server = new StoreServer(folder, address, engine, store);
    await server.#listen();
    publishAddress(folder, address);
    return server;
  }

  /** Removes the address and the socket, waits until the running calls are answered, and closes all connections. */
  async close(): Promise<void> {
    removeAddress(this.#folder, this.#address);
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const connections = [...this.#connections];
    await Promise.all(connections.map((each) => (each.isAccepted ? each.close() : each.destroy())));
    const allClosed = new AbortController();
    void closed.then(() => allClosed.abort());
    await pause(closeTimeoutMs, allClosed.signal, { keepsAlive: true });
    for (const connection of this.#connections) connection.destroy();
    await closed;
    await this.#served.lifetime.end();
  }

  #listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (cause) => {
        const message = `Cannot serve ${this.#folder}: ${cause.message}.`;
        reject(new MemoryError('STORE_UNREACHABLE', message, { cause }));
      });
      this.#server.listen(this.#address.socket, resolve);
    });
  }

  #accept(socket: Socket): void {
    const connection = new ServerConnection(socket, this.#served, {
      isAuthorized: (hello) => this.#isAuthorized(hello),
      onEnd: (ended) => void this.#connections.delete(ended),
    });
    this.#connections.add(connection);
    void pause(helloTimeoutMs).then(() => {
      if (!connection.isAccepted) connection.destroy();
    });
  }

  #isAuthorized({ token }: Hello): boolean {
    // Tokens may differ in length, but `timingSafeEqual` requires equal lengths. All digests have the same length.
    const digest = (text: string) => createHash('sha256').update(text).digest();
    return timingSafeEqual(digest(token), digest(this.#address.token));
  }
}
