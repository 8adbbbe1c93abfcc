import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { invalidInput } from './errors';
import { describeValue } from './realms';

// The two slashes are required, so that a Windows path such as C:\memory does not count as a URL.
const urlForm = /^[a-z][a-z0-9+.-]+:\/\//i;
/** Matches `~`, `~/memory` and `~alice/memory`. Only a shell replaces `~` with a home folder; a file system would take it for a name. */
const homeForm = /^~([/\\]|[\w.-]+[/\\]|$)/;

/**
 * Converts a folder from the caller to an absolute path. The folder can be a path, or a `file:` URL (a `URL` or a string).
 *
 * @param field The name of the field for the issue.
 * @throws INVALID_INPUT also for paths that begin with `~` and for other URLs. They would otherwise create folders with these names.
 */
export function folderPath(folder: unknown, field = 'folder'): string {
  const { path, message } = readFolder(folder);
  if (path !== undefined) return path;
  throw invalidInput([{ path: [field], message }]);
}

/** The absolute path of a folder, or a message about the problem with it. */
export type FolderReading =
  | { readonly path: string; readonly message?: never }
  | { readonly path?: never; readonly message: string };

/** Like `folderPath`, but returns the message instead of throwing. */
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
    // Without the two slashes, `file:memory` would mean a folder in the root directory.
    if (/^file:\/\//i.test(url) && new URL(url).pathname !== '/') return { path: resolve(fileURLToPath(url)) };
  } catch {
    // The URL is invalid, or it has a host or an encoded slash.
  }
  return { message: 'expected a file: URL with an absolute path, such as file:///srv/memory, got another URL.' };
}
