import type { Command } from '../cli-command';
import { readStore } from '../command-store';
import { principalOptions } from '../principal-options';
import { exitCodes } from '../terminal';

/** `stats`: prints statistics of a store. */
export const statsCommand: Command = {
  summary:
    'Prints the number of memories in each namespace. For the host, also prints the size and the embedding spaces.',
  usage: 'FOLDER',
  argumentCount: [1, 1],
  options: principalOptions,
  examples: [
    ['stats ./memory', 'the whole store'],
    ['stats ./memory --agent=billing', 'what this agent may read'],
  ],
  run: (line, terminal) =>
    readStore(line, terminal, async (store, handle) => {
      // Loaded here, because the help and the version must not load the library.
      const { allNamespaces } = await import('../../integrations/shared/all-namespaces');
      const namespaces = await allNamespaces(handle);
      const stats = handle === store.admin ? await store.stats() : await handle.stats();
      await terminal.print(JSON.stringify({ ...stats, namespaces }));
      return exitCodes.success;
    }),
};
