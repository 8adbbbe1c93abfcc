import type { Command } from '../command';
import { whole } from '../option-checks';
import { principalOptions } from '../principal-options';
import { selectionOf, selectionOptions } from '../selection-options';
import { reading } from '../store';
import { done } from '../terminal';

const maxLimit = 1_000_000_000;

/** `list`: memories by what is written in them, not by meaning. */
export const list: Command = {
  summary: 'Memories of a selection, newest first.',
  usage: 'FOLDER',
  takes: [1, 1],
  options: {
    ...selectionOptions,
    limit: { value: 'N', help: 'at most so many; default: 100', check: whole(1, maxLimit) },
    oldest: { help: 'oldest first' },
    all: { help: 'expired and superseded ones too' },
    ...principalOptions,
  },
  examples: [
    ['list ./memory --namespace=support/eu --limit=20', 'the latest 20 of a namespace'],
    ['list ./memory --about-user=customer-4417 --tag=refund', 'what is known about a user, by tag'],
  ],
  run: (line, terminal) =>
    reading(line, terminal, async (_, handle) => {
      const limit = line.number('limit') ?? 100;
      const found = handle.list({
        ...selectionOf(line),
        order: line.has('oldest') ? 'oldest' : 'newest',
        limit: Math.min(limit, 1_000),
        signal: terminal.signal,
        ...(line.has('all') ? { include: ['expired', 'superseded', 'quarantined'] as const } : {}),
      });
      let count = 0;
      for await (const memory of found) {
        await terminal.print(JSON.stringify(memory));
        if (++count === limit) break;
      }
      return done;
    }),
};
