import { startStopwatch } from '../../environment/timers';
import type { Command } from '../cli-command';
import { readStore } from '../command-store';
import { progressPrinter } from '../output';
import { principalOptions } from '../principal-options';
import { duringOf, duringOptions, selectionOf, selectionOptions } from '../selection-options';
import { exitCodes } from '../terminal';

/** `export`: prints all selected memories. */
export const exportCommand: Command = {
  summary: 'Prints all selected memories, oldest first, as JSON Lines for the import command.',
  usage: 'FOLDER',
  argumentCount: [1, 1],
  options: {
    ...selectionOptions,
    ...duringOptions,
    all: { help: 'include expired and superseded memories, for an archive; import rejects superseded ones' },
    ...principalOptions,
  },
  examples: [
    ['export ./memory > memories.jsonl', 'the whole store'],
    ['export ./memory --about-user=customer-4417', 'all memories about a user'],
  ],
  run: (line, terminal) =>
    readStore(line, terminal, async (_, handle) => {
      const include = line.flag('all')
        ? { include: ['expired', 'superseded', 'consolidated', 'quarantined'] as const }
        : {};
      const selection = { ...selectionOf(line), ...duringOf(line), ...include };
      const total = await handle.count(selection);
      const printProgress = progressPrinter(terminal);
      const elapsedMs = startStopwatch();
      const { signal } = terminal;
      let done = 0;
      for await (const memory of handle.list({ ...selection, order: 'oldest', limit: 1_000, signal })) {
        await terminal.print(JSON.stringify(memory));
        done++;
        printProgress({ phase: 'export', done, failed: 0, total, perSecond: (done / elapsedMs()) * 1_000 });
      }
      return exitCodes.success;
    }),
};
