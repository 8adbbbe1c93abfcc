import type { Command } from '../cli-command';
import { readStore, trustOptions, writeStore } from '../command-store';
import { progressPrinter } from '../output';
import { exitCodes } from '../terminal';

/** `lifecycle run`: forgets what retentions have reached, and runs the policies of an application that serves the folder. */
export const lifecycleRunCommand: Command = {
  summary: 'Forgets now what retentions have reached, and runs the consolidation policies of the application.',
  usage: 'FOLDER',
  argumentCount: [1, 1],
  options: { 'dry-run': { help: 'change nothing, and print what would be done' }, ...trustOptions },
  examples: [
    ['lifecycle run ./memory --dry-run', 'how many memories each retention has reached'],
    ['lifecycle run ./memory', 'forget them'],
  ],
  run: (line, terminal) =>
    writeStore(line, terminal, async (store) => {
      const { signal } = terminal;
      const options = { dryRun: line.flag('dry-run'), signal, onProgress: progressPrinter(terminal) };
      await terminal.print(JSON.stringify(await store.lifecycle.run(options)));
      return exitCodes.success;
    }),
};

/** `lifecycle status`: prints what retentions have reached. */
export const lifecycleStatusCommand: Command = {
  summary: 'Prints how many memories each retention has reached that are not forgotten yet.',
  usage: 'FOLDER',
  argumentCount: [1, 1],
  options: {},
  examples: [['lifecycle status ./memory', 'one entry for each retention']],
  run: (line, terminal) =>
    readStore(line, terminal, async (store) => {
      await terminal.print(JSON.stringify(await store.lifecycle.status()));
      return exitCodes.success;
    }),
};
