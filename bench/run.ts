import { rmSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { questions } from './questions';
import type { Question, Setting, Skipped } from './shared/question';
import type { Row } from './shared/row';
import { runScript } from './shared/script';
import { tableHead, tableLine } from './shared/table';

const help = `npm run bench -- [options]
  --only NAME      ask one question; may be given several times
  --list           list the questions
  --json FILE      also write the rows as a JSON array
  --memories N     memories in the store, default 100,000: fewer for a quick look, whose figures say little
  --models FOLDER  holds Xenova/all-MiniLM-L6-v2, default MAM_MODELS or ../shared/models
  --data FOLDER    holds locomo/locomo10.json, default ../shared/data`;

const besideRepository = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
    json: { type: 'string' },
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
  if (unknown.length > 0) throw new Error(`There is no question ${unknown.join(', ')}; see --list.`);
  return questions.filter(({ name }) => names === undefined || names.includes(name));
}

async function askAll(asked: readonly Question[]): Promise<void> {
  const memories = Number(values.memories);
  if (!Number.isInteger(memories) || memories < 1) throw new Error('--memories must be a whole number above 0.');
  const folder = await mkdtemp(join(tmpdir(), 'multi-agent-memory-bench-'));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      rmSync(folder, { recursive: true, force: true });
      process.exit(1);
    });
  }
  const rows: Row[] = [];
  try {
    console.log(tableHead());
    for (const { name } of asked) rows.push(...(await ask(name, memories, folder)));
    if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(rows, null, 2)}\n`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Each question in a process of its own: no garbage, warmth or memory of those before it. */
async function ask(name: string, memories: number, shared: string): Promise<readonly Row[]> {
  const setting: Setting = {
    memories,
    loaded: join(shared, 'loaded'),
    folder: await mkdtemp(join(shared, `${name}-`)),
    models: resolve(values.models),
    data: resolve(values.data),
  };
  const script = new URL('question-process.ts', import.meta.url);
  const answer = await runScript<readonly Row[] | Skipped>(script, [name, setting]);
  await rm(setting.folder, { recursive: true });
  if ('skipped' in answer) {
    console.log(`${name}: skipped, ${answer.skipped}`);
    return [];
  }
  for (const row of answer) console.log(tableLine(row));
  return answer;
}
