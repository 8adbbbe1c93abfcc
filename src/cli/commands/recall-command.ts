import { defined } from '../../domain/defined';
import type { Command } from '../cli-command';
import { embedderOptions, readStore } from '../command-store';
import { integer, oneOf, timeText, unitInterval } from '../option-checks';
import { principalOptions } from '../principal-options';
import { duringOf, duringOptions, selectionOf, selectionOptions } from '../selection-options';
import { exitCodes } from '../terminal';

const modes = ['hybrid', 'semantic', 'keyword'] as const;
const states = ['expired', 'superseded', 'consolidated', 'quarantined'] as const;

/** `recall`: searches by meaning and by keywords. */
export const recallCommand: Command = {
  summary: 'Searches by meaning and by keywords. Prints the best matches with their scores.',
  usage: 'FOLDER QUESTION',
  argumentCount: [2, 2],
  options: {
    'top-k': { valueName: 'N', help: 'the maximum number; default: 10', check: integer(1, 1_000) },
    mode: {
      valueName: 'MODE',
      help: 'semantic (by meaning), keyword (by words) or hybrid (both, the default)',
      check: oneOf(...modes),
    },
    threshold: {
      valueName: 'SCORE',
      help: 'the lowest score, from 0 to 1, or likely: only what probably answers; default: 0',
      check: (text) => (text === 'likely' ? undefined : unitInterval(text)),
    },
    'max-per-source': {
      valueName: 'N',
      help: 'the most matches by one writer; default: 2 of those below standard trust, no limit for others',
      check: integer(1, 1_000),
    },
    distinct: {
      valueName: 'RULE',
      help: 'leave out what says the same as a better match: exact (equal texts, the default), near or off',
      check: oneOf('exact', 'near', 'off'),
    },
    'as-of': {
      valueName: 'TIME',
      help: 'only what was true at this time, superseded memories included: 2026-03-01T12:30:00Z',
      check: timeText,
    },
    include: {
      valueName: 'STATE',
      repeatable: true,
      help: 'also expired, superseded, consolidated or quarantined memories',
      check: oneOf(...states),
    },
    'no-context': { help: 'score each memory by itself, without the other memories of its session' },
    explain: { help: 'add the parts of each score, and how they were found' },
    ...selectionOptions,
    ...duringOptions,
    ...principalOptions,
    ...embedderOptions,
  },
  examples: [
    [
      'recall ./memory refund --as-of=2026-03-01T12:30:00Z --threshold=0.3',
      'what was true at a time, if it matches well',
    ],
    ['recall ./memory "how does the customer want to be paid back?" --top-k=5', 'the five best matches'],
    [
      'recall ./memory refund --mode=keyword --agent=billing',
      'by words only, among the memories that an agent may read',
    ],
  ],
  run: (line, terminal) =>
    readStore(line, terminal, async (_, handle) => {
      // Loaded here, because the help and the version must not load the library.
      const { recallThatFits } = await import('../../integrations/shared/recall-that-fits');
      const { hits, isCut } = await recallThatFits(handle, line.args[1] as string, {
        ...selectionOf(line),
        ...duringOf(line),
        ...defined({
          topK: line.number('top-k'),
          mode: line.text('mode') as (typeof modes)[number] | undefined,
          threshold: line.text('threshold') === 'likely' ? ('likely' as const) : line.number('threshold'),
          maxPerSource: line.number('max-per-source'),
          distinct: distinctOf(line.text('distinct')),
          asOf: line.text('as-of'),
        }),
        include: line.texts('include') as (typeof states)[number][],
        context: !line.flag('no-context'),
        explain: line.flag('explain'),
        signal: terminal.signal,
      });
      for (const hit of hits) await terminal.print(JSON.stringify(hit));
      if (isCut)
        terminal.printError(`Only the best ${hits.length} matches fit into one answer. The others are left out.`);
      return exitCodes.success;
    }),
};

function distinctOf(rule: string | undefined): 'exact' | 'near' | false | undefined {
  return rule === 'off' ? false : (rule as 'exact' | 'near' | undefined);
}
