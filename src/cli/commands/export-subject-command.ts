import type { Command } from '../cli-command';
import { readStore } from '../command-store';
import { principalOptions } from '../principal-options';
import { exitCodes } from '../terminal';

/** `export-subject`: prints everything about a user. */
export const exportSubjectCommand: Command = {
  summary:
    'Prints everything about a user as JSON Lines: memories, revisions, recipients, rules. import takes the file.',
  usage: 'FOLDER USER',
  argumentCount: [2, 2],
  options: {
    named: { help: 'name other users; without it they have pseudonyms' },
    'dry-run': { help: 'only print how many lines of each kind there are' },
    ...principalOptions,
  },
  examples: [
    ['export-subject ./memory customer-4417 > customer-4417.jsonl', 'what a person may ask for'],
    ['export-subject ./memory customer-4417 --dry-run', 'how much it is'],
    ['import ./other customer-4417.jsonl', 'take it into another store'],
  ],
  run: (line, terminal) =>
    readStore(line, terminal, async (_, handle) => {
      const { signal } = terminal;
      const others = line.flag('named') ? 'named' : 'pseudonyms';
      for await (const each of handle.exportSubject({ userId: line.args[1] as string }, { others, signal })) {
        if (!line.flag('dry-run')) await terminal.print(JSON.stringify(each));
        else if (each.line === 'end') await terminal.print(JSON.stringify(each.counts));
      }
      return exitCodes.success;
    }),
};
