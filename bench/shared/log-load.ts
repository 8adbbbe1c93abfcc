import type { ReplicatedLog } from '../../src/log/replicated-log';
import { quantile } from './figures';
import type { Commands } from './log-node';

/** Callers that write one command after the other. */
export interface Load {
  readonly callers: number;
  readonly count: number;
}

/** What a load has measured. */
export interface LoadFigures {
  readonly perSecond: number;
  readonly p50Ms: number;
  /** The processor time of this process, a command. */
  readonly cpuUs: number;
}

/** Writes with some callers, each of whom waits for its own outcome. */
export async function load(log: ReplicatedLog, commands: Commands, { callers, count }: Load): Promise<LoadFigures> {
  const ms: number[] = [];
  let left = count;
  const before = process.cpuUsage();
  const began = performance.now();
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (left-- > 0) {
        const asked = performance.now();
        await log.propose(commands.next());
        ms.push(performance.now() - asked);
      }
    }),
  );
  const elapsed = performance.now() - began;
  const { user, system } = process.cpuUsage(before);
  return { perSecond: count / (elapsed / 1_000), p50Ms: quantile(ms, 0.5), cpuUs: (user + system) / count };
}
