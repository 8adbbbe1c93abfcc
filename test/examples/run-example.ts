import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
// Makes every attempt to open a connection fail.
const offline =
  'data:text/javascript,import net from "node:net"; net.Socket.prototype.connect = () => { throw new Error("offline"); };';

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a program of `examples/` as a person would, without a network, and waits for its end. */
export function runExample(file: string, ...args: string[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const node = ['--import', 'tsx', '--import', offline, `examples/${file}`, ...args];
    const child = spawn(process.execPath, node, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    const ended: Ended = { code: null, stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      ended.stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      ended.stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ ...ended, code }));
  });
}
