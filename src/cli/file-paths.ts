import { type FileHandle, open } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Converts a path from the command line to a path of the system. Replaces `~/` by the home folder of the user, because no shell does
 * so after `=` or in the settings of an MCP client. Converts a `file:` URL to its path.
 */
export function systemPath(text: string): string {
  if (text === '~') return homedir();
  if (/^~[/\\]/.test(text)) return join(homedir(), text.slice(2));
  return /^file:\/\//i.test(text) ? fileURLToPath(text) : text;
}

/**
 * Opens a file for reading.
 *
 * @throws the error of the system, or an error if the path is a folder.
 */
export async function openFile(path: string): Promise<FileHandle> {
  const file = await open(path);
  if (!(await file.stat()).isDirectory()) return file;
  await file.close();
  throw new Error(`${path} is a folder. Give a file.`);
}
