import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Program } from '../../faults/programs';
import { buildProgram } from '../programs';
import { checkWorker, type Findings } from './check-worker';
import { StoreContents } from './store-contents';
import type { WorkerMessage, WorkerTask } from './worker-messages';

export interface RunOptions {
  readonly folder: string;
  readonly processes: number;
  readonly seconds: number;
  /** How often the serving process is killed. */
  readonly kills: number;
  /** Writes of all processes together; also recalls. */
  readonly perSecond: number;
  readonly seed: number;
}

interface Worker {
  readonly name: string;
  readonly program: Program;
}

export interface RunReport extends Findings {
  readonly recalls: number;
  /** The time of each recall in milliseconds, ascending. */
  readonly recallMs: readonly number[];
  /** The names of the killed processes, each of which served the folder. */
  readonly killed: readonly string[];
}

/**
 * Runs processes that recall and write through `connect`, and kills the serving process several times. Then compares the contents
 * of the store with the answers that the processes got.
 */
export async function runProcesses(options: RunOptions): Promise<RunReport> {
  const { folder, processes, seconds, kills, perSecond, seed } = options;
  const built = await buildProgram('connect/killed-processes/programs/worker.ts');
  const workers: Worker[] = [];
  const start = (): Worker => {
    const name = `w${workers.length}`;
    const task: WorkerTask = { folder, name, seed: seed + workers.length, perSecond: perSecond / processes };
    const worker = { name, program: built.start(task) };
    workers.push(worker);
    return worker;
  };
  const killed: string[] = [];
  try {
    const first = Array.from({ length: processes }, start);
    await Promise.all(first.map(({ program }) => program.said<WorkerMessage>(({ say }) => say === 'connected')));
    for (let kill = 0; kill <= kills; kill++) {
      await pause((seconds * 1_000) / (kills + 1));
      if (kill < kills) killed.push(await killServingProcess(folder, workers));
      if (kill < kills) start();
    }
    const living = workers.filter(({ name }) => !killed.includes(name));
    for (const { program } of living) program.tell('stop');
    const ends = await Promise.all(living.map(({ program }) => program.ended));
    const failed = ends.find(({ code }) => code !== 0);
    if (failed !== undefined)
      throw new Error(`A worker exited with ${failed.code}, ${failed.signal}:\n${failed.stderr}`);
    return { ...(await check(folder, workers, killed)), killed, ...recallsOf(workers) };
  } finally {
    await Promise.all(workers.map(({ program }) => program.kill()));
    built.remove();
  }
}

/** Kills the process that serves the folder now, and returns its name. */
async function killServingProcess(folder: string, workers: readonly Worker[]): Promise<string> {
  for (;;) {
    const { pid } = JSON.parse(readFileSync(join(folder, 'holder.json'), 'utf8')) as { pid: number };
    const server = workers.find(({ program }) => program.pid === pid);
    if (server === undefined) throw new Error(`Expected a worker to serve the folder, found process ${pid}.`);
    const { signal } = await server.program.kill();
    // Otherwise it had exited before, and another one serves the folder.
    if (signal === 'SIGKILL') return server.name;
  }
}

async function check(folder: string, workers: readonly Worker[], killed: readonly string[]): Promise<Findings> {
  const contents = await StoreContents.read(folder);
  const findings: Findings = { acknowledged: 0, unanswered: 0, problems: [...contents.problems] };
  for (const { name, program } of workers) {
    const messages = program.lines as WorkerMessage[];
    checkWorker({ name, messages, wasKilled: killed.includes(name) }, contents, findings);
  }
  return findings;
}

function recallsOf(workers: readonly Worker[]) {
  const messages = workers.flatMap(({ program }) => program.lines as WorkerMessage[]);
  const recallMs = messages.flatMap((each) => (each.say === 'recalled' ? [each.ms] : [])).sort((a, b) => a - b);
  return { recalls: recallMs.length, recallMs };
}
