import { randomBytes } from 'node:crypto';
import { SegmentStorage } from '../src/raft/storage/segment-storage';
import { TcpTransport } from '../src/raft/transport/tcp-transport';
import type { LogAnswer, LogNodeStart, LogQuestion } from './cluster-log';
import { load } from './shared/log-load';
import { Commands, EmptyState, foundingMembers, startLogNode, stateInFile } from './shared/log-node';

const { folder, index, addresses, applies, secret } = JSON.parse(process.argv[2] ?? '') as LogNodeStart;
const membership = foundingMembers(addresses);
const storage = await SegmentStorage.open({ folder: `${folder}/raft`, randomBytes });
const { node: id, start } = storage.identity;
const [host, port] = (addresses[id] ?? '').split(':');
const transport = new TcpTransport({ listen: { host: host ?? '', port: Number(port) }, secret, randomBytes });
const state = applies ? await stateInFile(folder, membership) : new EmptyState();
const node = await startLogNode({ id, start, storage, transport, membership, state });
const commands = new Commands(`n${index}-${start}`);

process.on('message', async (question: LogQuestion) => {
  const answer = await answerTo(question);
  process.send?.(answer);
  if (question.ask === 'end') process.disconnect?.();
});
process.send?.({} satisfies LogAnswer);

async function answerTo(question: LogQuestion): Promise<LogAnswer> {
  switch (question.ask) {
    case 'leads':
      return { leads: node.host.status().role === 'leader' && node.host.hasReadLease };
    case 'cpu': {
      const { user, system } = process.cpuUsage();
      return { cpuUs: user + system };
    }
    case 'load':
      return { load: await load(node.log, commands, question) };
    case 'gap':
      return { gapMs: await longestGap(question.ms) };
    case 'transfer':
      await node.host.transfer();
      return {};
    case 'end':
      await node.log.abort();
      return {};
  }
}

/** The longest time between two answers to one caller, who writes for this long. */
async function longestGap(ms: number): Promise<number> {
  const end = performance.now() + ms;
  let longest = 0;
  for (let last = performance.now(); last < end; ) {
    await node.log.propose(commands.next());
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }
  return longest;
}
