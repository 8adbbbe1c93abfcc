import {
  type Action,
  allow,
  clear,
  type Declaration,
  deny,
  group,
  type Memory,
  MemoryError,
  type MemoryHandle,
  type MemoryStore,
  type Namespace,
  role,
} from 'multi-agent-memory';
import { type Labels, Reference, type Who } from '../access/reference';
import type { Library } from '../worlds/library';
import { heardSince } from '../worlds/told';

const declarations: readonly Declaration[] = [
  // Rules, clearances, groups and roles of each kind, each of which decides something by itself.
  group('team', [{ agentId: 'ann' }, { userId: 'bob' }]),
  role('keeper', ['read', 'share', 'forget']),
  allow({ group: 'team' }, 'writer', ['acme']),
  allow({ agentId: 'ann' }, 'keeper', ['other']),
  allow({ userId: 'uma' }, 'reader', ['acme']),
  allow({ userId: 'uma' }, ['write', 'share'], ['acme', 'sales']),
  allow({ agentId: 'ann' }, ['share'], ['acme', 'sales']),
  allow({ agentId: 'bob' }, ['read'], ['acme-corp']),
  allow({ agentId: 'wes' }, 'curator', []),
  allow('everyone', ['write'], ['box']),
  deny({ agentId: 'ann' }, ['read'], ['acme', 'vip']),
  deny({ userId: 'bob' }, ['write'], ['acme', 'sales']),
  deny({ agentId: 'wes' }, ['update'], ['acme', 'vip']),
  deny({ agentId: 'wes' }, ['forget'], ['other']),
  clear({ agentId: 'ann' }, 'pii', ['acme']),
  clear({ userId: 'uma' }, 'pii', ['acme', 'sales']),
  clear({ group: 'team' }, 'secret', ['acme', 'sales']),
  clear({ agentId: 'wes' }, 'pii', []),
  clear({ agentId: 'wes' }, 'secret', ['acme']),
];
const namespaces: readonly Namespace[] = [
  ['acme'],
  ['acme', 'sales'],
  ['acme', 'vip'],
  ['acme-corp'],
  ['other'],
  ['box'],
];
const tagSets: readonly (readonly string[])[] = [[], ['pii'], ['pii', 'secret']];
const ann = { agentId: 'ann' };
const actors: readonly Who[] = [
  ann,
  { ...ann, onBehalfOf: { userId: 'uma' } },
  { ...ann, onBehalfOf: { userId: 'bob' } },
  { userId: 'uma' },
  { userId: 'bob' },
  { userId: 'ann' },
  { serviceId: 'ann' },
  { agentId: 'bob' },
  { agentId: 'wes' },
  'root',
];

interface Known {
  readonly id: string;
  readonly key: string;
  readonly labels: Labels;
}

/** Where the store and the reference differ: a leak, or a false denial. */
type Complaint = string;

/**
 * Every path of every actor over a grid of labels, against the reference: what it reads, and with which code each change is
 * refused. Throws at the first difference.
 */
export async function compareGrid({ inMemory }: Library): Promise<void> {
  const store = await inMemory({ access: declarations });
  try {
    const reference = new Reference(declarations);
    const memories = await filled(store);
    for (const who of actors) {
      const handle = handleOf(store, who);
      const complaint = await complaintOf(handle, who, reference, memories);
      if (complaint !== undefined) throw new Error(`${JSON.stringify(who)}: ${complaint}`);
    }
    const { recheckRejected } = await store.stats();
    if (recheckRejected > 0) throw new Error(`recheckRejected: ${recheckRejected}`);
  } finally {
    await store.close();
  }
}

/**
 * What recall and list hand out, against the reference: whatever the filter before it let through, only the check on the way out
 * can stop it. Throws at the first leak.
 */
