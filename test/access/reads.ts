import { deepEqual, equal, ok } from 'node:assert/strict';
import { type Memory, type MemoryChange, MemoryError, type MemoryHandle } from 'multi-agent-memory';
import { type Bound, mayList } from './governing';
import type { Labels, Who } from './reference';
import { keys, namespaces } from './vocabulary';
import type { Known, World } from './world';

const include = ['superseded'] as const;

/** A reader with its handle and the scope of this handle, and the model that the store should match. */
export interface Look {
  readonly handle: MemoryHandle;
  readonly who: Who;
  readonly bound: Bound;
  readonly world: World;
}

/** Calls every method that reads, and compares the results with the model. Resolves to the number of calls. */
export async function compareReads(look: Look): Promise<number> {
  const { handle, who, bound, world } = look;
  const visible = world.visible(who, bound);
  const active = visible.filter(({ state }) => state === 'active');
  const events = world.events(who, bound);
  const watching = watch(handle);
  await compareLists(look, active, visible);
  await compareFigures(look, active, visible);
  await compareComparisons(look, active);
  for (const mode of ['hybrid', 'semantic', 'keyword'] as const) {
    const hits = await handle.recall('note', { mode, topK: 1_000, distinct: false, explain: mode === 'hybrid' });
    sameIds(hits, active, `recall, ${mode}`);
    for (const hit of hits) compareMemory(look, hit);
    sameIds(
      await handle.recall('note', { mode, topK: 1_000, distinct: false, include }),
      visible,
      `recall of superseded too, ${mode}`,
    );
  }
  for (const known of world.memories) {
    const memory = await handle.get(known.id);
    equal(memory !== undefined, visible.includes(known), `get ${known.id}`);
    if (memory !== undefined) compareMemory(look, memory);
    await compareShortId(look, known, visible);
    const history = await handle.history(known.id);
    const expected = events.filter(({ id }) => id === known.id);
    deepEqual(history.map(brief), expected.map(brief), `history of ${known.id}`);
    for (const change of history) compareThen(look, change);
  }
  await compareKeys(look, visible);
  const seen = await watching.first(events.length);
  deepEqual(seen.map(brief).sort(), events.map(brief).sort(), 'watch from the start');
  for (const change of seen) compareThen(look, change);
  await compareExport(look, visible);
  await compareRules(look);
  return 28 + keys.length * namespaces.length + 3 * world.memories.length;
}

