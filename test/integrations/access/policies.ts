import { deepEqual, equal } from 'node:assert/strict';
import { allow, clear, MemoryError, type MemoryHandle, MemoryStore, type RuleInForce } from 'multi-agent-memory';
import { MemoryHandleVectorStore, rememberTool } from 'multi-agent-memory/langchain';
import { MemoryHandleStore } from 'multi-agent-memory/langgraph';
import type { Case, Seed } from '../../access/cases';
import { isGroup, isRole } from '../../access/governing';
import { type Labels, Reference, type Who } from '../../access/reference';
import { namespaces, tags } from '../../access/vocabulary';
import { ways, written } from './adapters';

/** Plays the memories and the policy of one case, and asks for them through every adapter. Resolves to the number of answers. */
export async function play({ memories, policy, readers, bound }: Case): Promise<number> {
  const store = await MemoryStore.inMemory();
  try {
    await seed(store, memories);
    for (const each of policy) await declare(store, each);
    const reference = new Reference(policy);
    let answers = 0;
    for (const [i, who] of readers.entries())
      answers += await look(store, reference, memories, who, i === 0 ? bound : undefined);
    for (const who of readers) answers += await write(store, reference, memories, who);
    equal((await store.stats()).recheckRejected, 0, 'records that only the second check stopped');
    return answers;
  } finally {
    await store.close();
  }
}

async function seed(store: MemoryStore, memories: readonly Seed[]): Promise<void> {
  const rules: RuleInForce[] = [];
  for (const each of [allow('everyone', 'administrator', []), ...tags.map((tag) => clear('everyone', tag, []))])
    rules.push(await declare(store, each));
  for (const [number, { author, namespace, visibility, accessTags }] of memories.entries()) {
    const { text, ...options } = written(number);
    const handle = author === 'root' ? store.admin : store.as(author);
    await handle.remember(text, { ...options, namespace, visibility, accessTags });
  }
  for (const { id } of rules) await store.admin.access.end(id);
}

function declare({ admin: { access } }: MemoryStore, each: Case['policy'][number]): Promise<RuleInForce> {
  if (isRole(each)) return access.role(each.role, each.actions);
  if (isGroup(each)) return access.group(each.group, each.members);
  return 'clear' in each
    ? access.clear(each.to, each.clear, each.at)
    : access[each.effect](each.to, each.actions, each.at);
}

async function look(
  store: MemoryStore,
  reference: Reference,
  memories: readonly Seed[],
  who: Who,
  bound: readonly string[] | undefined,
): Promise<number> {
  const handle = handleOf(store, who, bound);
  const visible = memories.flatMap((labels, number) =>
    (bound === undefined || reference.holds(bound, labels.namespace)) && reference.mayRead(who, labels) ? [number] : [],
  );
  for (const { name, see } of ways) {
    // An item lies below the root of its store: what lies at the root itself is none.
    const items = visible.filter((number) => memories[number]?.namespace.length !== (bound ?? []).length);
    const expected = name.startsWith('store.') ? items : visible;
    const found = await see(handle);
    deepEqual(found.sort(order), expected, `${name} for ${JSON.stringify(who)} in ${JSON.stringify(bound)}`);
  }
  return ways.length;
}

/** What is written and forgotten through adapters is what may be. */
async function write(store: MemoryStore, reference: Reference, memories: readonly Seed[], who: Who): Promise<number> {
  const handle = handleOf(store, who, undefined);
  const items = new MemoryHandleStore(handle);
  const vectors = new MemoryHandleVectorStore(handle);
  const named = namespaces.filter((each) => each.length > 0 && !each.some((label) => label.includes('\0')));
  for (const [i, namespace] of named.entries()) {
    const labels: Labels = { namespace, visibility: 'shared', accessTags: [], author: who };
    const put = await refusalOf(() => items.put([...namespace], `new ${JSON.stringify([who, i])}`, { i }));
    equal(
      put,
      reference.mayRemember(who, labels, 'key') ? undefined : 'FORBIDDEN',
      `put in ${JSON.stringify(namespace)}`,
    );
    const told = await refusalOf(() => rememberTool(handle.within({ namespace })).invoke({ text: 'noted' }));
    equal(told, reference.mayRemember(who, labels, undefined) ? undefined : 'FORBIDDEN', 'remember');
  }
  for (const [number, seed] of memories.entries()) {
    const memory = (await store.admin.list({ filter: { metadata: { number } } })).items[0];
    if (memory === undefined) continue;
    const refused = await refusalOf(() => vectors.delete({ ids: [memory.id] }));
    const isThere = (await store.admin.get(memory.id)) !== undefined;
    // What may not be read is not there to be deleted.
    const mayForget = reference.mayChange(who, 'forget', seed);
    equal(isThere, !mayForget, `delete of ${number} by ${JSON.stringify(who)}`);
    equal(
      refused,
      mayForget || !reference.mayRead(who, seed) ? undefined : 'FORBIDDEN',
      `the answer to delete of ${number}`,
    );
  }
  return 2 * named.length + memories.length;
}

async function refusalOf(call: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await call();
    return undefined;
  } catch (error) {
    if (MemoryError.is(error)) return error.code;
    throw error;
  }
}

function handleOf(store: MemoryStore, who: Who, bound: readonly string[] | undefined): MemoryHandle {
  const scope = bound === undefined ? {} : { namespace: bound };
  return who === 'root' ? store.admin.within(scope) : store.as(who, scope);
}

function order(a: number, b: number): number {
  return a - b;
}
