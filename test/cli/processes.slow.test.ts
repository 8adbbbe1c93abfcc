import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type BuiltProgram, buildProgram } from '../connect/programs';
import { openFolder, temporaryFolder } from '../store/stores';
import { type BuiltCli, buildCli } from './built-cli';

let cli: BuiltCli;
let application: BuiltProgram;
let folder: string;

beforeAll(async () => {
  cli = await buildCli();
  application = await buildProgram('cli/application.ts');
});
afterAll(() => {
  cli.remove();
  application.remove();
});
beforeEach(async () => {
  folder = join(await temporaryFolder(), 'memory');
});

interface ProcessResult {
  readonly code: number | null;
  readonly out: string;
  readonly errors: string;
}

/** Starts the program in a process of its own. */
function start(words: readonly string[]) {
  const child = spawn(process.execPath, [cli.file, ...words]);
  let out = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  child.stdin.on('error', () => undefined);
  const ended = new Promise<ProcessResult>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, errors }));
  });
  return { child, ended };
}

function run(...words: string[]): Promise<ProcessResult> {
  const { child, ended } = start(words);
  child.stdin.end();
  return ended;
}

function shellRun(line: string): Promise<ProcessResult> {
  const program = `"${process.execPath}" "${cli.file}"`;
  return new Promise((resolve, reject) => {
    const child = spawn('bash', ['-c', `set -o pipefail; m() { ${program} "$@"; }; ${line}`]);
    let out = '';
    let errors = '';
    child.stdout.on('data', (text) => {
      out += text;
    });
    child.stderr.on('data', (text) => {
      errors += text;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, errors }));
  });
}

async function filled(count: number): Promise<void> {
  const store = await openFolder(folder);
  await store.admin.rememberMany(
    Array.from({ length: count }, (_, i) => ({ text: `memory ${i} ${'word '.repeat(100)}`, namespace: ['n'] })),
  );
  await store.close();
}

const line = (i: number) => `${JSON.stringify({ id: `id-${i}`, text: `memory ${i}`, namespace: ['n'] })}\n`;

test('help and version load only one small dependency', async () => {
  const files = new Set<string>();
  const packages = new Set<string>();
  const visit = (name: string): void => {
    if (files.has(name)) return;
    files.add(name);
    const text = readFileSync(join(cli.folder, name), 'utf8');
    for (const [, target = ''] of text.matchAll(/^(?:import|export)\b[^'"();]*["']([^"']+)["']/gm)) {
      if (target.startsWith('.')) visit(target);
      else if (!target.startsWith('node:')) packages.add(target);
    }
  };
  visit('cli.mjs');
  expect([...packages]).toEqual(['fastest-levenshtein']);
  expect(await run('--version')).toMatchObject({ code: 0, errors: '' });
  expect(await run('list', '--help')).toMatchObject({ code: 0, errors: '' });
});

test('export can be piped into import, and ends with 141 if the reader stops', async () => {
  await filled(3_000);
  const piped = await shellRun(`m export "${folder}" | m import "${folder}-2"`);
  expect([piped.code, JSON.parse(piped.out)]).toEqual([0, { stored: 3_000, revised: 0, duplicates: 0, failed: 0 }]);
  const headed = await shellRun(`m export "${folder}" | head -n 1`);
  expect([headed.code, headed.errors]).toEqual([141, '']);
  expect(headed.out.trim().split('\n')).toHaveLength(1);
});

test('import ends with 130 if it is interrupted while it waits for input, and keeps what it has stored', async () => {
  const { child, ended } = start(['import', folder]);
  child.stdin.write(Array.from({ length: 1_000 }, (_, i) => line(i)).join(''));
  child.stdin.write('{"text":"half a li');
  await expect
    .poll(async () => (await run('stats', folder)).out, { timeout: 30_000, interval: 200 })
    .toContain('"memories":768');
  child.kill('SIGINT');
  const { code, out, errors } = await ended;
  expect([code, out]).toEqual([130, '']);
  expect(errors).toMatch(/Import incomplete: {"stored":768,.*\nInterrupted\.\n$/);
  expect((await run('verify', folder)).code).toBe(0);
  expect(JSON.parse((await run('stats', folder)).out).memories).toBe(768);
});

test('export ends with 143 if it is terminated, and every line that it printed is complete', async () => {
  await filled(5_000);
  const { child, ended } = start(['export', folder]);
  child.stdout.once('data', () => child.kill('SIGTERM'));
  const { code, out, errors } = await ended;
  expect([code, errors]).toEqual([143, expect.stringMatching(/Terminated\.\n$/)]);
  expect(out.endsWith('\n')).toBe(true);
  for (const each of out.trim().split('\n')) expect(JSON.parse(each)).toHaveProperty('text');
});

describe('while an application in another process has the folder open', () => {
  async function running(serve: boolean) {
    const program = application.start({ folder, serve });
    const { id } = await program.said<{ id?: string }>(({ id }) => id !== undefined);
    return { program, id: id as string };
  }

  test('commands that read work, and commands that write fail with STORE_HELD and the process id', async () => {
    const { program, id } = await running(false);
    for (const words of [
      ['list'],
      ['stats'],
      ['export'],
      ['verify'],
      ['recall', 'refund'],
      ['backup', `${folder}-2`],
    ]) {
      const [name = '', ...rest] = words;
      expect(await run(name, folder, ...rest), name).toMatchObject({ code: 0 });
    }
    for (const words of [
      ['forget', folder, id],
      ['import', folder],
      ['verify', folder, '--repair'],
    ]) {
      const { code, errors } = await run(...words);
      expect([code, errors]).toEqual([1, expect.stringMatching(new RegExp(`^STORE_HELD: .*${program.pid}`))]);
    }
    await program.kill();
    expect((await run('forget', folder, id)).code).toBe(0);
  });

  test("commands that write use the application's store if the application serves the folder", async () => {
    const { program, id } = await running(true);
    expect(await run('forget', folder, id)).toMatchObject({ code: 0 });
    const { child, ended } = start(['import', folder]);
    child.stdin.end(line(1));
    expect(JSON.parse((await ended).out)).toMatchObject({ stored: 1 });
    expect((await run('verify', folder, '--repair')).code).toBe(0);
    expect((await run('list', folder)).out).toContain('memory 1');
    await program.kill();
  });
});
