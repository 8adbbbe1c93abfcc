import assert from 'node:assert/strict';
import type { Memory, MemoryStore } from 'multi-agent-memory';
import { agentOf, type Content, commonWord, namespaceOf } from './calls';
import type { Known, Model, Revision } from './model';
import type { Seen } from './seen';

const everything = { include: ['superseded', 'expired'] } as const;

/** Checks that the store lists exactly the memories of the model, with the right content. */
export async function checkList(store: MemoryStore, model: Model, seen: Seen): Promise<void> {
  const expected = remembered(model);
  assertSame('list', seen.memories.keys(), expected);
  assert.equal(await store.admin.count(everything), expected.length, 'count');
  for (const known of expected) {
    assert.deepEqual(shape(seen.memories.get(known.id) as Memory), expectedShape(model, known));
  }
}

/** Checks that words and vectors belong to exactly the memories of the model, and that every checksum is right. */
export async function checkIndexes(store: MemoryStore, model: Model): Promise<void> {
  const { ok, problems } = await store.verify();
  assert.ok(ok, `verify() found ${JSON.stringify(problems)}`);
  const expected = remembered(model);
  for (const mode of ['keyword', 'semantic'] as const) {
    const hits = await store.admin.recall(commonWord, {
      ...everything,
      mode,
      topK: expected.length + 10,
      distinct: false,
    });
    const ids = hits.map(({ id }) => id);
    assertSame(`${mode} recall`, ids, expected);
  }
}

/** Checks that every kind of read finds a memory with the right content, and that each of its revisions exists once. */
export async function checkMemory(
  store: MemoryStore,
  model: Model,
  seen: Seen,
  { id, lane, key, revisions }: Known,
): Promise<void> {
  const memory = seen.memories.get(id) as Memory;
  assert.deepEqual(await store.admin.get(id), memory, `get ${id}`);
  if (key !== undefined) {
    assert.deepEqual(await store.admin.get({ namespace: namespaceOf(lane), key }), memory, `get ${key}`);
  }
  assert.deepEqual(await seen.revisions(id), revisions, `history of ${id}`);
  const { token, text } = contentOf(model, revisions);
  await checkWord(store, token, [id]);
  for (const each of revisions) if (each.token !== token) await checkWord(store, each.token, []);
  for (const mode of ['semantic', 'hybrid'] as const) {
    // The query is the whole long text, and one of its chunks matches.
    const isLong = text.length > 300;
    const hits = await store.admin.recall(text, {
      ...everything,
      mode,
      distinct: false,
      topK: isLong ? 100 : 10,
      explain: true,
    });
    const own = hits.find((hit) => hit.id === id);
    assert.ok(own !== undefined, `${mode} recall of ${id} by its text`);
    if (isLong || mode !== 'semantic') continue;
    assert.ok((own.parts?.semantic ?? 0) > 0.93, `the vector of ${id} is that of its text`);
  }
}

/** Checks that no read returns a forgotten memory, and that its history has no text. */
export async function checkForgotten(
  store: MemoryStore,
  model: Model,
  { id, lane, key, revisions }: Known,
): Promise<void> {
  assert.equal(await store.admin.get(id), undefined, `get ${id}, forgotten`);
  if (key !== undefined) {
    assert.notEqual((await store.admin.get({ namespace: namespaceOf(lane), key }))?.id, id, `get ${key}, forgotten`);
  }
  const history = await store.admin.history(id);
  assert.deepEqual(
    history.map(({ type, memory }) => ({ type, memory })).at(-1),
    { type: 'forgotten', memory: undefined },
    `history of ${id}, forgotten`,
  );
  assert.ok(
    history.every(({ memory }) => memory === undefined),
    `history of ${id} tells what was forgotten`,
  );
  const { token, text } = contentOf(model, revisions);
  await checkWord(store, token, []);
  for (const mode of ['semantic', 'hybrid'] as const) {
    const hits = await store.admin.recall(text, { ...everything, mode, topK: 20 });
    assert.ok(
      hits.every((hit) => hit.id !== id),
      `${mode} recall of ${id}, forgotten`,
    );
  }
}

/** Checks that the unique word of a content finds these memories and no others. */
export async function checkWord(store: MemoryStore, token: string, ids: readonly string[]): Promise<void> {
  const hits = await store.admin.recall(token, { ...everything, mode: 'keyword', distinct: false });
  assert.deepEqual(
    hits.map(({ id }) => id),
    ids,
    `keyword recall of ${token}`,
  );
}

function remembered({ memories }: Model): Known[] {
  return [...memories.values()].filter(({ forgotten }) => !forgotten);
}

function contentOf(model: Model, revisions: readonly Revision[]): Content {
  return model.contents.get((revisions.at(-1) as Revision).token) as Content;
}

function expectedShape(model: Model, { id, lane, key, revisions }: Known) {
  const { text, tags, priority, metadata } = contentOf(model, revisions);
  const supersededBy = revisions.at(-1)?.supersededBy;
  const state = supersededBy === undefined ? 'active' : 'superseded';
  const { agentId } = agentOf(lane);
  return {
    id,
    key,
    agentId,
    namespace: namespaceOf(lane),
    revision: revisions.length,
    state,
    supersededBy,
    text,
    tags,
    priority,
    metadata,
  };
}

function shape({ id, key, agentId, namespace, revision, state, supersededBy, text, tags, priority, metadata }: Memory) {
  return { id, key, agentId, namespace, revision, state, supersededBy, text, tags: [...tags], priority, metadata };
}

function assertSame(what: string, found: Iterable<string>, expected: readonly Known[]): void {
  const ids = [...found];
  const there = new Set(ids);
  assert.equal(ids.length, there.size, `${what} shows a memory twice`);
  const must = new Set(expected.map(({ id }) => id));
  assert.deepEqual(
    [...must].filter((id) => !there.has(id)),
    [],
    `${what} lacks memories`,
  );
  assert.deepEqual(
    [...there].filter((id) => !must.has(id)),
    [],
    `${what} shows what should not be there`,
  );
}
