/** One node of the demo's cluster, and the agent that works in its process: it stores one finding after the other. */
import { setTimeout as pause } from 'node:timers/promises';
import { allow, MemoryError, MemoryStore } from 'multi-agent-memory';
import type { News, NodeTask, Question } from './messages';

const { agent, folder, cluster } = JSON.parse(process.argv[2] as string) as NodeTask;
const tell = (news: News) => void process.send?.(news);
const access = [allow({ agentId: agent }, 'writer', ['incident'])];
const store = await MemoryStore.open(folder, {
  access: [...access, allow('everyone', 'writer', ['incident'])],
  cluster,
});
const findings = store.as({ agentId: agent }, { namespace: ['incident'] });
let isStopped = false;

/** Stores a finding. If the cluster does not answer, the same call is made again: with the key it is stored only once. */
async function remember(text: string): Promise<void> {
  for (;;) {
    try {
      await findings.remember(text, { idempotencyKey: text });
      return;
    } catch (error) {
      if (!MemoryError.is(error) || !error.retryable) throw error;
      await pause(100);
    }
  }
}

async function work(): Promise<void> {
  // Another start of this process goes on with other numbers.
  const start = Date.now();
  for (let n = 1; !isStopped; n++) {
    const text = `${agent} has checked host ${start}-${n}.`;
    await remember(text);
    tell({ event: 'stored', text });
    await pause(50);
  }
  tell({ event: 'stopped' });
}

process.on('message', async (question: Question) => {
  if (question === 'stop') isStopped = true;
  if (question === 'findings') {
    const texts: string[] = [];
    for await (const { text } of findings.list({ consistency: 'linearizable' })) texts.push(text);
    tell({ event: 'findings', texts });
  }
  if (question === 'close') {
    await store.close();
    process.disconnect();
  }
});

store.on('leader', ({ leader }) => tell({ event: 'leader', id: leader }));
const { id, leader } = await store.cluster.status();
tell({ event: 'open', id });
tell({ event: 'leader', id: leader });
await work();
