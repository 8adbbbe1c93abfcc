import { writeSync } from 'node:fs';

/** Writes a line to stdout, synchronously. */
export function say(line: unknown): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}

/** The task of the program. */
export function task<T>(): T {
  return JSON.parse(process.argv[2] as string) as T;
}
