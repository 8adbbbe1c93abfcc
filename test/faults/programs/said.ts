import { writeSync } from 'node:fs';

/** Says a line on stdout, all of it before the next step. */
export function say(line: unknown): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}

/** What the program was asked to do. */
export function task<T>(): T {
  return JSON.parse(process.argv[2] as string) as T;
}
