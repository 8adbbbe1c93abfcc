import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { pause } from '../environment/timers';

/** A process and the process that started it. */
interface Child {
  readonly pid: number;
  readonly parent: number;
}

/** What the system knows about other processes. */
export interface ProcessTable {
  /** The parent of a process and its command line. Undefined if they cannot be read. */
  read(pid: number): { readonly parent: number; readonly command: string } | undefined;
  isAlive(pid: number): boolean;
}

const pollMs = 2_000;
// npx starts a shell, which starts the program.
const maxLaunchers = 4;
const launcher =
  /^\S*(npm|npx|pnpm|pnpx|yarn|bunx)(\.cmd|\.js|-cli\.js)?\b|(npm|npx)-cli\.js|^\S*(sh|bash|dash|zsh|cmd(\.exe)?)\s+(-c|\/d|\/c)\s/i;
/** The first process of the system. It takes over the children of processes that ended. */
const firstPid = 1;

/**
 * Resolves when the program that started this process has ended, or with the signal. A program that npx started has npx and a shell
 * between itself and that program: they stay while their child runs, so the parent of each of them is watched.
 */
export async function parentEnd(signal: AbortSignal, table = systemProcesses, everyMs = pollMs): Promise<void> {
  const chain = startersOf(process.pid, process.ppid, table);
  // A child of the first process was started to run by itself, for example by the system.
  if (chain.some(({ parent }) => parent <= firstPid)) chain.length = 0;
  while (!signal.aborted) {
    await pause(everyMs, signal);
    if (chain.some((child) => hasLostParent(child, table))) return;
  }
}

function startersOf(pid: number, parent: number, table: ProcessTable): Child[] {
  const chain: Child[] = [{ pid, parent }];
  for (let next = table.read(parent); next !== undefined && chain.length <= maxLaunchers; ) {
    if (!launcher.test(next.command)) break;
    const child = { pid: chain.at(-1)!.parent, parent: next.parent };
    chain.push(child);
    next = table.read(child.parent);
  }
  return chain;
}

function hasLostParent({ pid, parent }: Child, table: ProcessTable): boolean {
  const now = pid === process.pid ? process.ppid : parent;
  return now !== parent || !table.isAlive(parent) || (isLinux && table.read(pid)?.parent !== parent);
}

const isLinux = process.platform === 'linux';

/** The processes of this system. On Windows only whether a process is alive is known. */
export const systemProcesses: ProcessTable = {
  read(pid) {
    try {
      if (isLinux) return readProc(pid);
      if (process.platform === 'win32') return undefined;
      const text = execFileSync('ps', ['-o', 'ppid=,command=', '-p', String(pid)], { encoding: 'utf8' }).trim();
      const [, parent, command] = /^(\d+)\s+(.*)$/.exec(text) ?? [];
      return parent === undefined || command === undefined ? undefined : { parent: Number(parent), command };
    } catch {
      // It has ended.
      return undefined;
    }
  },
  isAlive(pid) {
    try {
      process.kill(pid, 0);
      return true;
    } catch (error) {
      // A process of another user is alive too.
      return (error as NodeJS.ErrnoException).code === 'EPERM';
    }
  },
};

/** From `proc(5)`. The name of the program stands in parentheses and may contain any character. */
function readProc(pid: number): { parent: number; command: string } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  return { parent, command };
}
