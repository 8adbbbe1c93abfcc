#!/usr/bin/env node
import { once } from 'node:events';
import { version } from '../../package.json';
import { runProgram } from './program';

const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort(new Error('Interrupted.')));
process.once('SIGTERM', () => interrupted.abort(new Error('Terminated.')));
// A reader that has seen enough, such as `head`, closes the pipe.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

void runProgram(
  process.argv.slice(2),
  {
    print: async (line) => {
      if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain');
    },
    tell: (line) => void process.stderr.write(`${line}\n`),
    input: process.stdin,
    signal: interrupted.signal,
  },
  version,
).then((code) => {
  process.exitCode = code;
});
