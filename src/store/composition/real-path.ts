import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Resolves symbolic links in the path of a folder, so that each folder has only one path. */
export function realPath(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  const parent = dirname(path);
  // If the folder does not exist yet, this resolves the part of its path that exists.
  return parent === path ? path : join(realPath(parent), basename(path));
}
