import { mkdir, readdir, rm } from 'node:fs/promises';
import { nextTurn } from '../environment/turn';

let latest: Promise<unknown> = Promise.resolve();

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
  await mkdir(folder, { recursive: true });
  const usual = process.env.TMPDIR;
  let ended = false;
  process.env.TMPDIR = folder;
  try {
    const work = begin().finally(() => {
      ended = true;
    });
    // Rejections are awaited below.
    work.catch(() => undefined);
    while (!ended && (await isEmpty(folder))) await nextTurn();
    restore(usual);
    return await work;
  } finally {
    restore(usual);
    await rm(folder, { recursive: true, force: true });
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
