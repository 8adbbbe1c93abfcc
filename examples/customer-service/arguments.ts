import { parseArgs } from 'node:util';

export const help = `A shared memory for customer service: three agents, five customers, one week.

  npm run demo                                          plays the week and searches the memory
  npm run demo -- --transcript FILE --ask "QUESTION"    answers from your own chat

  --transcript FILE   JSON Lines, one turn on each line: { "speaker", "text", "time", "session" };
                      time is ISO 8601 with a zone, such as 2025-03-03T09:12:20+01:00
  --ask "QUESTION"    a question about the chat; may be repeated
  --help              prints this help

The demo sends nothing over the network. It stores everything in a temporary folder and removes it at the end.`;

export type Task = { do: 'help' } | { do: 'play' } | { do: 'ask'; file: string; questions: string[] };

/** An invalid command line. The message says how to correct it. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** @throws UsageError for an invalid command line */
export function parseTask(args: readonly string[]): Task {
  const { transcript, ask = [], help } = parseOptions(args);
  if (help) return { do: 'help' };
  if (transcript === undefined && ask.length === 0) return { do: 'play' };
  if (transcript === undefined) {
    throw new UsageError('--ask requires a chat. Add --transcript FILE.');
  }
  if (transcript === '') throw new UsageError('--transcript requires the name of a file.');
  if (ask.length === 0) {
    throw new UsageError('--transcript requires at least one question. Add --ask "What was promised, and by when?"');
  }
  if (ask.some((question) => question.trim() === ''))
    throw new UsageError('--ask requires a question that is not empty.');
  return { do: 'ask', file: transcript, questions: ask };
}

function parseOptions(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        transcript: { type: 'string' },
        ask: { type: 'string', multiple: true },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (cause) {
    throw new UsageError((cause as Error).message, { cause });
  }
}
