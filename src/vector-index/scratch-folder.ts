import { mkdir, readdir, rm } from 'node:fs/promises';
import { nextTurn } from '../environment/timers';

let latest: Promise<unknown> = Promise.resolve();
let renaming: Promise<unknown> = Promise.resolve();

/**
 * Runs something of LanceDB that needs the folder that TMPDIR names, while that is the usual one: a connection that finds a folder
 * there that is gone, because another index was given up, ends in a panic.
 */
export function withUsualFolder<T>(run: () => Promise<T>): Promise<T> {
  const running = renaming.then(run);
  renaming = running.catch(() => undefined);
  return running;
}

/**
 * Runs something of LanceDB that writes temporary files into the folder that TMPDIR names and never removes them: 0.33 leaves a
 * copy of all vectors there with every index (lance-format/lance#8992). TMPDIR names our folder until the first file is
 * there, some 10 ms; then the folder is ours to remove. One at a time in a process.
 */
export function withScratchFolder<T>(folder: string, begin: () => Promise<T>): Promise<T> {
  const run = latest.then(() => runIn(folder, begin));
  latest = run.catch(() => undefined);
  return run;
}

async function runIn<T>(folder: string, begin: () => Promise<T>): Promise<T> {
  try {
    const { work } = await withUsualFolder(() => begunIn(folder, begin));
    return await work;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Begins, and waits until the first file is there. The work is wrapped, so as not to be awaited. */
async function begunIn<T>(folder: string, begin: () => Promise<T>): Promise<{ readonly work: Promise<T> }> {
  await mkdir(folder, { recursive: true });
  const usual = process.env.TMPDIR;
  let ended = false;
  process.env.TMPDIR = folder;
  try {
    const work = begin().finally(() => {
      ended = true;
    });
    // Rejections are awaited by whoever gets it.
    work.catch(() => undefined);
    while (!ended && (await isEmpty(folder))) await nextTurn();
    return { work };
  } finally {
    restore(usual);
  }
}

async function isEmpty(folder: string): Promise<boolean> {
  // Gone, where the build was abandoned and its folder removed.
  return (await readdir(folder).catch(() => ['gone'])).length === 0;
}

function restore(usual: string | undefined): void {
  if (usual === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = usual;
}
