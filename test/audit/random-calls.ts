import { allow, type MemoryHandle, type MemoryStore } from 'multi-agent-memory';
import type { Random } from '../faults/random';

/** Rules for `makeRandomCalls`. They refuse some of its calls. */
export const access = [
  allow({ agentId: 'a' }, 'curator', ['x']),
  allow({ agentId: 'b' }, 'reader', ['x']),
  allow({ agentId: 'c' }, 'writer', ['x', 'y']),
];

/** Makes at least this many random calls of several agents. Returns how many it made, each of which must have an entry. */
export async function makeRandomCalls(store: MemoryStore, random: Random, count: number): Promise<number> {
  const handles = ['a', 'b', 'c', 'd'].map((agentId) => store.as({ agentId }));
  const ids: string[] = [];
  let made = 0;
  while (made < count) {
    const handle = random.pick(handles);
    const calls = Array.from({ length: random.whole(1, 20) }, () => randomCall(handle, random, ids));
    made += calls.length;
    for (const outcome of await Promise.allSettled(calls)) {
      if (outcome.status === 'fulfilled' && typeof outcome.value === 'string') ids.push(outcome.value);
    }
    if (ids.length > 300) ids.splice(0, 100);
  }
  return made;
}

async function randomCall(handle: MemoryHandle, random: Random, ids: readonly string[]): Promise<unknown> {
  const namespace = random.pick([['x'], ['x', 'y'], ['z']]);
  const id = ids.length === 0 ? 'none' : random.pick(ids);
  const die = random.whole(0, 99);
  if (die < 20) return (await handle.remember(`Note ${die}`, { namespace, embed: false })).id;
  if (die < 55) return void (await handle.get(id));
  if (die < 65) return void (await handle.recall('note', { namespace, mode: 'keyword', topK: 3 }));
  if (die < 70) return void (await handle.list({ namespace, limit: 5 }));
  if (die < 75) return void (await handle.count({ namespace }));
  if (die < 80) return void (await handle.history(id));
  if (die < 85) return void (await handle.update(id, { priority: random.share() }));
  if (die < 90) return void (await handle.forget(id));
  if (die < 95) return void (await handle.share(id, { namespace: ['x', 'y'] }));
  return void (await handle.get(''));
}
