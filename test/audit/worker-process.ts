import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** A message of the program: the id of a memory that it wrote or read, or what it has finished. */
export type WorkerMessage = { readonly wrote?: string; readonly read?: string } | 'open' | 'done' | 'closed';

/** A process that runs `programs/worker.ts`. It is killed when the test ends. */
export class WorkerProcess {
  readonly messages: WorkerMessage[] = [];
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;

  constructor(...args: readonly string[]) {
    const file = fileURLToPath(new URL('programs/worker.ts', import.meta.url));
    const child = fork(file, args, { execArgv: ['--import', 'tsx'], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    child.on('message', (message) => this.messages.push(message as WorkerMessage));
    this.#child = child;
    this.ended = new Promise((resolve) => child.once('exit', () => resolve()));
    onTestFinished(() => {
      child.kill('SIGKILL');
    });
  }

  /** The ids of the memories that it has read. */
  get read(): string[] {
    return this.messages.flatMap((each) => (typeof each === 'object' && each.read !== undefined ? [each.read] : []));
  }

  /** The ids of the memories that it has written. */
  get wrote(): string[] {
    return this.messages.flatMap((each) => (typeof each === 'object' && each.wrote !== undefined ? [each.wrote] : []));
  }

  /** Waits for messages until the condition holds. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise((resolve) => this.#child.once('message', resolve));
  }

  send(command: 'read' | 'close'): void {
    this.#child.send(command);
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }
}
