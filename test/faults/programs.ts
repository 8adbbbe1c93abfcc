import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'tsup';

const model = 'built-in-model.bin';
const root = fileURLToPath(new URL('../..', import.meta.url));

/** The programs of `programs/`, built once, because starting one from TypeScript would take three times as long. */
export interface Programs {
  /** Starts a program. It writes JSON lines to stdout. */
  start(name: string, task: unknown, environment?: Readonly<Record<string, string>>): Program;
  remove(): void;
}

/** How a program ended: with an exit code or by a signal. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Builds the programs with the library inside, in a folder from which its dependencies can be loaded. */
export async function buildPrograms(...names: readonly string[]): Promise<Programs> {
  const cache = join(root, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  const outDir = mkdtempSync(join(cache, 'faults-'));
  await build({
    entry: {
      ...Object.fromEntries(names.map((name) => [name, join(root, `test/faults/programs/${name}.ts`)])),
      'index-builder': join(root, 'src/vector-index/index-builder.ts'),
    },
    outDir,
    format: ['esm'],
    target: 'node20',
    outExtension: () => ({ js: '.mjs' }),
    splitting: false,
    config: false,
    silent: true,
  });
  // Programs look for the model and for the index builder beside themselves.
  copyFileSync(join(root, 'src/embedding/built-in', model), join(outDir, model));
  return {
    start: (name, task, environment = {}) => new Program(join(outDir, `${name}.mjs`), task, environment),
    remove: () => rmSync(outDir, { recursive: true, force: true }),
  };
}

/** One child process. */
export class Program {
  readonly lines: unknown[] = [];
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  #waiting: (() => void)[] = [];
  #isOver = false;

  constructor(file: string, task: unknown, environment: Readonly<Record<string, string>>) {
    const child = spawn(process.execPath, [file, JSON.stringify(task)], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    });
    this.#child = child;
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      // The last line of a killed process may be incomplete, and then does not count.
      const said = parsed(line);
      if (said !== undefined) this.lines.push(said);
      this.#wake();
    });
    this.ended = new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) => {
        this.#isOver = true;
        this.#wake();
        resolve({ code, signal, stdout, stderr });
      });
    });
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** Waits for a line. Rejects if the program ends without one. */
  async said<T>(isIt: (line: T) => boolean): Promise<T> {
    for (;;) {
      const found = (this.lines as T[]).find(isIt);
      if (found !== undefined) return found;
      if (this.#isOver)
        throw new Error(`The program ended before it said what was waited for.\n${(await this.ended).stderr}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Sends one line to the program. */
  tell(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** Kills the program, so that it cannot clean up. */
  async kill(): Promise<Ended> {
    this.#child.kill('SIGKILL');
    return this.ended;
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
