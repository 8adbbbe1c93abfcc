import { parseArgs } from 'node:util';

export const help = `A shared memory for customer service: three agents, five customers, one week.

  npm run demo                                          plays the week and asks the memory
  npm run demo -- --transcript FILE --ask "QUESTION"    answers from a chat of yours

  --transcript FILE   JSON Lines, one turn a line: { "speaker", "text", "time", "session" };
                      time is ISO 8601 with a zone, such as 2025-03-03T09:12:20+01:00
  --ask "QUESTION"    what you want to know; may be given more than once
  --help              this text

Nothing leaves this machine. What is stored goes to a temporary folder that is removed at the end.`;

export type Task = { do: 'help' } | { do: 'play' } | { do: 'ask'; file: string; questions: string[] };

/** The command line was wrong; the message says how to mend it. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What the command line asks for. */
export function taskOf(args: readonly string[]): Task {
  const { transcript, ask = [], help } = parsed(args);
  if (help) return { do: 'help' };
  if (transcript === undefined && ask.length === 0) return { do: 'play' };
  if (transcript === undefined) {
    throw new UsageError('--ask needs a chat to answer from. Add --transcript FILE.');
  }
  if (transcript === '') throw new UsageError('--transcript needs the name of a file.');
  if (ask.length === 0) {
    throw new UsageError('--transcript needs at least one question. Add --ask "What was promised, and by when?"');
  }
  if (ask.some((question) => question.trim() === '')) throw new UsageError('--ask needs a question that is not empty.');
  return { do: 'ask', file: transcript, questions: ask };
}

function parsed(args: readonly string[]) {
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