export async function compareHits({ inMemory }: Library): Promise<void> {
  const store = await inMemory({ access: declarations });
  try {
    const reference = new Reference(declarations);
    const memories = await filled(store);
    for (const who of actors) {
      const handle = handleOf(store, who);
      const readable = new Set(memories.filter(({ labels }) => reference.mayRead(who, labels)).map(({ id }) => id));
      const found = await every(handle.list({ limit: 5 }));
      for (const mode of ['hybrid', 'semantic', 'keyword'] as const) {
        found.push(...(await handle.recall('note', { mode, topK: 500, distinct: false })));
      }
      const leak = found.find(({ id }) => !readable.has(id));
      if (leak !== undefined) throw new Error(`${JSON.stringify(who)} gets ${JSON.stringify(leak)}`);
    }
  } finally {
    await store.close();
  }
}

function handleOf(store: MemoryStore, who: Who): MemoryHandle {
  return who === 'root' ? store.admin : store.as(who);
}

/** Everybody may write everywhere for a while. */
async function filled(store: MemoryStore): Promise<Known[]> {
  const { access } = store.admin;
  const opened = [await access.allow('everyone', 'curator', [])];
  for (const tag of ['pii', 'secret']) opened.push(await access.clear('everyone', tag, []));
  for (const at of namespaces) opened.push(await access.allow('everyone', 'curator', at));
  const memories: Known[] = [];
  const authors = [actors[0], actors[1], actors[8]] as Who[];
  // What is denied stays denied: the host writes what others may not, and shares it.
  for (const namespace of namespaces) {
    for (const accessTags of tagSets) {
      for (const author of authors) {
        for (const visibility of ['shared', 'private'] as const) {
          const key = `k${memories.length}`;
          const options = { namespace, accessTags, visibility, key };
          const stored = await handleOf(store, author)
            .remember(`note ${memories.length}`, options)
            .catch(() => undefined);
          if (stored !== undefined) memories.push({ id: stored.id, key, labels: { ...options, author } });
        }
      }
    }
  }
  for (const { id } of opened) await access.end(id);
  return memories;
}

async function complaintOf(
  handle: MemoryHandle,
  who: Who,
  reference: Reference,
  memories: readonly Known[],
): Promise<Complaint | undefined> {
  const readable = memories.filter(({ labels }) => reference.mayRead(who, labels));
  return (
    (await readComplaint(handle, who, reference, readable)) ??
    (await singleComplaint(handle, readable, memories)) ??
    (await changeComplaint(handle, who, reference, memories)) ??
    (await writeComplaint(handle, who, reference))
  );
}

async function readComplaint(handle: MemoryHandle, who: Who, reference: Reference, readable: readonly Known[]) {
  const ids = idsOf(readable);
  const forgettable = readable.filter(({ labels }) => reference.mayChange(who, 'forget', labels));
  const held = new Set(readable.map(({ labels }) => JSON.stringify(labels.namespace)));
  const dry = await handle.forgetWhere({ filter: { kind: 'episodic' } }, { dryRun: true });
  const heard = (await heardSince(handle, 'start')).filter(({ memory }) => memory?.kind === 'episodic');
  const answers: [string, unknown, unknown][] = [
    ['list', idsOf(await every(handle.list({ limit: 5 }))), ids],
    ['count', await handle.count(), ids.length],
    ['stats', await handle.stats(), { memories: ids.length, namespaces: held.size }],
    [
      'namespaces',
      (await handle.namespaces()).map(({ namespace }) => JSON.stringify(namespace)).sort(),
      [...held].sort(),
    ],
    ['forgetWhere', [dry.matched, dry.ids.toSorted()], [ids.length, idsOf(forgettable)]],
    ['watch', idsOf(heard), ids],
  ];
  for (const mode of ['hybrid', 'semantic', 'keyword'] as const) {
    answers.push([`recall ${mode}`, idsOf(await handle.recall('note', { mode, topK: 500, distinct: false })), ids]);
    const filtered = await handle.recall('note', {
      mode,
      topK: 500,
      distinct: false,
      filter: { priority: { gte: 0 } },
    });
    answers.push([`recall ${mode} with a filter`, idsOf(filtered), ids]);
    const recent = await handle.recall('note of today', { mode, topK: 500, distinct: false });
    answers.push([`recall ${mode} of a day`, idsOf(recent), ids]);
    const few = await handle.recall('note 1', { mode, topK: 2 });
    answers.push([`recall ${mode} of a few`, few.length, Math.min(2, ids.length)]);
  }
  return differing(answers);
}

