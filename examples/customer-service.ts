import { MemoryError } from 'multi-agent-memory';
import { help, parseTask, UsageError } from './customer-service/arguments';
import { askTranscript } from './customer-service/ask-transcript';
import { playWeek } from './customer-service/support-week';
import { TranscriptError } from './customer-service/transcript';
import { screenOn } from './screen';

/** Runs the task of the command line. Resolves to false if a check of the demo failed. */
async function main(args: readonly string[]): Promise<boolean> {
  const screen = screenOn(process.stdout);
  const task = parseTask(args);
  if (task.do === 'play') return playWeek(screen);
  if (task.do === 'help') screen.print(help);
  else await askTranscript(screen, task.file, task.questions);
  return true;
}

// A reader that stops early, such as `head`, is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

// Stays 1 unless `main` ends: Node.js also exits, without an error, if nothing is left to wait for.
process.exitCode = 1;
main(process.argv.slice(2)).then(
  (ok) => {
    if (ok) process.exitCode = 0;
  },
  (error: unknown) => {
    const expected = error instanceof UsageError || error instanceof TranscriptError || MemoryError.is(error);
    const hint = error instanceof UsageError ? '\nTry: npm run demo -- --help' : '';
    console.error(expected ? `${(error as Error).message}${hint}` : error);
  },
);
