import type { ExportedAuditEntry, Memory, MemoryHandle, MemoryPage } from 'multi-agent-memory';
import { type Cast, writer } from './cast';
import type { Look, SeenDeed } from './deeds';
import { hiddenId } from './ids';
import { pick, type Stage } from './stage';
import { heardSince, told } from './told';

/** The cursors that a reader keeps from one look to the next. */
export interface Notes {
  cursor?: { readonly token: string; readonly look: Look };
  change?: string;
}

const included = ['expired', 'superseded', 'quarantined'] as const;

/** Makes the reads of one look, and returns their answers as texts. */
export async function look({ reader: handle, turns }: Stage, asked: Look, notes: Notes): Promise<string[]> {
  const { query, recall, selection } = asked;
  const answers = [await told(() => handle.recall(query, { ...selection, ...recall, explain: true }))];
  // The cursor from an earlier look continues in the current state.
  if (notes.cursor !== undefined) answers.push(await told(() => pageOf(handle, notes.cursor as never)));
  answers.push(
    await told(async () => {
      const page = await pageOf(handle, { look: asked });
      if (page.nextCursor === undefined) delete notes.cursor;
      else notes.cursor = { token: page.nextCursor, look: asked };
      return page;
    }),
  );
  answers.push(await told(() => handle.count(selection)), await told(() => handle.stats()));
  answers.push(await told(() => handle.namespaces({ maxDepth: 1 })));
  answers.push(
    await told(async () => {
      const changes = await heardSince(handle, notes.change ?? 'start', turns);
      const last = changes.at(-1);
      if (last !== undefined) notes.change = last.cursor;
      return changes;
    }),
  );
  return answers;
}

function pageOf(handle: MemoryHandle, { look: asked, token }: { look: Look; token?: string }): PromiseLike<MemoryPage> {
  const { selection, limit, orderBy, order } = asked;
  return handle.list({ ...selection, limit, orderBy, order, ...(token === undefined ? {} : { cursor: token }) });
}

/** Makes calls that must be refused. The answers must be the same whether or not the hidden memories exist. */
export async function attempt({ reader, seen }: Stage, cast: Cast, deed: SeenDeed): Promise<string[]> {
  const { text, target } = deed;
  const unseen = hiddenId(target % 6);
  const closed = cast.closed[target % cast.closed.length];
  const at = { namespace: closed?.namespace ?? [], accessTags: closed?.accessTags ?? [] };
  const some = pick(seen, target);
  const attempts: (() => PromiseLike<unknown>)[] = [
    () => reader.get(unseen),
    () => reader.get(unseen.slice(0, 8)),
    () => reader.history(unseen),
    () => reader.update(unseen, { text }),
    () => reader.undoConsolidation(unseen),
    () => reader.endorse(unseen, { as: 'reported' }),
    () => reader.derived(unseen),
    () => reader.remember(text, { namespace: ['open'], derivedFrom: [unseen] }),
    () => reader.update(unseen, { text }, { ifRevision: 1 }),
    () => reader.forget(unseen),
    () => reader.share(unseen, { namespace: ['open'] }),
    () => reader.remember(text, { namespace: ['open'], supersedes: unseen }),
    () => reader.remember(text, { ...at, key: 'k1' }),
    () => reader.remember(text, { ...at, idempotencyKey: 'i1' }),
    () => reader.share(some, { ...at, visibility: 'shared' }, { ifRevision: 99 }),
    () => reader.get({ namespace: at.namespace, key: 'k1' }),
    () =>
      reader
        .watch({ since: Buffer.from(unseen).toString('base64url') })
        [Symbol.asyncIterator]()
        .next(),
    () => reader.list({ cursor: Buffer.from(unseen).toString('base64url') }),
    () => reader.forgetWhere({ namespace: at.namespace }, { dryRun: true }),
    () => reader.access.end('rule-0000000000000000'),
    () => reader.access.allow({ group: 'nigh' }, 'nightl', at.namespace),
    () => reader.access.allow({ group: 'nigh' }, 'nightl', ['open', 'eu']),
    () => reader.access.clear({ agentId: 'hal' }, 'secret', at.namespace),
    () => reader.access.explain({ principal: writer, action: 'read', id: unseen }),
    () => reader.access.explain({ principal: writer, action: 'read', namespace: at.namespace }),
    () => reader.access.list({ ended: true }),
  ];
  const first = (target * 7) % attempts.length;
  const tried = [...attempts.slice(first), ...attempts.slice(0, first)].slice(0, 6);
  const answers: string[] = [];
  for (const each of tried) answers.push(await told(each));
  return answers;
}

