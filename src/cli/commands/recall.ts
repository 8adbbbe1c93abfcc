import type { Command } from '../command';
import { oneOf, whole } from '../option-checks';
import { principalOptions } from '../principal-options';
import { selectionOf, selectionOptions } from '../selection-options';
import { embedderOptions, reading } from '../store';
import { done } from '../terminal';

const modes = ['hybrid', 'semantic', 'keyword'] as const;

/** `recall`: what answers a question best. */
export const recall: Command = {
  summary: 'The memories that answer a question best, each with its score.',
  usage: 'FOLDER QUESTION',
  takes: [2, 2],
  options: {
    'top-k': { value: 'N', help: 'at most so many; default: 10', check: whole(1, 1_000) },
    mode: { value: 'MODE', help: 'hybrid (default), semantic or keyword', check: oneOf(...modes) },
    explain: { help: 'with the parts of each score' },
    ...selectionOptions,
    ...principalOptions,
    ...embedderOptions,
  },
  examples: [
    ['recall ./memory "how does the customer want to be paid back?" --top-k=5', 'the five best'],
    ['recall ./memory refund --mode=keyword --agent=billing', 'by words alone, of what an agent may read'],
  ],
  run: (line, terminal) =>
    reading(line, terminal, async (_, handle) => {
      const topK = line.number('top-k');
      const mode = line.text('mode') as (typeof modes)[number] | undefined;
      const hits = await handle.recall(line.args[1] as string, {
        ...selectionOf(line),
        ...(topK === undefined ? {} : { topK }),
        ...(mode === undefined ? {} : { mode }),
        explain: line.has('explain'),
        signal: terminal.signal,
      });
      for (const hit of hits) await terminal.print(JSON.stringify(hit));
      return done;
    }),
};
