import { randomBytes } from 'node:crypto';
import { jetStream } from '../src/jetstream/index';
import { RaftLog } from '../src/log/raft-log';
import { systemTiming } from '../src/raft/node/host-timing';
import type { StreamLogAnswer, StreamLogQuestion, StreamLogStart } from './jetstream-log';
import { load } from './shared/log-load';
import { Commands, foundingMembers, stateInFile } from './shared/log-node';

const { folder, node, ...options } = JSON.parse(process.argv[2] ?? '') as StreamLogStart;
const membership = foundingMembers({});
const state = await stateInFile(folder, membership);
const shared = jetStream({ ...options, waitMs: 10_000 });
const timing = systemTiming();
const incarnation = { node, start: 1 };
const connection = await shared.connect({ incarnation, timing, randomBytes });
const { cluster } = connection.founding;
const applied = state.position.index;
const log = new RaftLog({
  link: connection.link({ cluster, applied, membership, mark: undefined, keepMark: () => undefined }),
  cluster,
  incarnation,
  timing,
  apply: (entry) => state.apply(entry),
  install: () => Promise.reject(new Error('The benchmark sends no snapshots.')),
  position: () => state.position.index,
  maxPending: 10_000,
  waitMs: shared.waitMs,
});
await log.start();
const commands = new Commands(`n${node}`);

process.on('message', async (question: StreamLogQuestion) => {
  const answer = await answerTo(question);
  process.send?.(answer);
  if (question.ask === 'end') process.disconnect?.();
});
process.send?.({} satisfies StreamLogAnswer);

async function answerTo(question: StreamLogQuestion): Promise<StreamLogAnswer> {
  switch (question.ask) {
    case 'load':
      return { load: await load(log, commands, question), position: log.position() };
    case 'reach':
      await log.barrier({ after: question.position });
      return {};
    case 'end':
      await log.close();
      return {};
  }
}
