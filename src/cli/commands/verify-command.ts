import type { Command } from '../cli-command';
import { readStore, trustOptions, writeStore } from '../command-store';
import { progressPrinter } from '../output';
import { exitCodes } from '../terminal';

/** `verify`: checks a store for damage. */
export const verifyCommand: Command = {
  summary: 'Checks all data against its checksums, and the audit log against its hash chains.',
  usage: 'FOLDER',
  argumentCount: [1, 1],
  options: { repair: { help: 'rebuild damaged indexes from the data' }, ...trustOptions },
  examples: [
    ['verify ./memory', 'one line for each problem; exit code 1 if there is one'],
    ['verify ./memory --repair', 'check and repair; needs write access to the store'],
  ],
  run: (line, terminal) => {
    const repair = line.flag('repair');
    return (repair ? writeStore : readStore)(line, terminal, async (store) => {
      const { signal } = terminal;
      const { ok, problems } = await store.verify({ repair, signal, onProgress: progressPrinter(terminal) });
      for (const problem of problems) await terminal.print(JSON.stringify(problem));
      const audit = await store.audit.verify({ signal });
      const isWhole = ok && audit.ok;
      await terminal.print(JSON.stringify({ ok: isWhole, problems: problems.length, audit }));
      return isWhole ? exitCodes.success : exitCodes.failure;
    });
  },
};
