import type { Writable } from 'node:stream';
import { ErrorCode, McpError } from '@modelcontextprotocol/sdk/types.js';
import { nextTurn } from '../../environment/timers';

/** Returns a promise that resolves when the client has read enough of the earlier answers. It rejects if the client has disconnected. */
export type ClientReadiness = () => Promise<void>;

/** Makes the readiness function for a client that reads its answers from this output. */
export function readinessOf(output: Writable): ClientReadiness {
  return async () => {
    // Waits a turn, because an answer that was made just now may not have reached the output yet.
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

// More than one, so that a slow search does not delay all other calls.
const maxRunningCalls = 4;

/**
 * Runs only a few calls from one client at the same time, and none while the client does not read its answers. Otherwise a client could
 * send a thousand calls in a few kilobytes, and all their answers would be in RAM at the same time.
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
    // This must be a loop, because another call may enter after this call is woken and before it continues.
    while (this.#running >= maxRunningCalls) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running++;
  }
}
