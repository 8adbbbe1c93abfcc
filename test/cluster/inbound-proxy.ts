import { createConnection, createServer, type Server, type Socket } from 'node:net';

/**
 * Stands between a node and those that connect to it. While it is cut, nothing reaches the node, but the node reaches the others. While it is
 * shut for an address, nothing from there reaches the node.
 */
export class InboundProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #shutFor = new Set<string>();
  #isCut = false;

  private constructor(target: number) {
    this.#server = createServer((client) => {
      if (this.#isCut || this.#shutFor.has(client.remoteAddress ?? '')) {
        client.destroy();
        return;
      }
      const node = createConnection(target, '127.0.0.1');
      for (const [from, to] of [
        [client, node],
        [node, client],
      ] as const) {
        this.#sockets.add(from);
        from.on('error', () => undefined);
        from.on('close', () => {
          this.#sockets.delete(from);
          to.destroy();
        });
        from.pipe(to);
      }
    });
  }

  /** Listens on a port, and passes on what arrives there to another one. */
  static async start(port: number, target: number): Promise<InboundProxy> {
    const proxy = new InboundProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(port, '127.0.0.1', resolve));
    return proxy;
  }

  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Ends all connections from this address, and accepts no more. */
  shutFor(address: string): void {
    this.#shutFor.add(address);
    for (const socket of this.#sockets) if (socket.remoteAddress === address) socket.destroy();
  }

  heal(): void {
    this.#isCut = false;
    this.#shutFor.clear();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }
}
