import type { Command } from '../cli-command';
import { readStore } from '../command-store';
import { principalOptions } from '../principal-options';
import { exitCodes } from '../terminal';

/** `get`: prints single memories. */
export const getCommand: Command = {
  summary:
    'Prints single memories by id. The start of an id is enough, from 8 characters, if it is the start of no other id.',
  usage: 'FOLDER ID...',
  argumentCount: [2, 10_000],
  options: principalOptions,
  examples: [
    ['get ./memory 0198c0de-0000-7000-8000-000000000001', 'one memory'],
    ['get ./memory 0198c0de-0000-7000-80', 'the same memory, by a short id'],
  ],
  run: (line, terminal) =>
    readStore(line, terminal, async (_, handle) => {
      let isComplete = true;
      for (const id of line.args.slice(1)) {
        const memory = await handle.get(id);
        isComplete &&= memory !== undefined;
        if (memory === undefined) terminal.printError(`No memory has the id ${id}, or it may not be read.`);
        else await terminal.print(JSON.stringify(memory));
      }
      return isComplete ? exitCodes.success : exitCodes.failure;
    }),
};
