import type { Command } from '../command';
import { principalOptions } from '../principal-options';
import { reading } from '../store';
import { done } from '../terminal';

/** `stats`: how much there is. */
export const stats: Command = {
  summary: 'How many memories there are, and in which namespaces; of the host: size and embedding spaces too.',
  usage: 'FOLDER',
  takes: [1, 1],
  options: principalOptions,
  examples: [
    ['stats ./memory', 'everything'],
    ['stats ./memory --agent=billing', 'what this agent may read'],
  ],
  run: (line, terminal) =>
    reading(line, terminal, async (store, handle) => {
      const namespaces = await handle.namespaces();
      const figures = handle === store.admin ? await store.stats() : await handle.stats();
      await terminal.print(JSON.stringify({ ...figures, namespaces }));
      return done;
    }),
};
