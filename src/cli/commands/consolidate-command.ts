import { defined } from '../../domain/defined';
import type { Command } from '../cli-command';
import { trustOptions, writeStore } from '../command-store';
import { integer, oneOf, unitInterval } from '../option-checks';
import { progressPrinter } from '../output';
import { principalOptions } from '../principal-options';
import { selectionOf, selectionOptions } from '../selection-options';
import { exitCodes } from '../terminal';

const maxGroup = 10_000;

/** `consolidate`: replaces memories by short facts that quote them. */
export const consolidateCommand: Command = {
  summary: 'Replaces the selected memories by short facts that quote them. The memories stay, and can be brought back.',
  usage: 'FOLDER',
  argumentCount: [1, 1],
  options: {
    ...selectionOptions,
    'dry-run': { help: 'store nothing, and print what would be stored, one group in a line' },
    ratio: {
      valueName: 'N',
      help: 'how long the facts may be, as a share of the memories; default: 0.5',
      check: unitInterval,
    },
    'min-sources': { valueName: 'N', help: 'the smallest group; default: 8', check: integer(1, maxGroup) },
    'max-sources': { valueName: 'N', help: 'the largest group; default: 256', check: integer(1, maxGroup) },
    'group-by': {
      valueName: 'PART',
      repeatable: true,
      help: 'what else is equal in a group: session, day or nothing; default: session',
      check: oneOf('session', 'day', 'nothing'),
    },
    ...principalOptions,
    ...trustOptions,
  },
  examples: [
    ['consolidate ./memory --namespace=support --dry-run', 'show which facts would replace the memories'],
    ['consolidate ./memory --namespace=support --group-by=day --ratio=0.25', 'replace the memories of each day'],
  ],
  run: (line, terminal) =>
    writeStore(line, terminal, async (_, handle) => {
      const number = (name: 'ratio' | 'min-sources' | 'max-sources') => {
        const text = line.text(name);
        return text === undefined ? undefined : Number(text);
      };
      const parts = line.texts('group-by');
      const groupBy = parts.filter((part) => part !== 'nothing') as ('session' | 'day')[];
      const { preview, ...result } = await handle.consolidate(selectionOf(line), {
        dryRun: line.flag('dry-run'),
        signal: terminal.signal,
        onProgress: progressPrinter(terminal),
        ...defined({
          ratio: number('ratio'),
          minSources: number('min-sources'),
          maxSources: number('max-sources'),
          groupBy: parts.length === 0 ? undefined : groupBy,
        }),
      });
      for (const group of preview ?? []) await terminal.print(JSON.stringify(group));
      await terminal.print(JSON.stringify(result));
      return exitCodes.success;
    }),
};
