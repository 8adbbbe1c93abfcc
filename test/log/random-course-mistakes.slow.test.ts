import { expect, test } from 'vitest';
import { RaftLog, type RaftLogDeps } from '../../src/log/raft-log';
import type { BarrierLevel } from '../../src/log/replicated-log';
import type { RaftLink, RaftUser } from '../../src/raft/node/raft-link';
import { type CourseMistakes, RandomCourse } from './random-course';

const maxSeeds = 60;

class LocalReadLog extends RaftLog {
  override async barrier(_level: BarrierLevel): Promise<void> {}
}

/** A link that differs in some methods. */
function linkWith(
  link: RaftLogDeps['link'],
  change: (user: RaftUser) => { user?: RaftUser; methods?: Partial<RaftLink> },
): RaftLogDeps['link'] {
  let methods: Partial<RaftLink> = {};
  return new Proxy(link, {
    get: (target, name) => {
      if (name === 'start')
        return (user: RaftUser) => {
          const changed = change(user);
          methods = changed.methods ?? {};
          return target.start(changed.user ?? user);
        };
      const own = methods[name as keyof RaftLink] ?? Reflect.get(target, name, target);
      return typeof own === 'function' ? own.bind(target) : own;
    },
  });
}

/** The log tells the outcome of a change of the rules although other nodes may not act on it. */
function answeringAtOnce(deps: RaftLogDeps): RaftLog {
  const link = linkWith(deps.link, (user) => ({
    methods: { requestBarrier: (context) => queueMicrotask(() => user.onBarrier(context)) },
  }));
  return new RaftLog({ ...deps, link });
}

/** The log numbers the frames of each start as if it were the first one. */
function keepingItsStart(deps: RaftLogDeps): RaftLog {
  return new RaftLog({ ...deps, incarnation: { ...deps.incarnation, start: 1 } });
}

/** The log never learns that an entry of it found a gap, nor sends anything again. */
function sendingOnce(deps: RaftLogDeps): RaftLog {
  const sent = new Set<string>();
  const link = linkWith(deps.link, () => ({
    methods: {
      propose: (data) => {
        const key = Buffer.from(data).toString('latin1');
        if (sent.has(key)) return undefined;
        const refusal = deps.link.propose(data);
        if (refusal === undefined) sent.add(key);
        return refusal;
      },
    },
  }));
  return new RaftLog({ ...deps, link });
}

const mistakes: readonly (readonly [string, CourseMistakes])[] = [
  ['says that entries are durable which are only written', { acknowledgesEarly: true }],
  ['serves a linearizable read from its own state', { createLog: (deps) => new LocalReadLog(deps) }],
  ['acknowledges a change of the rules while another node can read without it', { createLog: answeringAtOnce }],
  ['keeps its incarnation when it starts again', { createLog: keepingItsStart }],
  ['sends no frame again', { createLog: sendingOnce }],
];

test.each(mistakes)('A random course notices a node that %s', async (_, mistake) => {
  for (let seed = 1; seed <= maxSeeds; seed++) {
    try {
      await new RandomCourse(seed, mistake).run();
    } catch {
      return;
    }
  }
  expect.fail(`${maxSeeds} seeds have not found it.`);
});
