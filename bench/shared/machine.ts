import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, loadavg, platform, release, totalmem } from 'node:os';

/** The machine and the commit that produced a set of figures. Figures of different machines do not compare. */
export interface Machine {
  /** The start of the run, in ISO 8601 and UTC. */
  readonly date: string;
  /** The short hash of the commit, with `-dirty` if tracked files differ from it; `unknown` outside a git repository. */
  readonly commit: string;
  readonly cpuModel: string;
  /** Cores that this process may use. */
  readonly cores: number;
  /** Memory of the machine in GiB. */
  readonly memoryGib: number;
  readonly node: string;
  /** How many processes wanted to run in the minute before, from the system's load average. 0 on Windows, which has none. */
  readonly loadBefore: number;
  /** The system with the first two numbers of its release, and the processor architecture. */
  readonly os: string;
}

/** Describes this machine and the checked-out commit. */
export function describeMachine(now: Date): Machine {
  return {
    date: now.toISOString(),
    commit: commitOf(),
    cpuModel: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGib: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    loadBefore: loadavg()[0] ?? 0,
    os: `${platform()} ${release().match(/^\d+\.\d+/)?.[0] ?? ''} ${process.arch}`,
  };
}

function commitOf(): string {
  const git = (...argv: string[]) => execFileSync('git', argv, { encoding: 'utf8', stdio: 'pipe' }).trim();
  try {
    const isDirty = git('status', '--porcelain', '--untracked-files=no') !== '';
    return `${git('rev-parse', '--short', 'HEAD')}${isDirty ? '-dirty' : ''}`;
  } catch {
    return 'unknown';
  }
}
