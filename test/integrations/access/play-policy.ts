import { deepEqual, equal } from 'node:assert/strict';
import { allow, clear, type MemoryHandle, MemoryStore, type RuleInForce } from 'multi-agent-memory';
import type { Case, Seed } from '../../access/cases';
import { isGroup, isRole } from '../../access/governing';
import { type Labels, Reference, type Who } from '../../access/reference';
import { namespaces, tags } from '../../access/vocabulary';
import type { Adapter } from './adapter';
import { adapterMemory } from './adapter-fixtures';

interface Played {
  readonly adapter: Adapter;
  readonly store: MemoryStore;
  readonly reference: Reference;
  readonly memories: readonly Seed[];
}

/** Applies the policy of one case and compares an adapter with the reference. Resolves to the number of comparisons. */
export async function play(adapter: Adapter, { memories, policy, readers, bound }: Case): Promise<number> {
  const store = await MemoryStore.inMemory();
  try {
    await seed(store, memories);
    for (const each of policy) await declare(store, each);
    const played: Played = { adapter, store, reference: new Reference(policy), memories };
    let answers = 0;
    for (const [i, who] of readers.entries()) answers += await compareReads(played, who, i === 0 ? bound : undefined);
    for (const who of readers) answers += (await compareWrites(played, who)) + (await compareForgets(played, who));
    equal((await store.stats()).recheckRejected, 0, 'records that only the second access check has stopped');
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
    const { text, ...options } = adapterMemory(number);
    const handle = author === 'root' ? store.admin : store.as(author);
    await handle.remember(text, { ...options, namespace, visibility, accessTags });
  }
  for (const { id } of rules) await store.admin.access.end(id);
}

function declare({ admin: { access } }: MemoryStore, each: Case['policy'][number]): Promise<RuleInForce> {
  if (isRole(each)) return access.role(each.role, each.actions);
  if (isGroup(each)) return access.group(each.group, each.members);
  if ('ceiling' in each) return access.ceiling(each.to, each.ceiling, each.at);
  if ('retain' in each) throw new Error('The policies have no retentions.');
  return 'clear' in each
    ? access.clear(each.to, each.clear, each.at)
    : access[each.effect](each.to, each.actions, each.at);
}

async function compareReads(
  { adapter, store, reference, memories }: Played,
  who: Who,
  bound: readonly string[] | undefined,
): Promise<number> {
  const handle = handleOf(store, who, bound);
  const visible = memories.flatMap((labels, number) =>
    (bound === undefined || reference.holds(bound, labels.namespace)) && reference.mayRead(who, labels) ? [number] : [],
  );
  for (const { name, read } of adapter.readers) {
    // LangGraph has no empty namespace, so memories at the root of a store are not items.
    const items = visible.filter((number) => memories[number]?.namespace.length !== (bound ?? []).length);
    const expected = name.startsWith('store.') ? items : visible;
    const found = await read(handle);
    deepEqual(found.sort(order), expected, `${name} for ${JSON.stringify(who)} in ${JSON.stringify(bound)}`);
  }
  return adapter.readers.length;
}

/** Each write must be allowed exactly if the reference allows it, and only then add a memory. */
async function compareWrites({ adapter, store, reference }: Played, who: Who): Promise<number> {
  const handle = handleOf(store, who, undefined);
  let answers = 0;
  for (const { name, keyed, canName, write } of adapter.writers) {
    for (const namespace of namespaces.filter(canName)) {
      const labels: Labels = { namespace, visibility: 'shared', accessTags: [], author: who };
      const may = reference.mayRemember(who, labels, keyed ? 'key' : undefined);
      const where = `${name} by ${JSON.stringify(who)} in ${JSON.stringify(namespace)}`;
      const before = await store.admin.count({ namespace });
      equal(await write(handle, namespace), may, `the result of ${where}`);
      equal(await store.admin.count({ namespace }), before + (may ? 1 : 0), where);
      answers++;
    }
  }
  return answers;
}

/** Each memory must be forgotten exactly if the reference allows it. An unreadable memory looks as if it did not exist. */
async function compareForgets({ adapter, store, reference, memories }: Played, who: Who): Promise<number> {
  const handle = handleOf(store, who, undefined);
  for (const [number, seeded] of memories.entries()) {
    const memory = (await store.admin.list({ filter: { metadata: { number } } })).items[0];
    if (memory === undefined) continue;
    const isAllowed = await adapter.forget(handle, memory.id);
    const isThere = (await store.admin.get(memory.id)) !== undefined;
    const mayForget = reference.mayChange(who, 'forget', seeded);
    equal(isThere, !mayForget, `what ${JSON.stringify(who)} forgot of ${number}`);
    equal(isAllowed, mayForget || !reference.mayRead(who, seeded), `the result of forgetting ${number}`);
  }
  return memories.length;
}

function handleOf(store: MemoryStore, who: Who, bound: readonly string[] | undefined): MemoryHandle {
  const scope = bound === undefined ? {} : { namespace: bound };
  return who === 'root' ? store.admin.within(scope) : store.as(who, scope);
}

function order(a: number, b: number): number {
  return a - b;
}
