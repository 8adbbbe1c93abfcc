import type { Command } from '../cli-command';
import { readStore } from '../command-store';
import { integer } from '../option-checks';
import { principalOptions } from '../principal-options';
import { duringOf, duringOptions, selectionOf, selectionOptions } from '../selection-options';
import { exitCodes } from '../terminal';

const maxLimit = 1_000_000_000;
const defaultLimit = 100;
const maxPageSize = 1_000;

/** `list`: prints selected memories, newest or oldest first. */
export const listCommand: Command = {
  summary: 'Prints selected memories, newest first.',
  usage: 'FOLDER',
  argumentCount: [1, 1],
  options: {
    ...selectionOptions,
    ...duringOptions,
    limit: { valueName: 'N', help: `the maximum number; default: ${defaultLimit}`, check: integer(1, maxLimit) },
    oldest: { help: 'oldest first' },
    all: { help: 'include expired and superseded memories' },
    ...principalOptions,
  },
  examples: [
    ['list ./memory --namespace=support/eu --limit=20', 'the newest 20 memories of a namespace'],
    ['list ./memory --about-user=customer-4417 --tag=refund', 'memories about a user with a tag'],
  ],
  run: (line, terminal) =>
    readStore(line, terminal, async (_, handle) => {
      const limit = line.number('limit') ?? defaultLimit;
      const memories = handle.list({
        ...selectionOf(line),
        ...duringOf(line),
        order: line.flag('oldest') ? 'oldest' : 'newest',
        limit: Math.min(limit, maxPageSize),
        signal: terminal.signal,
        ...(line.flag('all') ? { include: ['expired', 'superseded', 'consolidated', 'quarantined'] as const } : {}),
      });
      let count = 0;
      for await (const memory of memories) {
        await terminal.print(JSON.stringify(memory));
        if (++count === limit) break;
      }
      return exitCodes.success;
    }),
};
