import type { Command } from '../command';
import { reading } from '../store';
import { done } from '../terminal';
import { tellProgress } from '../told';

/** `backup`: a copy that `open` opens. */
export const backup: Command = {
  summary: 'Copies a store as it is now into an empty folder, while others read and write.',
  usage: 'FOLDER TARGET',
  takes: [2, 2],
  options: {},
  examples: [['backup ./memory ./memory-2026-11-22', 'a copy']],
  run: (line, terminal) =>
    reading(line, terminal, async (store) => {
      await store.backup(line.args[1] as string, { signal: terminal.signal, onProgress: tellProgress(terminal) });
      return done;
    }),
};
