#!/usr/bin/env node
import { once } from 'node:events';
import { addAbortSignal } from 'node:stream';
import { isatty } from 'node:tty';
import { version } from '../../package.json';
import { withJsonEscapes } from '../domain/visible-text';
import { runProgram } from './program';

// If a signal ends a program, shells report 128 plus the number of the signal as exit code (POSIX.1-2017, Shell, 2.8.2).
const signalExitBase = 128;
const signalNumbers = { interrupt: 2, brokenPipe: 13, terminate: 15 } as const;

const end = new AbortController();
let signalExitCode = 0;
let isInputOpen = false;
const standardInput = 0;

function endBySignal(number: number, message: string): void {
  signalExitCode ||= signalExitBase + number;
  end.abort(new Error(message));
}

process.once('SIGINT', () => endBySignal(signalNumbers.interrupt, 'Interrupted.'));
process.once('SIGTERM', () => endBySignal(signalNumbers.terminate, 'Terminated.'));
// A reader of the output that needs no more, such as `head`, closes the pipe.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  endBySignal(signalNumbers.brokenPipe, 'The reader of the output stopped reading.');
});
// Ignores errors from writing to standard error, because there is no other place to report them.
process.stderr.on('error', () => undefined);

void runProgram(
  process.argv.slice(2),
  {
    print: async (line) => {
      end.signal.throwIfAborted();
      if (process.stdout.write(`${withJsonEscapes(line)}\n`)) return;
      await once(process.stdout, 'drain', { signal: end.signal });
    },
    printError: (line) => {
      if (signalExitCode !== signalExitBase + signalNumbers.brokenPipe)
        process.stderr.write(`${withJsonEscapes(line)}\n`);
    },
    // The input is opened on first use, because an open standard input keeps the process alive.
    get input() {
      isInputOpen = true;
      return addAbortSignal(end.signal, process.stdin);
    },
    isInteractive: isatty(standardInput),
    signal: end.signal,
  },
  version,
).then((code) => {
  process.exitCode = code !== 0 && signalExitCode !== 0 ? signalExitCode : code;
  if (isInputOpen) process.stdin.destroy();
});
