import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
// Makes every network connection fail. A connection to another process of this machine has a path or a loopback address and still works.
const offline = `data:text/javascript,${encodeURIComponent(`
  import net from 'node:net';
  const { connect } = net.Socket.prototype;
  net.Socket.prototype.connect = function (...given) {
    const [options] = Array.isArray(given[0]) ? given[0] : given;
    if (typeof options?.path !== 'string' && options?.host !== '127.0.0.1') throw new Error('offline');
    return connect.apply(this, given);
  };
`)}`;

export interface ExampleResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a program of `examples/` in a process of its own, without network, and waits for its end. */
export function runExample(file: string, ...args: string[]): Promise<ExampleResult> {
  return new Promise((resolve, reject) => {
    const node = ['--import', 'tsx', '--import', offline, `examples/${file}`, ...args];
    const child = spawn(process.execPath, node, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    const result: ExampleResult = { code: null, stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      result.stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      result.stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ ...result, code }));
  });
}
