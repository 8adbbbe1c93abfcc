/** Writes in several lanes at once until it is killed, and reports each call before it starts and after it was acknowledged. */
import { allow, type MemoryHandle, MemoryStore } from 'multi-agent-memory';
import { agentOf, type Call, type Line, lanes, namespaceOf, type WriterTask } from '../kill/calls';
import { Contents } from '../kill/contents';
import { Lane } from '../kill/lane';
import { makeCall } from '../kill/make-call';
import { Random } from '../random';
import { say, task } from './said';

const { folder, seed, cycle, exactUpTo, exitAfter = Number.POSITIVE_INFINITY } = task<WriterTask>();
let calls = 0;
let acknowledged = 0;

const tell = (line: Line) => say(line);

async function make(handle: MemoryHandle, lane: Lane, call: Call): Promise<void> {
  const number = calls++;
  tell({ say: 'intent', number, call });
  try {
    const answer = await makeCall(handle, call);
    tell({ say: 'ack', number, answer });
    if (++acknowledged >= exitAfter) process.exit(0);
    lane.learn(call, answer);
  } catch (error) {
    tell({ say: 'refused', number, error: String(error) });
  }
}

tell({ say: 'opening' });
const store = await MemoryStore.open(folder, { access: [allow('everyone', 'writer', ['kill'])], exactUpTo });
tell({ say: 'open' });

async function write(number: number): Promise<void> {
  const random = new Random(seed, cycle, number);
  const namespace = namespaceOf(number);
  const handle = store.as(agentOf(number), { namespace });
  const found = [];
  for await (const memory of store.admin.list({ namespace, include: ['superseded'], limit: 1000 })) found.push(memory);
  const lane = new Lane(number, random, new Contents(random, cycle, number), found);
  for (;;) {
    await Promise.all(lane.next().map((call) => make(handle, lane, call)));
    // Sometimes a reader runs at the same time.
    if (random.chance(0.05)) await handle.recall('lantern', { topK: 3 });
  }
}

await Promise.all(Array.from({ length: lanes }, (_, number) => write(number)));
