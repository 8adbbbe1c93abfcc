import type { Command } from '../command';
import { principalOptions } from '../principal-options';
import { selectionOf, selectionOptions } from '../selection-options';
import { writing } from '../store';
import { done, failed } from '../terminal';
import { tellProgress } from '../told';

/** `forget`: single memories, or all of a selection. */
export const forget: Command = {
  summary: 'Forgets memories by id, or all of a selection: text, words and vectors.',
  usage: 'FOLDER [ID...]',
  takes: [1, 10_000],
  options: {
    ...selectionOptions,
    yes: { help: 'do it; without it, a selection is only counted' },
    ...principalOptions,
  },
  examples: [
    ['forget ./memory 0198c0de-0000-7000-8000-000000000001', 'one memory'],
    ['forget ./memory --about-user=customer-4417', 'how many a selection holds'],
    ['forget ./memory --about-user=customer-4417 --yes', 'all of them'],
  ],
  problems: (line) => {
    const hasSelection = Object.keys(selectionOptions).some((name) => line.isGiven(name));
    if (hasSelection === line.args.length > 1) return ['It takes ids, or a selection such as --about-user=ID.'];
    return line.has('yes') && !hasSelection ? ['--yes goes with a selection: ids are forgotten at once.'] : [];
  },
  run: async (line, terminal) => {
    const selection = selectionOf(line);
    const ids = line.args.slice(1);
    const isSelection = ids.length === 0;
    return writing(line, terminal, async (_, handle) => {
      if (isSelection) {
        const dryRun = !line.has('yes');
        const { signal } = terminal;
        const result = await handle.forgetWhere(selection, { dryRun, signal, onProgress: tellProgress(terminal) });
        await terminal.print(JSON.stringify({ matched: result.matched, forgotten: result.forgotten }));
        if (dryRun) terminal.tell(`Nothing was forgotten: --yes forgets these ${result.matched}.`);
        return dryRun || result.forgotten === result.matched ? done : failed;
      }
      let isComplete = true;
      for (const id of ids) {
        const forgotten = await handle.forget(id);
        isComplete &&= forgotten;
        await terminal.print(JSON.stringify({ id, forgotten }));
      }
      return isComplete ? done : failed;
    });
  },
};
