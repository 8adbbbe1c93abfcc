import type { Command } from '../cli-command';
import type { CommandLine } from '../command-line';
import { type CommandStore, readStore, trustOptions, writeStore } from '../command-store';
import { selectionOf, selectionOptions } from '../selection-options';
import { type ExitCode, exitCodes, type Terminal } from '../terminal';

const { namespace, session, tag, 'about-user': aboutUser, 'by-agent': byAgent } = selectionOptions;
const scopeOptions = { namespace, 'about-user': aboutUser, 'by-agent': byAgent, session, tag } as const;
const withheldPerPage = 100;
const everyState = ['expired', 'superseded', 'consolidated', 'quarantined'] as const;

/** `hold`: begins, lists and ends legal holds. */
export const holdCommand: Command = {
  summary: 'Lists the legal holds; begins one with --matter; ends one with --release.',
  usage: 'FOLDER',
  argumentCount: [1, 1],
  options: {
    matter: {
      valueName: 'TEXT',
      help: 'begin a hold for this matter; the options below say which memories it concerns',
    },
    ...scopeOptions,
    'dry-run': {
      help: 'with --matter: count the memories that it would concern now; with --release: count what would be deleted. Change nothing',
    },
    release: { valueName: 'ID', help: 'end this hold, and delete what was kept only for it' },
    withheld: { help: 'print what was forgotten under a hold, with all revisions' },
    ...trustOptions,
  },
  examples: [
    ['hold ./memory', 'the holds that are in force'],
    ['hold ./memory --matter=kim-v-courier --about-user=customer-4417 --dry-run', 'how many memories it would concern'],
    ['hold ./memory --matter=kim-v-courier --about-user=customer-4417', 'keep all memories about a user'],
    ['hold ./memory --withheld', 'what was forgotten meanwhile'],
  ],
  usageProblems: (line) => {
    const given = ['matter', 'release', 'withheld'].filter((name) => line.isGiven(name));
    const hasScope = Object.keys(scopeOptions).some((name) => line.isGiven(name));
    if (given.length > 1) return ['Give only one of --matter, --release and --withheld.'];
    if (line.isGiven('matter'))
      return hasScope ? [] : ['Say which memories the hold concerns, such as --about-user=ID.'];
    if (hasScope) return ['Options that select memories need --matter.'];
    return line.flag('dry-run') && !line.isGiven('release') ? ['--dry-run needs --matter or --release.'] : [];
  },
  run: (line, terminal) => {
    const [matter, release, dryRun] = [line.text('matter'), line.text('release'), line.flag('dry-run')];
    if (dryRun) {
      return readStore(line, terminal, (store) =>
        release === undefined ? count(store, line, terminal) : end(store, { id: release, dryRun }, terminal),
      );
    }
    if (matter !== undefined) return writeStore(line, terminal, (store) => begin(store, matter, line, terminal));
    if (release !== undefined)
      return writeStore(line, terminal, (store) => end(store, { id: release, dryRun }, terminal));
    return readStore(line, terminal, (store) =>
      line.flag('withheld') ? printWithheld(store, terminal) : printHolds(store, terminal),
    );
  },
};

async function begin(store: CommandStore, matter: string, line: CommandLine, terminal: Terminal): Promise<ExitCode> {
  const id = await store.hold({ matter, selection: selectionOf(line) }, { signal: terminal.signal });
  await terminal.print(JSON.stringify({ id }));
  return exitCodes.success;
}

async function count(store: CommandStore, line: CommandLine, { print, signal }: Terminal): Promise<ExitCode> {
  const matched = await store.admin.count({ ...selectionOf(line), include: everyState, signal });
  await print(JSON.stringify({ matched }));
  return exitCodes.success;
}

async function end(
  store: CommandStore,
  { id, dryRun }: { id: string; dryRun: boolean },
  { print, signal }: Terminal,
): Promise<ExitCode> {
  const result = await store.releaseHold(id, { signal, dryRun });
  await print(JSON.stringify(result));
  return result.released ? exitCodes.success : exitCodes.failure;
}

async function printHolds(store: CommandStore, { print, signal }: Terminal): Promise<ExitCode> {
  for (const hold of await store.holds({ signal })) await print(JSON.stringify(hold));
  return exitCodes.success;
}

async function printWithheld(store: CommandStore, { print, signal }: Terminal): Promise<ExitCode> {
  let after: string | undefined;
  for (;;) {
    const page = await store.withheld({ limit: withheldPerPage, signal, ...(after === undefined ? {} : { after }) });
    for (const each of page) await print(JSON.stringify(each));
    after = page.at(-1)?.id;
    if (page.length < withheldPerPage) return exitCodes.success;
  }
}
