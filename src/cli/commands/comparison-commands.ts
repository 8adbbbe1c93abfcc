import type { ComparisonOptions, MemoryHandle } from '../../index';
import type { Command } from '../cli-command';
import { readStore } from '../command-store';
import { integer } from '../option-checks';
import { principalOptions } from '../principal-options';
import { selectionOf, selectionOptions } from '../selection-options';
import { exitCodes } from '../terminal';

const maxLimit = 1_000_000_000;
const defaultLimit = 100;
const maxPageSize = 1_000;

interface Page {
  readonly results: readonly object[];
  readonly nextCursor?: string;
}

/** `duplicates`: prints groups of memories that say the same. */
export const duplicatesCommand = comparisonCommand({
  name: 'duplicates',
  summary: 'Prints groups of memories that say the same.',
  what: 'groups',
  read: async (handle, options) => {
    const { groups, ...page } = await handle.duplicates(options);
    return { ...page, results: groups };
  },
});

/** `conflicts`: prints pairs of memories that say different things about one subject. */
export const conflictsCommand = comparisonCommand({
  name: 'conflicts',
  summary: 'Prints pairs of memories that seem to contradict each other, newest first.',
  what: 'pairs',
  read: async (handle, options) => {
    const { conflicts, ...page } = await handle.conflicts(options);
    return { ...page, results: conflicts };
  },
});

interface ComparisonCommand {
  readonly name: string;
  readonly summary: string;
  /** What the command prints. */
  readonly what: string;
  read(handle: MemoryHandle, options: ComparisonOptions): Promise<Page>;
}

function comparisonCommand({ name, summary, what, read }: ComparisonCommand): Command {
  return {
    summary,
    usage: 'FOLDER',
    argumentCount: [1, 1],
    options: {
      ...selectionOptions,
      limit: {
        valueName: 'N',
        help: `the maximum number of ${what}; default: ${defaultLimit}`,
        check: integer(1, maxLimit),
      },
      ...principalOptions,
    },
    examples: [[`${name} ./memory --namespace=support/eu --limit=20`, `${what} in a namespace`]],
    run: (line, terminal) =>
      readStore(line, terminal, async (_, handle) => {
        let left = line.number('limit') ?? defaultLimit;
        let cursor: string | undefined;
        do {
          const page = await read(handle, {
            ...selectionOf(line),
            limit: Math.min(left, maxPageSize),
            signal: terminal.signal,
            ...(cursor === undefined ? {} : { cursor }),
          });
          for (const result of page.results.slice(0, left)) await terminal.print(JSON.stringify(result));
          left -= page.results.length;
          cursor = page.nextCursor;
        } while (cursor !== undefined && left > 0);
        return exitCodes.success;
      }),
  };
}
