import { closeSync, fsyncSync, openSync } from 'node:fs';

/** Makes new, renamed and removed entries of a folder durable. On Windows a folder cannot be opened, and its entries are durable without it. */
export function syncFolder(path: string): void {
  if (process.platform === 'win32') return;
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
