import { createConnection, createServer, type Server, type Socket } from 'node:net';

/** What the proxy does with bytes that pass in one direction. */
export type Treatment = 'pass' | 'stall' | 'drop' | 'flip' | 'truncate';

/** Stands between two nodes, and cuts, stalls, loses, flips and truncates what passes. */
export class FaultProxy {
  /** To the node that accepts connections behind the proxy. */
  forward: Treatment = 'pass';
  /** Back to the node that has dialled. */
  backward: Treatment = 'pass';
  /** Cuts each connection after so many forwarded bytes. */
  cutAfter = Number.POSITIVE_INFINITY;
  forwardedBytes = 0;
  onForward: (bytes: Buffer) => void = () => undefined;
  connections = 0;
  /** The address behind the proxy. Set before anybody dials. */
  target = '';
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor() {
    this.#server = createServer((socket) => this.#join(socket));
  }

  static async start(): Promise<FaultProxy> {
    const proxy = new FaultProxy();
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    open.push(proxy);
    return proxy;
  }

  get address(): string {
    const address = this.#server.address();
    return `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  }

  /** Ends all connections at once. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  heal(): void {
    const wasWhole = this.forward === 'pass' && this.backward === 'pass' && this.cutAfter === Number.POSITIVE_INFINITY;
    this.forward = 'pass';
    this.backward = 'pass';
    this.cutAfter = Number.POSITIVE_INFINITY;
    // The streams that have lost bytes cannot go on.
    if (!wasWhole) this.cut();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(near: Socket): void {
    this.connections += 1;
    const [host, port] = this.target.split(':') as [string, string];
    const far = createConnection(Number(port), host);
    let forwarded = 0;
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from);
      from.on('error', () => undefined);
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      from.on('data', (bytes: Buffer) => {
        const isForward = from === near;
        if (isForward) {
          forwarded += bytes.length;
          this.forwardedBytes += bytes.length;
          this.onForward(bytes);
        }
        this.#treat(isForward ? this.forward : this.backward, bytes, to);
        if (forwarded > this.cutAfter) from.resetAndDestroy();
      });
    }
  }

  #treat(treatment: Treatment, bytes: Buffer, to: Socket): void {
    if (treatment === 'stall' || treatment === 'drop') return;
    if (treatment === 'flip') {
      const flipped = Buffer.from(bytes);
      const at = Math.floor(flipped.length / 2);
      flipped[at] = (flipped[at] as number) ^ 4;
      to.write(flipped);
    } else if (treatment === 'truncate') {
      to.write(bytes.subarray(0, bytes.length - 1));
      to.end();
    } else to.write(bytes);
  }
}

const open: FaultProxy[] = [];

/** Closes all proxies of a test. */
export async function closeProxies(): Promise<void> {
  for (const proxy of open.splice(0)) await proxy.close();
}
