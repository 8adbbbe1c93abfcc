import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** Starts a program of `programs/` as a process of its own, which ends with the test. */
export function start(program: string, ...args: string[]): ChildProcess {
  const file = fileURLToPath(new URL(`programs/${program}.ts`, import.meta.url));
  const child = fork(file, args, { execArgv: ['--import', 'tsx'], stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return child;
}

/** The next message of a process. Fails when it ends without one. */
export function message(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const complaints: Buffer[] = [];
    child.stderr?.on('data', (chunk) => complaints.push(chunk));
    const onExit = () => reject(new Error(`The process ended: ${Buffer.concat(complaints)}`));
    child.once('exit', onExit);
    child.once('message', (sent) => {
      child.off('exit', onExit);
      resolve(sent);
    });
  });
}
