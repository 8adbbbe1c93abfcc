import { allow, type MemoryHandle, type MemoryStore } from 'multi-agent-memory';
import type { Random } from '../faults/random';

/** The rules under which `operate` works: some of what it asks for is refused. */
export const access = [
  allow({ agentId: 'a' }, 'curator', ['x']),
  allow({ agentId: 'b' }, 'reader', ['x']),
  allow({ agentId: 'c' }, 'writer', ['x', 'y']),
];

/**
 * Makes random calls of several agents, and counts those that were answered or refused: each should have its entry. Calls that
 * come to propose several changes count each.
 */
export async function operate(store: MemoryStore, random: Random, operations: number): Promise<number> {
  const handles = ['a', 'b', 'c', 'd'].map((agentId) => store.as({ agentId }));
  const ids: string[] = [];
  let entries = 0;
  while (entries < operations) {
    const handle = random.pick(handles);
    const calls = Array.from({ length: random.whole(1, 20) }, () => operation(handle, random, ids));
    entries += calls.length;
    for (const outcome of await Promise.allSettled(calls)) {
      if (outcome.status === 'fulfilled' && typeof outcome.value === 'string') ids.push(outcome.value);
    }
    if (ids.length > 300) ids.splice(0, 100);
  }
  return entries;
}

async function operation(handle: MemoryHandle, random: Random, ids: readonly string[]): Promise<unknown> {
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
