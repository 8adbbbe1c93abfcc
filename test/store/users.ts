import { chownSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Whether this process can act as another user: it is root, and the main thread of its process. */
export const canActAsOthers = process.getuid?.() === 0 && isPermitted();

/** A user without rights. */
export const nobody = 65_534;

function isPermitted(): boolean {
  try {
    process.seteuid?.(0);
    return true;
  } catch {
    // Workers may not.
    return false;
  }
}

/** Runs something as another user: the operating system checks permissions as it does for that user. */
export async function as<T>(user: number, run: () => Promise<T>): Promise<T> {
  process.setegid?.(user);
  process.seteuid?.(user);
  try {
    return await run();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}

/** Gives a folder and everything in it to a user. */
export function give(folder: string, user: number): void {
  chownSync(folder, user, user);
  for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
    chownSync(join(folder, entry), user, user);
}
