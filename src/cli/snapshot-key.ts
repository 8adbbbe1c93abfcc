import { readFile } from 'node:fs/promises';
import type { CommandLine } from './command-line';

/** The option of commands that encrypt or decrypt. A key is never an argument, because other users see the arguments of a process. */
export const keyOptions = {
  'key-file': {
    valueName: 'FILE',
    help: 'the file with the key: 32 bytes, in base64 or 64 hexadecimal digits; default: no encryption',
  },
} as const;

const keyBytes = 32;

/** Reads the key that a command line names. The library checks it. */
export async function keyOf(line: CommandLine): Promise<{ encryptionKey?: Uint8Array | string }> {
  const path = line.path('key-file');
  if (path === undefined) return {};
  const content = await readFile(path);
  return { encryptionKey: content.length === keyBytes ? content : content.toString('utf8') };
}
