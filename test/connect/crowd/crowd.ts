import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Program } from '../../faults/programs';
import { buildProgram } from '../programs';
import { checkWorker, type Findings, type Story } from './check';
import { Contents } from './contents';
import type { Line, WorkerTask } from './deeds';

export interface CrowdOptions {
  readonly folder: string;
  readonly processes: number;
  readonly seconds: number;
  /** Of the holder, spread over the time. */
  readonly kills: number;
  /** Recalls, and writes, of all processes together. */
  readonly perSecond: number;
  readonly seed: number;
}

interface Worker {
  readonly name: string;
  readonly program: Program;
}

/** What a run came to. */
export interface CrowdReport extends Findings {
  readonly recalls: number;
  /** Milliseconds of each, ascending. */
  readonly recallMs: readonly number[];
  /** Of the processes that were killed, and held the folder. */
  readonly killed: readonly string[];
}

/**
 * Processes that recall and write through `connect`, the holder of which is killed now and then; then compares what the store holds
 * with what each was told.
 */
export async function runCrowd(options: CrowdOptions): Promise<CrowdReport> {
  const { folder, processes, seconds, kills, perSecond, seed } = options;
  const built = await buildProgram('connect/crowd/programs/worker.ts');
  const workers: Worker[] = [];
  const begin = (): Worker => {
    const name = `w${workers.length}`;
    const task: WorkerTask = { folder, name, seed: seed + workers.length, perSecond: perSecond / processes };
    const worker = { name, program: built.start(task) };
    workers.push(worker);
    return worker;
  };
  const killed: string[] = [];
  try {
    const first = Array.from({ length: processes }, begin);
    await Promise.all(first.map(({ program }) => program.said<Line>(({ say }) => say === 'connected')));
    for (let kill = 0; kill <= kills; kill++) {
      await pause((seconds * 1_000) / (kills + 1));
      if (kill < kills) killed.push(await killHolder(folder, workers));
      if (kill < kills) begin();
    }
    const living = workers.filter(({ name }) => !killed.includes(name));
    for (const { program } of living) program.tell('stop');
    setTimeout(() => {
      for (const { name, program } of living) {
        const l = program.lines as Line[];
        if (l.some((x) => x.say === 'stopped')) continue;
        const acks = new Set(l.flatMap((x) => (x.say === 'ack' || x.say === 'failed' ? [x.n] : [])));
        console.log(name, JSON.stringify(l.filter((x) => x.say === 'intent' && !acks.has(x.n))), l.length);
      }
    }, 8000);
    const ends = await Promise.all(living.map(({ program }) => program.ended));
    const broken = ends.find(({ code }) => code !== 0);
    if (broken !== undefined)
      throw new Error(`A worker ended with ${broken.code}, ${broken.signal}:\n${broken.stderr}`);
    return { ...(await check(folder, workers, killed)), killed, ...recallsOf(workers) };
  } finally {
    await Promise.all(workers.map(({ program }) => program.kill()));
    built.remove();
  }
}

/** Ends whoever holds the folder now, without a chance to tidy up. */
async function killHolder(folder: string, workers: readonly Worker[]): Promise<string> {
  for (;;) {
    const { pid } = JSON.parse(readFileSync(join(folder, 'holder.json'), 'utf8')) as { pid: number };
    const holder = workers.find(({ program }) => program.pid === pid);
    if (holder === undefined) throw new Error(`The folder is held by ${pid}, which is none of the workers.`);
    const { signal } = await holder.program.kill();
    if (signal === 'SIGKILL') return holder.name;
  }
}

async function check(folder: string, workers: readonly Worker[], killed: readonly string[]): Promise<Findings> {
  const contents = await Contents.read(folder);
  const findings: Findings = { acknowledged: 0, unanswered: 0, problems: [...contents.problems] };
  for (const { name, program } of workers) {
    const story: Story = { name, lines: program.lines as Line[], wasKilled: killed.includes(name) };
    checkWorker(story, contents, findings);
  }
  return findings;
}

function recallsOf(workers: readonly Worker[]) {
  const lines = workers.flatMap(({ program }) => program.lines as Line[]);
  const recallMs = lines.flatMap((line) => (line.say === 'recalled' ? [line.ms] : [])).sort((a, b) => a - b);
  return { recalls: recallMs.length, recallMs };
}
