import type { Command } from '../command';
import { reading, writing } from '../store';
import { done, failed } from '../terminal';
import { tellProgress } from '../told';

/** `verify`: whether everything is as it was written. */
export const verify: Command = {
  summary: 'Compares everything with its checksums, and the audit with its chains.',
  usage: 'FOLDER',
  takes: [1, 1],
  options: { repair: { help: 'make anew what is derived: indexes, words' } },
  examples: [
    ['verify ./memory', 'a line for each problem, and exit code 1 where there is one'],
    ['verify ./memory --repair', 'the same, with repairs; takes the folder for itself'],
  ],
  run: (line, terminal) =>
    (line.has('repair') ? writing : reading)(line, terminal, async (store) => {
      const { signal } = terminal;
      const onProgress = tellProgress(terminal);
      const { ok, problems } = await store.verify({ repair: line.has('repair'), signal, onProgress });
      for (const problem of problems) await terminal.print(JSON.stringify(problem));
      const audit = await store.audit.verify({ signal });
      await terminal.print(JSON.stringify({ ok: ok && audit.ok, problems: problems.length, audit }));
      return ok && audit.ok ? done : failed;
    }),
};
