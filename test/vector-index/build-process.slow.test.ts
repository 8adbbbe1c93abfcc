import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { nextTurn } from '../../src/environment/timers';
import {
  change,
  entriesIn,
  expectRightAnswers,
  filledSource,
  type IndexedStore,
  newFolder,
  openStore,
  otherVectors,
  readyStore,
} from './indexed-store';

let folder: string;
const opened: IndexedStore[] = [];

beforeEach(async () => {
  folder = await newFolder();
});
afterEach(async () => {
  for (const { indexer } of opened.splice(0)) await indexer.close();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** Whether a process runs. One that has ended and that nothing has waited for, a zombie, does not run. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' && process.platform !== 'linux';
  }
}

/** A program in place of the index builder. */
async function programOf(source: string, name = 'builder.mjs'): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, source);
  return path;
}

/** Opens a store that needs an index, and whose builds run that program. */
async function openWith(program: string, stallMs?: number): Promise<IndexedStore> {
  const builder = stallMs === undefined ? { program } : { program, stallMs };
  const store = openStore(join(folder, 'index'), filledSource(), { builder });
  opened.push(store);
  await store.indexer.start();
  return store;
}

describe('the build of an index', () => {
  test('leaves the environment of the host and the files in its temporary folder unchanged', async () => {
    const temporary = join(folder, 'temporary');
    await mkdir(temporary);
    const before = process.env.TMPDIR;
    process.env.TMPDIR = temporary;
    try {
      const environment = JSON.stringify(process.env);
      const store = openStore(join(folder, 'index'), filledSource());
      opened.push(store);
      await store.indexer.start();
      let isOver = false;
      const building = store.indexer.settled().finally(() => {
        isOver = true;
      });
      // What another library of the host does meanwhile.
      for (let i = 0; !isOver; i++) {
        expect(JSON.stringify(process.env)).toBe(environment);
        await writeFile(join(process.env.TMPDIR, `other-${i % 10}`), 'other');
        await nextTurn();
      }
      await building;
      expect(store.indexer.hasIndex).toBe(true);
      // LanceDB makes an empty folder there when the host opens the index.
      const files = readdirSync(temporary, { withFileTypes: true }).filter((entry) => entry.isFile());
      expect(files.map(({ name }) => name).sort()).toEqual(Array.from({ length: 10 }, (_, i) => `other-${i}`));
    } finally {
      if (before === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = before;
    }
  });

  test('works in a folder with spaces, # and % in its name', async () => {
    const store = await readyStore(join(folder, 'an index #1 %20'), filledSource());
    opened.push(store);
    await expectRightAnswers(store);
  });

  test('does not wait for the debugger of the host', async () => {
    const before = process.env.NODE_OPTIONS;
    process.env.NODE_OPTIONS = `${before ?? ''} --inspect-brk=127.0.0.1:0`;
    try {
      opened.push(await readyStore(join(folder, 'index'), filledSource()));
    } finally {
      if (before === undefined) delete process.env.NODE_OPTIONS;
      else process.env.NODE_OPTIONS = before;
    }
  });
});

const [vectorOfOther] = otherVectors(1) as [Float32Array];
const answer = (message: unknown) => `process.once('message', () => process.send(${JSON.stringify(message)}));`;
const probes = { partitions: 1, curve: [{ depth: 10, probes: 1 }] };

describe('a store whose index builder', () => {
  test.each([
    [
      'ends early',
      `console.error('out of order'); process.exit(3);`,
      'code 3 before it answered. It wrote: out of order',
    ],
    ['cannot be parsed', `this is no program`, 'code 1'],
    ['is killed', `process.once('message', () => process.kill(process.pid, 'SIGKILL'));`, 'SIGKILL'],
    ['sends something unexpected', answer('garbage'), 'unexpected message'],
    ['sends no numbers of probes', answer({ kind: 'built', probes: { partitions: 'many' } }), 'unexpected message'],
    ['reads nothing', `process.on('message', () => undefined);`, 'no progress for 1 s'],
    ['never answers', `process.on('message', () => process.stdin.resume());`, 'no progress for 1 s'],
    [
      'closes its channel and keeps running',
      `process.disconnect(); setInterval(() => undefined, 1000);`,
      'no progress for 1 s',
    ],
  ])('%s, searches exactly and reports the failure', async (_, source, reason) => {
    const store = await openWith(await programOf(source), 1000);
    await store.indexer.settled();
    expect(store.indexer.hasIndex).toBe(false);
    expect(store.degraded).toEqual([expect.objectContaining({ code: 'INDEX_UNAVAILABLE' })]);
    expect(store.degraded[0]?.message).toContain(reason);
    await expectRightAnswers(store);
  });

  test('is missing, searches exactly and reports which file is missing', async () => {
    const store = await openWith(join(folder, 'absent.mjs'));
    await store.indexer.settled();
    expect(store.degraded).toEqual([expect.objectContaining({ code: 'INDEX_UNAVAILABLE' })]);
    expect(store.degraded[0]?.message).toContain(join(folder, 'absent.mjs'));
    await expectRightAnswers(store);
  });

  test('reports success without an index, searches exactly', async () => {
    const late = `
      let messages = 0;
      process.stdin.resume();
      process.on('message', () => ++messages === 2 && process.send(${JSON.stringify({ kind: 'built', probes })}));`;
    const store = await openWith(await programOf(late));
    await store.indexer.settled();
    expect(store.indexer.hasIndex).toBe(false);
    expect(store.degraded).toHaveLength(1);
    await expectRightAnswers(store);
  });

  test('works again, gets its index after more changes', async () => {
    const program = await programOf('process.exit(1)', 'builder.ts');
    const store = await openWith(program);
    await store.indexer.settled();
    expect(store.indexer.hasIndex).toBe(false);
    await writeFile(program, `import ${JSON.stringify(fileOf('../../src/vector-index/index-builder.ts'))};`);
    for (let i = 0; i < 1000; i++) change(store, 401 + i, vectorOfOther);
    await expect.poll(() => store.indexer.hasIndex).toBe(true);
    expect(store.degraded).toHaveLength(1);
    await expectRightAnswers(store);
  });
});

describe('the process of the index builder', () => {
  const writesItsId = (path: string) => `
    import { writeFileSync } from 'node:fs';
    process.on('message', () => writeFileSync(${JSON.stringify(path)}, String(process.pid)));`;

  async function idIn(path: string): Promise<number> {
    await expect.poll(() => readFile(path, 'utf8').catch(() => '')).toMatch(/^\d+$/);
    return Number(await readFile(path, 'utf8'));
  }

  test('ends when the store is closed', async () => {
    const path = join(folder, 'pid');
    const { indexer, degraded } = await openWith(await programOf(writesItsId(path)));
    const pid = await idIn(path);
    expect(isRunning(pid)).toBe(true);
    await indexer.close();
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    expect(degraded).toEqual([]);
  });

  test('ends after a failed build, and its temporary files are removed', async () => {
    const path = join(folder, 'pid');
    const { indexer } = await openWith(await programOf(writesItsId(path)), 1000);
    await indexer.settled();
    expect(() => process.kill(Number(readFileSync(path, 'utf8')), 0)).toThrow('ESRCH');
    const [generation] = await entriesIn(join(folder, 'index'));
    expect(await entriesIn(join(folder, 'index', generation as string))).toEqual([]);
  });

  test('ends when the host is killed', async () => {
    const host = spawn(process.execPath, ['--import', 'tsx', fileOf('building-program.ts'), join(folder, 'index')]);
    const lines = createInterface({ input: host.stdout });
    const pid = Number(await new Promise((resolve) => lines.once('line', resolve)));
    expect(isRunning(pid)).toBe(true);
    host.kill('SIGKILL');
    await expect.poll(() => isRunning(pid)).toBe(false);
  });
});

function fileOf(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}
