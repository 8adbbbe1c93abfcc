import { readFileSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { Frames, frameOf } from '../../src/connect/frames';

/** A client that says whatever it is told to, in protocol or out of it. */
export class RawClient {
  readonly socket: Socket;
  readonly messages: unknown[] = [];
  readonly ended: Promise<void>;
  readonly token: string;
  readonly #frames = new Frames();

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
    this.send({ hello: 1, token: this.token, client: 'raw', ...change });
  }

  send(message: unknown): void {
    this.socket.write(frameOf(message));
  }

  async said(isIt: (message: never) => boolean): Promise<unknown> {
    for (;;) {
      const found = (this.messages as never[]).find(isIt);
      if (found !== undefined) return found;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

/** A call as the library would make it. */
export function callOf(id: number, op: string, args: unknown[]): object {
  return { t: 'call', id, op, who: JSON.stringify([{ principal: null, scopes: [] }, []]), args: [args, []] };
}
