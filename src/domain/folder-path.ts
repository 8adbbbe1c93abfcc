import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { invalidInput } from './errors';
import { describeValue } from './plain-object';

// Two slashes, so that a drive of Windows, such as C:\memory, is none.
const urlForm = /^[a-z][a-z0-9+.-]+:\/\//i;
/** `~`, `~/memory` and `~alice/memory`. A file system takes each for a name, and only a shell for a home. */
const homeForm = /^~([/\\]|[\w.-]+[/\\]|$)/;

/**
 * Reads a folder that a user gave: a path, or a `file:` URL as a `URL` or a string. Returns its absolute path.
 *
 * @param field The field that the issue names.
 * @throws INVALID_INPUT also for paths that begin with `~` and for other URLs, which would become folders of that name.
 */
export function folderPath(folder: unknown, field = 'folder'): string {
  const { path, message } = readFolder(folder);
  if (path !== undefined) return path;
  throw invalidInput([{ path: [field], message }]);
}

/** The absolute path of a folder, or what is wrong with it. */
export type FolderReading =
  | { readonly path: string; readonly message?: never }
  | { readonly path?: never; readonly message: string };

/** The same, without throwing. */
export function readFolder(folder: unknown): FolderReading {
  const isUrl = Object.prototype.toString.call(folder) === '[object URL]';
  const given = isUrl ? String(folder) : folder;
  if (typeof given !== 'string' || given.trim() === '' || given.includes('\0'))
    return { message: `expected the path of a folder, or a file: URL, got ${describeValue(folder)}.` };
  if (/^file:/i.test(given)) return readFileUrl(given);
  if (isUrl || urlForm.test(given))
    return { message: 'expected the path of a folder, or a file: URL, got a URL with another scheme.' };
  if (homeForm.test(given)) {
    const message =
      'expected the path of a folder, got one that begins with "~", which only a shell expands. Use join(homedir(), ...), with homedir from node:os.';
    return { message };
  }
  return { path: resolve(given) };
}

function readFileUrl(url: string): FolderReading {
  try {
    // `file:memory` would name a folder of the root.
    if (/^file:\/\//i.test(url) && new URL(url).pathname !== '/') return { path: resolve(fileURLToPath(url)) };
  } catch {
    // A URL with a host, an encoded slash, or no valid URL.
  }
  return { message: 'expected a file: URL with an absolute path, such as file:///srv/memory, got another one.' };
}
