import { access, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Machine } from './machine';
import type { Row } from './row';
import { tableHead, tableLine } from './table';

/** The rows of one run, with everything that is needed to judge them later. */
export interface Results {
  readonly machine: Machine;
  /** Memories in the store. */
  readonly memories: number;
  /** The questions of the run, in the order in which they were asked. */
  readonly questions: readonly string[];
  /** The questions that this machine could not answer, with the reason. */
  readonly skipped: Readonly<Record<string, string>>;
  readonly rows: readonly Row[];
}

/** The path of a run's files, without their extension: the day and the commit. */
export function resultsPath(folder: string, { date, commit }: Machine): string {
  return join(folder, `${date.slice(0, 10)}-${commit}`);
}

/** Rejects if the files of this run exist. Called before the run, because a run takes long. */
export async function checkNotSaved(path: string): Promise<void> {
  const exists = await access(`${path}.json`).then(
    () => true,
    () => false,
  );
  if (exists) throw new Error(`${path}.json exists. Move or delete the results of the earlier run, then run again.`);
}

/** Writes `<path>.json` for programs and `<path>.md` for readers. */
export async function saveResults(path: string, results: Results): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(`${path}.json`, `${JSON.stringify(results, null, 2)}\n`);
  await writeFile(`${path}.md`, resultsPage(results));
}

/** The page of a run: the machine, then the table. */
export function resultsPage({ machine, memories, questions, skipped, rows }: Results): string {
  const facts: readonly (readonly [string, string])[] = [
    ['Commit', machine.commit],
    ['Date', machine.date],
    ['CPU', `${machine.cpuModel}, ${machine.cores} ${machine.cores === 1 ? 'core' : 'cores'}`],
    ['Memory', `${machine.memoryGib} GiB`],
    ['Node', machine.node],
    ['Load before the run', machine.loadBefore.toFixed(1)],
    ['OS', machine.os],
    ['Memories in the store', memories.toLocaleString('en-US')],
    ['Questions', questions.join(', ')],
    ...Object.entries(skipped).map(([name, reason]) => [`Skipped: ${name}`, reason] as const),
  ];
  return [
    `# Benchmark of ${machine.commit}, ${machine.date.slice(0, 10)}`,
    '',
    '| | |',
    '|---|---|',
    ...facts.map(([name, value]) => `| ${name} | ${value.replaceAll('|', '\\|')} |`),
    '',
    '```',
    tableHead(),
    ...rows.map(tableLine),
    '```',
    '',
  ].join('\n');
}
