import { createRequire } from 'node:module';
import { moduleUrlOf } from '../../environment/module-url';

/** Returns the file of better-sqlite3 for a worker thread. If it is not found, its name: the worker then reports the failure. */
export function driverFile(): string {
  const name = 'better-sqlite3';
  try {
    return createRequire(moduleUrlOf(import.meta.url)).resolve(name);
  } catch {
    return name;
  }
}