/** Makes all reads that a reader can make at the end of the script, and returns their answers as texts. */
export async function everything(stage: Stage, cast: Cast): Promise<string[]> {
  const { scope } = stage;
  const handles = [
    stage.reader,
    stage.store.as(cast.reader, { ...scope, namespace: ['open'], tags: ['x'] }),
    stage.store.as(cast.reader, { ...scope, namespace: ['open', 'eu'], userId: 'u1' }),
    stage.store.as(cast.reader, { ...scope, namespace: ['open', 'vip'] }),
  ];
  const answers: string[] = [];
  const ask = async (call: () => PromiseLike<unknown>) => answers.push(await told(call));
  for (const handle of handles) {
    for (const mode of ['hybrid', 'semantic', 'keyword'] as const) {
      await ask(() => handle.recall('apple', { mode, topK: 3, explain: true }));
      await ask(() => handle.recall('banana cherry', { mode, topK: 50, explain: true }));
      await ask(() => handle.recall('damson', { mode, topK: 50, include: included, explain: true }));
    }
    await ask(() => every(handle.list({ limit: 2 })));
    await ask(() => every(handle.list({ include: included, order: 'oldest', limit: 3, orderBy: 'validFrom' })));
    await ask(() => handle.list({ limit: 2 }));
    await ask(() => handle.count({ include: included }));
    await ask(() => handle.list({ filter: { text: { contains: 'apple' } }, include: included }));
    await ask(() => handle.recall('apple', { filter: { not: { text: { contains: 'banana' } } }, topK: 50 }));
    await ask(() => handle.namespaces({ filter: { namespace: { startsWith: ['open'] }, text: { contains: 'a' } } }));
    await ask(() => handle.count({ filter: { or: [{ namespace: ['open', 'eu'] }, { id: { startsWith: '5ee00' } }] } }));
    await ask(() => handle.namespaces());
    await ask(() => handle.namespaces({ limit: 2, after: ['open', 'eu'] }));
    await ask(() => handle.stats());
    await ask(() => handle.withheld());
    await ask(() => handle.duplicates());
    await ask(() => handle.conflicts());
    await ask(() => handle.forgetWhere({ filter: { priority: { gte: 0 } } }, { dryRun: true }));
    await ask(() => heardSince(handle, 'start', stage.turns));
  }
  const [reader] = handles as [MemoryHandle];
  for (const id of [...stage.seen, hiddenId(0), hiddenId(1), hiddenId(2)]) {
    await ask(() => reader.get(id));
    await ask(() => reader.history(id));
    await ask(() => reader.sources(id));
    await ask(() => reader.derived(id));
    for (const length of [8, 13]) await ask(() => reader.get(id.slice(0, length)));
  }
  await ask(() => linesOf(reader, 'u1'));
  await ask(() => linesOf(reader, 'u2'));
  for (const { namespace } of [...cast.open, ...cast.closed]) {
    for (const key of ['k1', 'k2']) await ask(() => reader.get({ namespace, key }));
  }
  await ask(() => reader.access.list({ ended: true }));
  await ask(() => reader.access.list({ limit: 2, after: 'rule-0000000000000000' }));
  for (const id of [...stage.seen, hiddenId(0)]) {
    await ask(() => reader.access.explain({ principal: cast.reader, action: 'update', id }));
    await ask(() => reader.access.explain({ principal: writer, action: 'share', id }));
  }
  if (cast.audits) answers.push(...(await audited(stage.store.as(cast.reader))));
  return answers;
}

async function linesOf(reader: MemoryHandle, userId: string): Promise<unknown[]> {
  const lines: unknown[] = [];
  for await (const line of reader.exportSubject({ userId })) lines.push(line);
  return lines;
}

/** Queries the audit as the reader. Its cursors are encrypted differently each time, so only their lengths are compared. */
async function audited({ audit }: MemoryHandle): Promise<string[]> {
  const answers: string[] = [];
  let cursor: string | undefined;
  for (const question of [
    { limit: 7 },
    { limit: 5, decision: 'refused' as const },
    { userId: 'u1' },
    { id: hiddenId(0) },
  ]) {
    do {
      const page = await audit.query({ ...question, ...(cursor === undefined ? {} : { cursor }) });
      cursor = page.nextCursor;
      answers.push(await told(() => [page.items, cursor?.length]));
    } while (cursor !== undefined);
  }
  const exported: ExportedAuditEntry[] = [];
  for await (const entry of audit.export()) exported.push(entry);
  answers.push(await told(() => exported));
  return answers;
}

async function every(list: AsyncIterable<Memory>): Promise<Memory[]> {
  const found: Memory[] = [];
  for await (const memory of list) found.push(memory);
  return found;
}
