import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** What the program says: that something was written or read, or a word. */
export type Said = { readonly wrote?: string; readonly read?: string } | string;

/** `programs/worker.ts` in a process of its own, which ends with the test. */
export class Worker {
  readonly said: Said[] = [];
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;

  constructor(...args: readonly string[]) {
    const file = fileURLToPath(new URL('programs/worker.ts', import.meta.url));
    const child = fork(file, args, { execArgv: ['--import', 'tsx'], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    child.on('message', (message) => this.said.push(message as Said));
    this.#child = child;
    this.#ended = new Promise((resolve) => child.once('exit', () => resolve()));
    onTestFinished(() => {
      child.kill('SIGKILL');
    });
  }

  get read(): string[] {
    return this.said.flatMap((each) => (typeof each === 'object' && each.read !== undefined ? [each.read] : []));
  }

  get wrote(): string[] {
    return this.said.flatMap((each) => (typeof each === 'object' && each.wrote !== undefined ? [each.wrote] : []));
  }

  /** Waits until it has said enough. */
  async until(isEnough: () => boolean): Promise<void> {
    while (!isEnough()) await new Promise((resolve) => this.#child.once('message', resolve));
  }

  tell(order: string): void {
    this.#child.send(order);
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  ended(): Promise<void> {
    return this.#ended;
  }
}
