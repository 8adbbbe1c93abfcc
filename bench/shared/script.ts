import { fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

/** Runs a script in a new process with its argument as JSON. Resolves to the message that the process sends. */
export function runScript<T>(script: URL, argument: unknown): Promise<T> {
  const child = fork(fileURLToPath(script), [JSON.stringify(argument)], {
    execArgv: ['--expose-gc', '--import', tsx],
    serialization: 'advanced',
  });
  return new Promise((resolve, reject) => {
    let answer: { message: unknown } | undefined;
    child.on('message', (message) => {
      answer = { message };
    });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (code === 0 && answer !== undefined) resolve(answer.message as T);
      else reject(new Error(`${fileURLToPath(script)} ended with ${signal ?? code}.`));
    });
  });
}
