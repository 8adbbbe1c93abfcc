#!/usr/bin/env node
import { once } from 'node:events';
import { addAbortSignal } from 'node:stream';
import { version } from '../../package.json';
import { runProgram } from './program';

const ended = new AbortController();
// As shells count the ends of programs: 128 and the number of the signal.
let signalled = 0;

function end(number: number, why: string): void {
  signalled ||= 128 + number;
  ended.abort(new Error(why));
}

process.once('SIGINT', () => end(2, 'Interrupted.'));
process.once('SIGTERM', () => end(15, 'Terminated.'));
// A reader that has seen enough, such as `head`, closes the pipe.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  end(13, 'Nobody reads the output any more.');
});
// Nobody to tell, then.
process.stderr.on('error', () => undefined);

void runProgram(
  process.argv.slice(2),
  {
    print: async (line) => {
      ended.signal.throwIfAborted();
      if (process.stdout.write(`${line}\n`)) return;
      await once(process.stdout, 'drain', { signal: ended.signal });
    },
    tell: (line) => {
      if (signalled !== 128 + 13) process.stderr.write(`${line}\n`);
    },
    // Opened by who reads it: an open one keeps the process waiting.
    get input() {
      return addAbortSignal(ended.signal, process.stdin);
    },
    signal: ended.signal,
  },
  version,
).then((code) => {
  process.exitCode = code !== 0 && signalled !== 0 ? signalled : code;
});
