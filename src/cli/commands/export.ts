import { startStopwatch } from '../../environment/timers';
import type { Command } from '../command';
import { principalOptions } from '../principal-options';
import { selectionOf, selectionOptions } from '../selection-options';
import { reading } from '../store';
import { done } from '../terminal';
import { tellProgress } from '../told';

/** `export`: every memory of a selection. */
export const exportCommand: Command = {
  summary: 'Every memory of a selection, oldest first, as JSON Lines that import takes.',
  usage: 'FOLDER',
  takes: [1, 1],
  options: {
    ...selectionOptions,
    all: { help: 'expired and superseded ones too, to keep and not to import' },
    ...principalOptions,
  },
  examples: [
    ['export ./memory > memories.jsonl', 'everything'],
    ['export ./memory --about-user=customer-4417', 'what is known about a user'],
  ],
  run: (line, terminal) =>
    reading(line, terminal, async (_, handle) => {
      const selection = selectionOf(line);
      const include = line.has('all') ? { include: ['expired', 'superseded', 'quarantined'] as const } : {};
      const total = await handle.count({ ...selection, ...include });
      const tell = tellProgress(terminal);
      const elapsedMs = startStopwatch();
      let count = 0;
      for await (const memory of handle.list({
        ...selection,
        ...include,
        order: 'oldest',
        limit: 1_000,
        signal: terminal.signal,
      })) {
        await terminal.print(JSON.stringify(memory));
        count++;
        tell({
          phase: 'export',
          done: count,
          failed: 0,
          total,
          perSecond: (count / elapsedMs()) * 1_000,
        });
      }
      return done;
    }),
};
