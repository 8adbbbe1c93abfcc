import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Change, Command, ContentPatch } from '../../src/domain/command';
import { root } from '../../src/domain/principal';
import { QuotaUsage } from '../../src/state/quota-usage';
import type { MemoryRow } from '../../src/state/tables/memory-row';
import { changeDatabase } from '../store/old-release';
import { openFolder, refusal, temporaryFolder } from '../store/stores';
import { commandsOf, space } from './command-sequences';
import { agentA, draft, emptyState, openToAll, remember, type TestState } from './test-state';

function byRoot(change: Change, at = 1): Command {
  return { ...change, stamp: { at, by: root, scope: {}, seed: new Uint8Array(16) } } as Command;
}

function storedJson({ state }: TestState): string[] {
  return state.database.prepare('select record from revisions order by row, revision').pluck().all() as string[];
}

/** Applies commands one by one, and keeps a whole copy of each revision that they make, by row and revision. */
function copiesOf(store: TestState, all: readonly Command[]): Map<string, MemoryRow> {
  const copies = new Map<string, MemoryRow>();
  for (const command of all)
    for (const { id, row } of store.apply([command]).changes) {
      const record = store.state.records.uncheckedOrTombstone(id);
      if (record !== undefined) copies.set(`${row} ${record.revision}`, { ...record });
    }
  return copies;
}

// A command with several drafts may revise a memory twice, and only the later revision is then copied. The checksum proves the other.
const isIntact = expect.objectContaining({ checksum: expect.any(String) });

function expectSameHistory(store: TestState, copies: ReadonlyMap<string, MemoryRow>): void {
  const lines = store.state.database.prepare('select row, revision from revisions').all() as MemoryRow[];
  for (const { row, revision } of lines)
    expect(store.state.changes.revision(row, revision)).toEqual(copies.get(`${row} ${revision}`) ?? isIntact);
}

/** A store with one memory that has this many revisions with the same text. */
function revisedOften(revisions: number): { store: TestState; copies: Map<string, MemoryRow> } {
  const store = emptyState();
  store.apply([openToAll]);
  const updates = Array.from({ length: revisions - 1 }, (_, i) =>
    byRoot({ type: 'update', id: 'one', patch: { priority: (i % 7) / 7 } }, i + 2),
  );
  return { store, copies: copiesOf(store, [remember(agentA, 1, draft({ id: 'one' })), ...updates]) };
}

describe('earlier revisions', () => {
  test('are the same as whole copies, after any commands', () => {
    let partial = 0;
    fc.assert(
      fc.property(commandsOf({ minLength: 15, maxLength: 40 }), (all) => {
        const store = emptyState();
        store.apply([openToAll]);
        const first = Array.from({ length: 6 }, (_, i) => remember(root, 0, draft({ id: `id-${i}` })));
        expectSameHistory(store, copiesOf(store, [...first, ...all]));
        partial += storedJson(store).filter((json) => json.startsWith('{"changed"')).length;
      }),
      { numRuns: 25 },
    );
    expect(partial).toBeGreaterThan(5);
  });

  test('can be read in any order when a memory has many with the same text', () => {
    const { store, copies } = revisedOften(50);
    expectSameHistory(store, copies);
    expect(storedJson(store).filter((json) => json.includes('"text"'))).toHaveLength(3);
  });

  test('repeat neither the text nor the metadata that the next revision has', () => {
    const store = emptyState();
    const text = 'Refunds take 5 days. '.repeat(100);
    const update = (patch: ContentPatch) => byRoot({ type: 'update', id: 'one', patch });
    store.apply([openToAll, remember(agentA, 1, draft({ id: 'one', text, metadata: { a: 1 } }))]);
    store.apply([update({ tags: ['x'] }), update({ metadata: { a: 2 } }), update({ text: 'other' })]);
    expect(storedJson(store).map((json) => [json.includes('Refunds'), json.includes('{\\"a\\"')])).toEqual([
      [false, false],
      [true, true],
      [true, true],
    ]);
  });

  test('count with their whole text for quotas', () => {
    const { store } = revisedOften(20);
    const usage = new QuotaUsage(store.state.database, store.state.interning);
    const used = (actor: typeof agentA) => usage.used(store.state.interning.findActor(actor), 'bytes');
    expect([used(agentA), used(root)]).toEqual([6, 19 * 6]);
    expect(store.state.usage().used(store.state.interning.findActor(root), 'bytes')).toBe(19 * 6);
  });

  test('stay intact when the embedding space of the latest revision is dropped', () => {
    const store = emptyState();
    const embedded = { space, vectors: [Float32Array.of(1, 0)] };
    const next = { ...space, model: 'another' };
    store.apply([openToAll]);
    const copies = copiesOf(store, [
      remember(agentA, 1, draft({ id: 'one', embedded })),
      byRoot({ type: 'update', id: 'one', patch: { priority: 1 } }),
      byRoot({ type: 'begin-space', space: next }),
      byRoot({ type: 'embed', space: next, memories: [{ row: 1, text: 'note', vectors: embedded.vectors }] }),
      byRoot({ type: 'switch-space', space: next, checkedThrough: 2 }),
      byRoot({ type: 'drop-space', space: 1, after: 0, upTo: 1, isLast: true }),
    ]);
    expect(store.state.records.byRow(1)?.space).toBe(2);
    expectSameHistory(store, copies);
  });

  test('are damaged if any byte of them is flipped', () => {
    const { store } = revisedOften(3);
    const json = storedJson(store)[0] as string;
    const put = store.state.database.prepare('update revisions set record = ? where row = 1 and revision = 1');
    for (let i = 0; i < json.length; i++) {
      put.run(`${json.slice(0, i)}${String.fromCharCode(json.charCodeAt(i) ^ 1)}${json.slice(i + 1)}`);
      expect(() => store.state.changes.revision(1, 1), `byte ${i}`).toThrow(/damaged/);
    }
    put.run(json);
    expect(store.state.changes.revision(1, 1)?.priority).toBe(0.5);
  });
});

describe('a damaged revision', () => {
  test('is named by verify, and other revisions stay readable', async () => {
    const folder = await temporaryFolder();
    const store = await openFolder(folder);
    const { id } = await store.admin.remember('Refunds take 5 days', { namespace: ['support'] });
    for (const priority of [0.1, 0.2, 0.3]) await store.admin.update(id, { priority });
    await store.close();
    changeDatabase(folder, `update revisions set record = replace(record, '0.1', '0.9') where revision = 2`);
    const later = await openFolder(folder);
    expect((await later.verify()).problems).toEqual([
      { id, part: 'record', message: 'Revision 2 does not match its checksum.' },
    ]);
    const history = (fromRevision: number) => later.admin.history(id, { fromRevision, limit: 1 });
    expect(await refusal(() => history(2))).toMatchObject({
      code: 'RECORD_DAMAGED',
      message: expect.stringContaining(id),
    });
    expect((await history(1)).map(({ memory }) => memory?.priority)).toEqual([0.5]);
  });
});
