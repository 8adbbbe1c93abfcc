import { readFileSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { encodeFrame, FrameReader } from '../../src/connect/frames';
import { protocol } from '../../src/connect/protocol';

/** A client that sends any message, whether the protocol allows it or not. */
export class RawClient {
  readonly socket: Socket;
  readonly messages: unknown[] = [];
  readonly ended: Promise<void>;
  readonly token: string;
  readonly #frames = new FrameReader();

  constructor(folder: string) {
    const address = JSON.parse(readFileSync(join(folder, 'connect', 'address.json'), 'utf8'));
    this.token = address.token;
    this.socket = createConnection(address.socket).on('error', () => undefined);
    this.socket.on('data', (chunk: Buffer) => {
      this.#frames.push(chunk);
      for (let next = this.#frames.next(2 ** 30); next !== undefined; next = this.#frames.next(2 ** 30))
        this.messages.push(next);
    });
    this.ended = new Promise((resolve) => this.socket.on('close', () => resolve()));
    onTestFinished(() => void this.socket.destroy());
  }

  hello(change: object = {}): void {
    this.send({ hello: protocol, token: this.token, client: 'raw', ...change });
  }

  send(message: unknown): void {
    this.socket.write(encodeFrame(JSON.stringify(message)));
  }

  /** Waits for a message. */
  async received(isWanted: (message: never) => boolean): Promise<unknown> {
    for (;;) {
      const found = (this.messages as never[]).find(isWanted);
      if (found !== undefined) return found;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

/** A call of the host, as the library sends it. */
export function callOf(id: number, op: string, args: unknown[]): object {
  return { t: 'call', id, op, handle: JSON.stringify([{ principal: null, scopes: [] }, []]), args: [args, []] };
}
