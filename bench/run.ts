import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { questions } from './questions';
import { writeGrowthDocs } from './shared/growth-docs';
import { describeMachine } from './shared/machine';
import { type Answer, type Question, rowsOf, type Setting } from './shared/question';
import { checkNotSaved, resultsPath, saveResults } from './shared/results';
import type { Row } from './shared/row';
import { runScript } from './shared/script';
import { tableHead, tableLine } from './shared/table';

const help = `npm run bench -- [options]
  --only NAME       ask one question; repeat the option for several
  --list            list the questions and exit
  --save            keep the results, with the machine named, as DATE-COMMIT.json and .md in the results folder
  --docs            write the table and the plot of the question growth into docs/
  --results FOLDER  the folder for --save, default bench/results
  --json FILE       write the rows to FILE as a JSON array
  --peers           first install the libraries of bench/peers, which some questions compare with
  --memories N      memories in the store, default 100,000; figures for fewer do not compare with the goals
  --models FOLDER   holds Xenova/all-MiniLM-L6-v2, default MAM_MODELS or ../shared/models
  --data FOLDER     holds locomo/locomo10.json, default ../shared/data`;

const besideRepository = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
    save: { type: 'boolean', default: false },
    docs: { type: 'boolean', default: false },
    results: { type: 'string', default: fileURLToPath(new URL('results', import.meta.url)) },
    json: { type: 'string' },
    peers: { type: 'boolean', default: false },
    memories: { type: 'string', default: '100000' },
    models: { type: 'string', default: process.env.MAM_MODELS ?? besideRepository('shared/models') },
    data: { type: 'string', default: besideRepository('shared/data') },
  },
});

if (values.help) console.log(help);
else if (values.list) for (const { name, asks } of questions) console.log(`${name.padEnd(20)} ${asks}`);
else await askAll(chosen(values.only));

function chosen(names: readonly string[] | undefined): readonly Question[] {
  const unknown = names?.filter((name) => !questions.some((question) => question.name === name)) ?? [];
  if (unknown.length > 0) throw new Error(`Unknown question: ${unknown.join(', ')}. Run with --list to see all.`);
  return questions.filter(({ name }) => names === undefined || names.includes(name));
}

async function askAll(asked: readonly Question[]): Promise<void> {
  const memories = Number(values.memories);
  if (!Number.isInteger(memories) || memories < 1)
    throw new Error(`Invalid --memories: expected a whole number above 0, got ${values.memories}.`);
  if (values.docs && !asked.some(({ name }) => name === 'growth')) throw new Error('--docs needs the question growth.');
  const machine = describeMachine(new Date());
  const saved = values.save ? resultsPath(values.results, machine) : undefined;
  if (saved !== undefined) await checkNotSaved(saved);
  if (values.peers) installPeers();
  const folder = await temporaryFolder();
  const rows: Row[] = [];
  const skipped: Record<string, string> = {};
  try {
    console.log(tableHead());
    for (const { name } of asked) {
      const answer = rowsOf(name, await ask(name, memories, folder));
      rows.push(...answer.rows);
      Object.assign(skipped, answer.skipped);
      for (const each of answer.rows) console.log(tableLine(each));
      for (const [what, reason] of Object.entries(answer.skipped)) console.log(`${what}: skipped, ${reason}`);
    }
    if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(rows, null, 2)}\n`);
    if (values.docs) await writeGrowthDocs(fileURLToPath(new URL('../docs', import.meta.url)), rows, machine);
    if (saved !== undefined) {
      await saveResults(saved, { machine, memories, questions: asked.map(({ name }) => name), skipped, rows });
      console.log(`Saved ${saved}.json and .md`);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Installs what is in the lock file of `bench/peers`. A library that cannot be built is left out, and questions skip it. */
function installPeers(): void {
  const folder = fileURLToPath(new URL('peers', import.meta.url));
  const isWindows = process.platform === 'win32';
  // Through a shell on Windows, where npm is a script.
  execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'inherit', shell: isWindows });
}

/** An empty folder, removed if the run is interrupted. */
async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'multi-agent-memory-bench-'));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      rmSync(folder, { recursive: true, force: true });
      process.exit(1);
    });
  }
  return folder;
}

/** Asks a question in a process of its own, so that garbage and caches of earlier questions do not count. */
async function ask(name: string, memories: number, shared: string): Promise<Answer> {
  const setting: Setting = {
    memories,
    loaded: join(shared, 'loaded'),
    folder: await mkdtemp(join(shared, `${name}-`)),
    models: resolve(values.models),
    data: resolve(values.data),
  };
  const script = new URL('question-process.ts', import.meta.url);
  const answer = await runScript<Answer>(script, [name, setting]);
  await rm(setting.folder, { recursive: true });
  return answer;
}
