import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { pause } from '../environment/timers';

/** A process and the process that started it. */
interface Child {
  readonly pid: number;
  readonly parent: number;
}

/** Reads what the system knows about other processes. */
export interface ProcessTable {
  /** Returns the parent of a process, and its command line. Undefined if they cannot be read. */
  read(pid: number): { readonly parent: number; readonly command: string } | undefined;
  isAlive(pid: number): boolean;
}

const pollMs = 2_000;
// The largest number of launchers that are watched. npx, for example, starts a shell, and the shell starts the program.
const maxLaunchers = 4;
const launcher =
  /^\S*(npm|npx|pnpm|pnpx|yarn|bunx)(\.cmd|\.js|-cli\.js)?\b|(npm|npx)-cli\.js|^\S*(sh|bash|dash|zsh|cmd(\.exe)?)\s+(-c|\/d|\/c)\s/i;
/** The process id of the first process of the system. It becomes the parent of processes whose own parent has ended. */
const firstPid = 1;

/**
 * Resolves when the program that started this process has ended, or when the signal is aborted. If that program used npx, there are
 * npx and a shell between the two. They keep running while this process runs, so the parent of each process in this chain is
 * watched.
 */
export async function parentEnd(signal: AbortSignal, table = systemProcesses, everyMs = pollMs): Promise<void> {
  const chain = startersOf(process.pid, process.ppid, table);
  // A child of the first process was started to run independently, for example by the system, so nothing is watched.
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

/** Reads the processes of this system. On Windows it can only tell whether a process is alive. */
export const systemProcesses: ProcessTable = {
  read(pid) {
    try {
      if (isLinux) return readProc(pid);
      if (process.platform === 'win32') return undefined;
      const text = execFileSync('ps', ['-o', 'ppid=,command=', '-p', String(pid)], { encoding: 'utf8' }).trim();
      const [, parent, command] = /^(\d+)\s+(.*)$/.exec(text) ?? [];
      return parent === undefined || command === undefined ? undefined : { parent: Number(parent), command };
    } catch {
      // The process has ended.
      return undefined;
    }
  },
  isAlive(pid) {
    try {
      process.kill(pid, 0);
      return true;
    } catch (error) {
      // EPERM: the process is alive and belongs to another user.
      return (error as NodeJS.ErrnoException).code === 'EPERM';
    }
  },
};

/** Reads the data of a process as `proc(5)` describes. The name of the program is in parentheses and may contain any character. */
function readProc(pid: number): { parent: number; command: string } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  return { parent, command };
}
