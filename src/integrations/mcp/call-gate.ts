import type { Writable } from 'node:stream';
import { ErrorCode, McpError } from '@modelcontextprotocol/sdk/types.js';
import { nextTurn } from '../../environment/timers';

/** Resolves when the client has read enough of the earlier answers. Rejects when it will read no more. */
export type ClientReadiness = () => Promise<void>;

/** The readiness of a client that reads its answers from this output. */
export function readinessOf(output: Writable): ClientReadiness {
  return async () => {
    // An answer that was made just now is on its way to the output.
    await nextTurn();
    while (output.writableNeedDrain && !output.destroyed) await drainOrClose(output);
    if (output.destroyed) throw new McpError(ErrorCode.ConnectionClosed, 'The client has gone.');
  };
}

function drainOrClose(output: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      output.off('drain', done);
      output.off('close', done);
      resolve();
    };
    output.on('drain', done);
    output.on('close', done);
  });
}

// A few, so that one slow search does not hold up the others.
const maxRunningCalls = 4;

/**
 * Runs a few calls of one client at a time, and none while the client does not read its answers. A client may send a thousand calls in a
 * few kilobytes, and their answers would all be in memory at once.
 */
export class CallGate {
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  async run<T>(call: () => Promise<T>, isReady: ClientReadiness): Promise<T> {
    await this.#enter();
    try {
      await isReady();
      return await call();
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }

  async #enter(): Promise<void> {
    // The loop: another call may enter between the moment when this one is woken and the moment when it runs.
    while (this.#running >= maxRunningCalls) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running++;
  }
}
