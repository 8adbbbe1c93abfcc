import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative } from 'node:path';
import { invalidInput } from '../../domain/errors';

/** Resolves symbolic links in the path of a folder, so that each folder has only one path. */
export function realPath(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  const parent = dirname(path);
  // If the folder does not exist yet, this resolves the part of its path that exists.
  return parent === path ? path : join(realPath(parent), basename(path));
}

/** @throws INVALID_INPUT if snapshots would be among the files of the store, with which they would be lost */
export function assertOutside(folder: string, snapshots: string, field: string): void {
  const path = relative(realPath(folder), realPath(snapshots));
  if (path.startsWith('..') || isAbsolute(path)) return;
  const message = 'expected a folder for snapshots outside the folder of the store, got one inside it.';
  throw invalidInput([{ path: [field], message }]);
}
