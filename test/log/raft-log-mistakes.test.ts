import { AssertionError } from 'node:assert';
import { describe, expect, test } from 'vitest';
import type { Command, Outcome } from '../../src/domain/command';
import type { LogEntry } from '../../src/domain/frame';
import { RaftLog, type RaftLogDeps } from '../../src/log/raft-log';
import type { BarrierLevel } from '../../src/log/replicated-log';
import { replicatedLogConformance } from './log-conformance';
import { peersConformance } from './peers-conformance';
import { type EntryTarget, RaftCluster } from './raft-cluster';
import { numberOf, type RecordedState } from './recorded-state';

/** A mistake in the logs of peers, with the case that must notice it. */
interface Mistake {
  readonly mistake: string;
  readonly noticedBy: string;
  readonly createLog?: (deps: RaftLogDeps) => RaftLog;
  readonly changeTarget?: (target: EntryTarget) => EntryTarget;
}

class HastyLog extends RaftLog {
  override async propose(command: Command): Promise<Outcome> {
    super.propose(command).catch(() => undefined);
    const id = `memory-${numberOf(command)}`;
    return { ok: true, type: 'remember', remembered: [{ id, revision: 1, outcome: 'stored' }] };
  }
}

class LocalReadLog extends RaftLog {
  override barrier(_level: BarrierLevel): Promise<void> {
    return super.barrier('session');
  }
}

/** A target that gives frames other numbers, as if it did not compare them with the last one. */
function renumbered(target: EntryTarget, isWrong: (number: number, next: number) => boolean): EntryTarget {
  const last = new Map<string, number>();
  return changed(target, (entry) => {
    if (entry.frame === undefined) return entry;
    const { node, start } = entry.frame.incarnation;
    const next = (last.get(`${node}/${start}`) ?? 0) + 1;
    const number = isWrong(entry.frame.number, next) ? next : entry.frame.number;
    if (number === next) last.set(`${node}/${start}`, next);
    return { ...entry, frame: { ...entry.frame, number } };
  });
}

function changed(target: EntryTarget, change: (entry: LogEntry) => LogEntry): EntryTarget {
  return { applyEntry: (entry) => target.applyEntry(change(entry)), logPosition: () => target.logPosition() };
}

function skipping(target: EntryTarget): EntryTarget {
  return {
    applyEntry: (entry) => {
      try {
        return target.applyEntry(entry);
      } catch {
        return target.applyEntry({ index: entry.index, term: entry.term });
      }
    },
    logPosition: () => target.logPosition(),
  };
}

const mistakes: readonly Mistake[] = [
  {
    mistake: 'acknowledges a command before it is applied',
    noticedBy: 'answers after a command was applied, not before',
    createLog: (deps) => new HastyLog(deps),
  },
  {
    mistake: 'applies a frame although the one before it is missing',
    noticedBy: 'sends a frame again that was lost before the next one, and keeps the order',
    changeTarget: (target) => renumbered(target, (number, next) => number > next),
  },
  {
    mistake: 'applies a frame again that it has applied',
    noticedBy: 'applies a frame once that reaches the log twice',
    changeTarget: (target) => renumbered(target, (number, next) => number < next),
  },
  {
    mistake: 'skips an entry that it cannot apply',
    noticedBy: 'halts a peer that cannot apply an entry, and goes on with the others',
    changeTarget: skipping,
  },
  {
    mistake: 'keeps its incarnation when it starts again',
    noticedBy: 'accepts commands on a peer that was started again, and numbers its frames anew',
    createLog: (deps) => new RaftLog({ ...deps, incarnation: { ...deps.incarnation, start: 1 } }),
  },
  {
    mistake: 'serves a linearizable read from its own state',
    noticedBy: 'includes in a linearizable read what was acknowledged on any peer before',
    createLog: (deps) => new LocalReadLog(deps),
  },
];

describe('The conformance suite of a log with peers notices a log that', () => {
  test.each(mistakes)('$mistake', async ({ noticedBy, createLog, changeTarget = (target) => target }) => {
    const clusterOf = (states: readonly RecordedState[], seed: number, maxPending = 1_000) =>
      new RaftCluster({
        targets: states.map(changeTarget),
        maxPending,
        seed,
        createLog: createLog ?? ((deps) => new RaftLog(deps)),
      });
    const cases = [
      ...replicatedLogConformance(async ({ state, maxPending }) => clusterOf([state], 1, maxPending).log(1)),
      ...peersConformance(clusterOf),
    ];
    const found = cases.find(({ name }) => name === noticedBy);
    await expect(found?.run()).rejects.toBeInstanceOf(AssertionError);
  });
});
