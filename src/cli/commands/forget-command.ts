import type { MemoryHandle } from '../../index';
import type { Command } from '../cli-command';
import type { CommandLine } from '../command-line';
import { trustOptions, writeStore } from '../command-store';
import { progressPrinter } from '../output';
import { principalOptions } from '../principal-options';
import { duringOf, duringOptions, selectionOf, selectionOptions } from '../selection-options';
import { type ExitCode, exitCodes, type Terminal } from '../terminal';

/** `forget`: deletes memories. */
export const forgetCommand: Command = {
  summary: 'Deletes memories by id or short id, or all selected memories, with their texts, words and vectors.',
  usage: 'FOLDER [ID...]',
  argumentCount: [1, 10_000],
  options: {
    ...selectionOptions,
    ...duringOptions,
    yes: { help: 'delete the selected memories; without it they are only counted' },
    ...principalOptions,
    ...trustOptions,
  },
  examples: [
    ['forget ./memory 0198c0de-0000-7000-8000-000000000001', 'delete one memory'],
    ['forget ./memory 0198c0de-0000-7000-80', 'delete it by a short id: the start of its id'],
    ['forget ./memory --about-user=customer-4417', 'count all memories about a user'],
    ['forget ./memory --about-user=customer-4417 --yes', 'delete them'],
  ],
  usageProblems: (line) => {
    const hasSelection = Object.keys({ ...selectionOptions, ...duringOptions }).some((name) => line.isGiven(name));
    const hasIds = line.args.length > 1;
    if (hasSelection === hasIds) return ['Give either ids or a selection, such as --about-user=ID.'];
    return line.flag('yes') && hasIds ? ['Remove --yes: it is for selections. Ids are deleted without it.'] : [];
  },
  run: (line, terminal) => {
    const ids = line.args.slice(1);
    return writeStore(line, terminal, (_, handle) =>
      ids.length > 0 ? forgetIds(handle, ids, terminal) : forgetSelected(handle, line, terminal),
    );
  },
};

// A whole id is not read first, because a damaged memory can be forgotten and not read.
const shortId = /^[0-9a-f-]{8,35}$/;

async function forgetIds(handle: MemoryHandle, ids: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let isComplete = true;
  // Every short id is resolved before anything is deleted, so that an ambiguous one deletes nothing.
  const wholeIds: string[] = [];
  for (const id of ids) wholeIds.push(shortId.test(id) ? ((await handle.get(id))?.id ?? id) : id);
  for (const id of wholeIds) {
    const forgotten = await handle.forget(id);
    isComplete &&= forgotten;
    await terminal.print(JSON.stringify({ id, forgotten }));
  }
  return isComplete ? exitCodes.success : exitCodes.failure;
}

async function forgetSelected(handle: MemoryHandle, line: CommandLine, terminal: Terminal): Promise<ExitCode> {
  const dryRun = !line.flag('yes');
  const { signal } = terminal;
  const onProgress = progressPrinter(terminal);
  const selection = { ...selectionOf(line), ...duringOf(line) };
  const { matched, forgotten } = await handle.forgetWhere(selection, { dryRun, signal, onProgress });
  await terminal.print(JSON.stringify({ matched, forgotten }));
  if (dryRun) terminal.printError(`Nothing was deleted. Add --yes to delete the selected memories (${matched}).`);
  return dryRun || forgotten === matched ? exitCodes.success : exitCodes.failure;
}