async function compareLists(look: Look, active: readonly Known[], visible: readonly Known[]): Promise<void> {
  const { handle, who, bound, world } = look;
  const listed: Memory[] = [];
  for await (const memory of handle.list()) listed.push(memory);
  sameIds(listed, active, 'list');
  for (const memory of listed) compareMemory(look, memory);
  const paged: Memory[] = [];
  let cursor: string | undefined;
  do {
    const page = await handle.list({ limit: 3, include, order: 'oldest', ...(cursor === undefined ? {} : { cursor }) });
    paged.push(...page.items);
    ok(page.items.length > 0 || page.nextCursor === undefined, 'an empty page with a cursor');
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  sameIds(paged, visible, 'list in pages');
  // A filter must not find a link that the reader may not see.
  const linked = visible.filter(({ supersededBy }) => world.shownLink(who, bound, supersededBy) !== undefined);
  const filter = { supersededBy: { exists: true } };
  equal(await handle.count({ include, filter }), linked.length, 'count by what superseded it');
  await compareFilters(look, visible);
}

/** Filters that the store evaluates in another place than the access of the reader. */
async function compareFilters({ handle, world }: Look, visible: readonly Known[]): Promise<void> {
  const within = ['acme'];
  const below = visible.filter(({ labels }) => world.reference.holds(within, labels.namespace));
  const byNamespace = { namespace: { startsWith: within } };
  equal(await handle.count({ include, filter: byNamespace }), below.length, 'count below a namespace by a filter');
  const byText = { or: [{ text: { contains: 'o' } }, { not: { text: { contains: 'o' } } }] };
  const listed: Memory[] = [];
  for await (const memory of handle.list({ include, filter: byText })) listed.push(memory);
  sameIds(listed, visible, 'list by text');
  const { id } = world.memories[0] ?? { id: 'none' };
  const byId = { id: { startsWith: id } };
  const found = visible.filter((each) => each.id.startsWith(id));
  equal(await handle.count({ include, filter: byId }), found.length, 'count by the start of an id');
}

async function compareFigures(look: Look, active: readonly Known[], visible: readonly Known[]): Promise<void> {
  const { handle } = look;
  equal(await handle.count(), active.length, 'count');
  equal(await handle.count({ include }), visible.length, 'count of superseded too');
  equal(await handle.count({ asOf: new Date('2040-01-01T00:00:00Z') }), active.length, 'count of what will be true');
  const past = { during: { to: new Date('2040-01-01T00:00:00Z') } };
  equal(await handle.count(past), active.length, 'count of what became true until then');
  const counts = new Map<string, number>();
  for (const { labels } of active) {
    const namespace = JSON.stringify(labels.namespace);
    counts.set(namespace, (counts.get(namespace) ?? 0) + 1);
  }
  const counted = (await handle.namespaces()).map(
    ({ namespace, count }) => [JSON.stringify(namespace), count] as const,
  );
  deepEqual(new Map(counted), counts, 'namespaces');
  const inParts: typeof counted = [];
  for (let after: string[] | undefined; ; ) {
    const part = await handle.namespaces({ limit: 2, ...(after === undefined ? {} : { after }) });
    if (part.length === 0) break;
    for (const { namespace, count } of part) inParts.push([JSON.stringify(namespace), count]);
    after = part.at(-1)?.namespace;
  }
  deepEqual(inParts, counted, 'namespaces in parts');
  deepEqual(await handle.stats(), { memories: active.length, namespaces: counts.size }, 'stats');
  const kinds = { filter: { kind: 'episodic' } };
  equal((await handle.forgetWhere(kinds, { dryRun: true })).matched, visible.length, 'matched by forgetWhere');
}

/** Groups and pairs contain readable memories only, and equal texts with equal labels are in one group. */
async function compareComparisons(look: Look, active: readonly Known[]): Promise<void> {
  const { groups } = await look.handle.duplicates();
  const { conflicts } = await look.handle.conflicts();
  const grouped = groups.flatMap(({ memories }) => memories);
  const ids = new Set(active.map(({ id }) => id));
  for (const memory of [...grouped, ...conflicts.flatMap(({ newer, older }) => [newer, older])]) {
    ok(ids.has(memory.id), `${memory.id} is compared`);
    compareMemory(look, memory);
  }
  for (const { memories } of groups) {
    const places = memories.map(({ namespace, accessTags, visibility }) =>
      JSON.stringify([namespace, [...accessTags].sort(), visibility]),
    );
    equal(new Set(places).size, 1, 'a group has one set of labels');
  }
}

/** A short id finds the only readable memory that it can mean. Its error names readable memories only. */
async function compareShortId({ handle }: Look, { id }: Known, visible: readonly Known[]): Promise<void> {
  const shortId = id.slice(0, -1);
  const meant = visible.filter((each) => each.id.startsWith(shortId)).map((each) => each.id);
  try {
    const found = await handle.get(shortId);
    deepEqual(found === undefined ? [] : [found.id], meant, `get ${shortId}`);
  } catch (error) {
    if (!(MemoryError.is(error) && error.code === 'AMBIGUOUS_ID')) throw error;
    ok(meant.length > 1, `${shortId} is ambiguous`);
    const named = error.message.match(/[0-9a-f-]{36}/g) ?? [];
    ok(named.length > 1 && named.every((each) => meant.includes(each)), `${shortId} is said to mean ${named}`);
  }
}

/** An export of a user has what the user wrote and the reader may read, in whatever state. No memory here is about anybody. */
async function compareExport({ handle, world: { reference } }: Look, visible: readonly Known[]): Promise<void> {
  const written = visible.filter(({ labels: { author } }) =>
    author === 'root' ? false : reference.halves(author).some((each) => 'userId' in each && each.userId === 'uma'),
  );
  const exported: Memory[] = [];
  for await (const line of handle.exportSubject({ userId: 'uma' }, { others: 'named' })) {
    if (line.line === 'memory') exported.push(line.memory);
  }
  sameIds(exported, written, 'export of a user');
}

async function compareRules({ handle, who, bound, world }: Look): Promise<void> {
  const { reference } = world;
  const rules = reference.declarations.filter((each) => mayList(reference, who, each, bound));
  equal((await handle.access.list()).length, rules.length, 'rules listed');
  const [first] = await handle.access.list({ limit: 1 });
  const rest = first === undefined ? [] : await handle.access.list({ limit: 1_000, after: first.id });
  equal((first === undefined ? 0 : 1) + rest.length, rules.length, 'rules listed in parts');
  const within = ['acme'];
  const below = rules.filter((each) => 'at' in each && reference.holds(within, each.at));
  equal((await handle.access.list({ within })).length, below.length, 'rules listed of a namespace');
  // The model does not contain declarations that an earlier `open` made and a later one ended.
  if (world.given.length > 0) return;
  const ended = world.ended.filter((each) => mayList(reference, who, each, bound));
  equal((await handle.access.list({ ended: true })).length, rules.length + ended.length, 'ended rules listed');
}

/** Several memories may have the same key if their tags or authors differ. `get` must return one of those that the reader may read. */
async function compareKeys(look: Look, visible: readonly Known[]): Promise<void> {
  for (const key of keys) {
    for (const namespace of namespaces) {
      const named = visible.filter(
        (known) => known.key === key && JSON.stringify(known.labels.namespace) === JSON.stringify(namespace),
      );
      const found = await look.handle.get({ namespace, key });
      equal(found !== undefined, named.length > 0, `get by key ${key} in ${JSON.stringify(namespace)}`);
      if (found === undefined) continue;
      ok(
        named.some(({ id }) => id === found.id),
        `get by key gave ${found.id}`,
      );
      compareMemory(look, found);
    }
  }
}

function compareMemory({ who, bound, world }: Look, memory: Memory): void {
  const known = world.memories.find(({ id }) => id === memory.id);
  ok(known, `${memory.id} is known`);
  deepEqual(labelled(memory), labelled(known.labels), `labels of ${known.id}`);
  equal(memory.revision, known.revision, `revision of ${known.id}`);
  equal(memory.state, known.state, `state of ${known.id}`);
  equal(memory.supersedes, world.shownLink(who, bound, known.supersedes), `what ${known.id} supersedes`);
  equal(memory.supersededBy, world.shownLink(who, bound, known.supersededBy), `what superseded ${known.id}`);
}

/** Checks that a change shows the memory as it was after the change, and has no links to memories that the reader may not read. */
function compareThen(
  { who, bound, world }: Look,
  { id, revision, memory }: MemoryChange & { revision?: number },
): void {
  if (memory === undefined) return;
  const then = world.happened.find((each) => each.id === id && each.revision === (revision ?? memory.revision));
  ok(then, `${id} had such a revision`);
  deepEqual(labelled(memory), labelled(then.labels), `labels of ${id} then`);
  for (const link of [memory.supersedes, memory.supersededBy]) equal(link, world.shownLink(who, bound, link), 'a link');
}

/** Starts a watch with `since: 'start'` and collects its changes. */
function watch(handle: MemoryHandle) {
  const end = new AbortController();
  const seen: MemoryChange[] = [];
  const watching = (async () => {
    for await (const change of handle.watch({ since: 'start', signal: end.signal })) seen.push(change);
  })();
  return {
    /** Waits for this number of changes, and then a little longer for a change that must not come. */
    async first(count: number): Promise<MemoryChange[]> {
      for (let turn = 0; turn < 200 && seen.length < count; turn++) await new Promise(setImmediate);
      for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
      end.abort();
      await watching;
      return seen;
    },
  };
}

function sameIds(found: readonly { id: string }[], expected: readonly Known[], what: string): void {
  deepEqual(found.map(({ id }) => id).sort(), expected.map(({ id }) => id).sort(), what);
}

function brief({ type, id }: { type: string; id: string }): string {
  return `${id} ${type}`;
}

function labelled({ namespace, accessTags, visibility }: Omit<Labels, 'author'>): object {
  return { namespace: [...namespace], visibility, accessTags: [...new Set(accessTags)].sort() };
}