async function singleComplaint(handle: MemoryHandle, readable: readonly Known[], memories: readonly Known[]) {
  const seen = new Set(idsOf(readable));
  const answers: [string, unknown, unknown][] = [];
  for (const { id, key, labels } of memories) {
    const { namespace } = labels;
    answers.push([`get ${show(labels)}`, (await handle.get(id)) !== undefined, seen.has(id)]);
    answers.push([`get by key ${show(labels)}`, (await handle.get({ namespace, key })) !== undefined, seen.has(id)]);
    answers.push([`history ${show(labels)}`, (await handle.history(id)).length, seen.has(id) ? 1 : 0]);
  }
  return differing(answers);
}

/** Changes that rely on a revision that never was: whoever may make them hears so. */
async function changeComplaint(handle: MemoryHandle, who: Who, reference: Reference, memories: readonly Known[]) {
  const stale = { ifRevision: 99 };
  const answers: [string, unknown, unknown][] = [];
  const first = actors.indexOf(who) % 3;
  for (const { id, key, labels } of memories.filter((_, i) => i % 3 === first)) {
    const seen = reference.mayRead(who, labels);
    const codeIf = (allowed: boolean) => (!seen ? 'NOT_FOUND' : allowed ? 'REVISION_CONFLICT' : 'FORBIDDEN');
    const may = (action: Action) => reference.mayTo(who, action, labels);
    const told = async (what: string, call: Promise<unknown>, expected: string) => {
      answers.push([`${what} ${show(labels)}`, await codeOf(call), expected]);
    };
    await told('update', handle.update(id, { priority: 1 }, stale), codeIf(may('update')));
    await told('forget', handle.forget(id, stale), seen ? codeIf(may('forget')) : 'false');
    for (const change of [
      { namespace: ['acme', 'sales'] },
      { namespace: ['other'] },
      { accessTags: [] },
      { accessTags: ['secret'] },
      { visibility: 'private' as const },
      { visibility: 'shared' as const },
    ]) {
      const asksPrivate = 'visibility' in change && change.visibility === 'private';
      const allowed = reference.mayShare(who, labels, { ...labels, ...change }, asksPrivate, key);
      await told(`share to ${JSON.stringify(change)}`, handle.share(id, change, stale), codeIf(allowed));
    }
  }
  return differing(answers);
}

const expired = { expiresAt: new Date(0), kind: 'semantic' as const, embed: false as const };

async function writeComplaint(handle: MemoryHandle, who: Who, reference: Reference) {
  const answers: [string, unknown, unknown][] = [];
  for (const namespace of namespaces) {
    for (const accessTags of tagSets) {
      for (const key of [undefined, 'mine']) {
        const labels: Labels = { namespace, accessTags, visibility: 'private', author: who };
        const expected = reference.mayRemember(who, labels, key) ? 'true' : 'FORBIDDEN';
        // What is left behind expired long ago.
        const options = { namespace, accessTags, visibility: 'private' as const, ...expired };
        const call = handle.remember('draft', key === undefined ? options : { ...options, key });
        answers.push([`remember ${show(labels)} ${key}`, await codeOf(call), expected]);
      }
    }
  }
  return differing(answers);
}

function differing(answers: readonly [string, unknown, unknown][]): Complaint | undefined {
  for (const [what, found, expected] of answers) {
    const [a, b] = [JSON.stringify(found), JSON.stringify(expected)];
    if (a !== b) return `${what} gives ${a}, and should ${b}`;
  }
  return undefined;
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    return String((await call) !== false);
  } catch (error) {
    if (MemoryError.is(error)) return error.code;
    throw error;
  }
}

function idsOf(list: readonly { readonly id: string }[]): string[] {
  return list.map(({ id }) => id).sort();
}

function show({ namespace, accessTags, visibility, author }: Labels): string {
  return `${JSON.stringify([namespace, accessTags, visibility, author])}`;
}

async function every(list: AsyncIterable<Memory>): Promise<Memory[]> {
  const found: Memory[] = [];
  for await (const each of list) found.push(each);
  return found;
}
