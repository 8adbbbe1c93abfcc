import { configurationOf } from '../../src/raft/core/configuration';
import { noBytes } from '../../src/raft/core/entry';
import type { PeerMessage } from '../../src/raft/core/messages';
import { RaftNode } from '../../src/raft/core/raft-node';
import { MemoryStorage } from '../../src/raft/storage/memory-storage';

// What the core costs a command, in processor time: three nodes in one thread, from the proposal to the commit on all three, without
// disk, network, codec and state machine. Run: npx tsx test/raft/measure.ts

const voters = [1, 2, 3];
const bytes = 2_300;

interface Cost {
  /** Processor time of everything, in us a command. */
  readonly all: number;
  /** Time within the calls of the leader and of one follower, in us a command. On a busy machine the lowest of several runs counts. */
  readonly leader: number;
  readonly follower: number;
}

function measure(batch: number, commands: number): Cost {
  const first = { index: 1, term: 1, configuration: configurationOf(voters), data: noBytes };
  const storages = voters.map(() => new MemoryStorage(first));
  const nodes = voters.map((id, at) => new RaftNode({ id, storage: storages[at]!, seed: id }));
  const applied = voters.map(() => 0);
  const spent = voters.map(() => 0);
  const timed = <T>(at: number, call: () => T): T => {
    const start = performance.now();
    const result = call();
    spent[at]! += performance.now() - start;
    return result;
  };
  const settle = (): void => {
    for (let isBusy = true; isBusy; ) {
      isBusy = false;
      const sent: PeerMessage[] = [];
      for (const [at, node] of nodes.entries()) {
        if (!node.hasReady) continue;
        isBusy = true;
        const ready = timed(at, () => node.ready());
        if (ready.hardState !== undefined) storages[at]!.setHardState(ready.hardState);
        storages[at]!.append(ready.entries);
        sent.push(...ready.messages, ...ready.messagesAfterSync);
        for (const entry of ready.committed) if (entry.kind === 'normal' && entry.data.length > 0) applied[at]! += 1;
        timed(at, () => node.advance());
      }
      for (const message of sent) timed(message.to - 1, () => nodes[message.to - 1]!.step(message));
    }
  };
  const run = (count: number): void => {
    for (let done = 0; done < count; done += batch) {
      const data = Array.from({ length: batch }, () => new Uint8Array(bytes));
      timed(0, () => nodes[0]!.propose(data));
      settle();
      // The log is purged as it would be behind a snapshot, so that memory stays level.
      if ((done / batch) % 64 !== 63) continue;
      for (const [at, node] of nodes.entries()) {
        const { applied: index } = node.status();
        const term = storages[at]!.term(index)!;
        storages[at]!.saveSnapshot({ ...first, index, term });
        storages[at]!.purge(index);
      }
    }
  };
  nodes[0]!.campaign();
  settle();
  run(batch * 2_000);
  const [before, start] = [applied[0]!, process.cpuUsage()];
  spent.fill(0);
  run(commands);
  const { user, system } = process.cpuUsage(start);
  if (applied.some((count) => count !== applied[0]))
    throw new Error('The nodes applied different numbers of commands.');
  const [count, us] = [applied[0]! - before, spent.map((ms) => ms * 1_000)];
  return { all: (user + system) / count, leader: us[0]! / count, follower: us[1]! / count };
}

for (const [batch, commands] of [
  [1, 40_000],
  [64, 400_000],
] as const) {
  const runs = [1, 2, 3, 4, 5].map(() => measure(batch, commands));
  const lowest = (part: keyof Cost) => Math.min(...runs.map((run) => run[part])).toFixed(2);
  console.log(
    `batch of ${batch}: ${lowest('all')} us a command on three nodes together with this script; ` +
      `leader ${lowest('leader')}, each follower ${lowest('follower')}`,
  );
}
