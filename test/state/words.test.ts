import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Command } from '../../src/domain/command';
import { root } from '../../src/domain/principal';
import type { Postings } from '../../src/keyword-index/postings';
import { ReadModel } from '../../src/state/read-model';
import { StateStore } from '../../src/state/state-store';
import { openDatabase } from '../../src/state/tables/database';
import { storedWords } from './stored-words';
import { agentA, draft, emptyState, openToAll, remember, reopened, type TestState } from './test-state';

// Stems, so that a word is its own token.
const vocabulary = ['plum', 'mango', 'melon', 'damson'];
const stamp = { at: 2, by: root, scope: {}, seed: new Uint8Array(16) };

/** For each term, the rows with it and how often each has it. */
function found(postings: Postings) {
  return vocabulary.map((term) => {
    const { rows, frequencies, length } = postings.of(term);
    return [...rows.subarray(0, length)].map((row, i) => [row, frequencies[i]]).filter(([, count]) => count !== 0);
  });
}

/** The rows whose words are in the tables. */
function written({ state }: TestState): Set<number> {
  return new Set(storedWords(state.database).map(([, row]) => row));
}

function stored(from: number, count: number, text = 'plum mango plum'): Command[] {
  return Array.from({ length: count }, (_, i) => remember(agentA, 1, draft({ id: `id-${from + i}`, text })));
}

function opened(): TestState {
  const opened = emptyState();
  opened.apply([openToAll]);
  return opened;
}

/** What a search finds must not depend on when words are written, and equal what a new index of all texts has. */
function expectSame(live: TestState): void {
  const now = found(live.model.postings);
  const afterRestart = reopened(live);
  expect(found(afterRestart.model.postings)).toEqual(now);
  live.state.words.rebuild();
  expect(found(reopened(live).model.postings)).toEqual(now);
}

describe('the words of new texts', () => {
  test('are written in groups, and are found before that', () => {
    const live = opened();
    live.apply(stored(0, 100));
    expect(written(live).size).toBe(0);
    expect(found(live.model.postings)[0]).toHaveLength(100);
    live.apply(stored(100, 100));
    expect(written(live).size).toBe(128);
    expect(found(live.model.postings)[0]).toHaveLength(200);
    expect(found(live.model.postings)[0]?.at(-1)).toEqual([200, 2]);
    expectSame(live);
  });

  test('are written sooner if they are long', () => {
    const live = opened();
    live.apply(stored(0, 2, 'plum '.repeat(5_000)));
    expect(written(live).size).toBe(2);
  });

  test('are merged in small steps, none of which is in the transaction that writes a group', () => {
    const { database, words } = opened().state;
    const changes = () => database.prepare('select total_changes()').pluck().get() as number;
    const pages = () => database.prepare('select count(*) from word_pages').pluck().get() as number;
    const merging = () => database.prepare('select 1 from word_segments where target is not null').get() !== undefined;
    let [most, mostOfGroup, merges] = [0, 0, 0];
    for (let row = 1; row <= 128 * 22; row++) {
      const tokens = Array.from({ length: 40 }, (_, i) => `w${(row * 7_919 + i * 104_729) % 20_011}`);
      const [changesBefore, pagesBefore] = [changes(), pages()];
      database.transaction(() => words.insert(row, tokens))();
      const changed = changes() - changesBefore;
      most = Math.max(most, changed);
      // The pages of the group, and its line in the list of segments.
      if (row % 128 === 0) mostOfGroup = Math.max(mostOfGroup, changed - (pages() - pagesBefore) - 1);
      if (merging()) merges++;
    }
    expect(merges).toBeGreaterThan(0);
    expect(most).toBeLessThan(70);
    expect(mostOfGroup).toBe(0);
  });

  test('are written on request, once', () => {
    const live = opened();
    live.apply(stored(0, 10));
    live.state.words.writeWaiting();
    live.state.words.writeWaiting();
    expect(written(live).size).toBe(10);
    expect(found(reopened(live).model.postings)[0]).toHaveLength(10);
  });

  test('are never written if the text is forgotten before', () => {
    const live = opened();
    live.apply([...stored(0, 10), ...stored(10, 1, 'damson')]);
    live.apply([{ type: 'forget', ids: ['id-10'], stamp }]);
    live.apply(stored(11, 150));
    expect(new Set(storedWords(live.state.database).map(([term]) => term))).toEqual(new Set(['mango', 'plum']));
    expect(found(live.model.postings)[3]).toEqual([]);
  });

  test('are kept if a command is refused after it has stored some of them', () => {
    const live = opened();
    live.apply(stored(0, 120));
    const drafts = Array.from({ length: 20 }, (_, i) => draft({ id: `all-${i}`, text: 'melon' }));
    const last = draft({ id: 'all-20', text: 'melon', supersedes: 'none' });
    const { outcomes } = live.apply([remember(agentA, 1, ...drafts, last), ...stored(120, 1)]);
    expect(outcomes.map(({ ok }) => ok)).toEqual([false, true]);
    expect(written(live).size).toBe(0);
    expect(found(live.model.postings)[2]).toEqual([]);
    expect(found(live.model.postings)[0]).toHaveLength(121);
    expectSame(live);
  });

  test('are indexed by the next open if they are missing, which goes on where a killed process stopped', () => {
    const live = opened();
    // One step of the indexing takes a million words.
    live.apply([...stored(0, 20, 'plum '.repeat(60_000)), ...stored(20, 150, 'mango')]);
    const before = found(live.model.postings);
    const { database, checksum } = live.state;
    database.exec('delete from word_pages; delete from word_segments');
    const killed = new Error('killed');
    const reopen = () =>
      new StateStore(database, checksum, ({ done, total }) => {
        if (done === total) throw killed;
      });
    expect(reopen).toThrow(killed);
    const steps = database.prepare('select last from word_segments').pluck().all();
    expect(steps).toEqual([18]);
    const after = reopened(live);
    expect(after.state.words.through).toBe(170);
    expect(found(after.model.postings)).toEqual(before);
    expect(database.prepare('select last from word_segments order by last').pluck().all()).toEqual([18, 170]);
  });

  test('are not searched in a read-only process while those of many texts are missing', () => {
    const path = join(mkdtempSync(join(tmpdir(), 'words-')), 'memory.db');
    onTestFinished(() => rmSync(dirname(path), { recursive: true }));
    const checksum = emptyState().state.checksum;
    const writer = new StateStore(openDatabase({ path, readOnly: false }), checksum);
    const reader = () => new ReadModel(new StateStore(openDatabase({ path, readOnly: true }), checksum)).postings;
    writer.apply([openToAll, ...stored(0, 1_200)]);
    expect(reader().of('plum').length).toBe(1_200);
    writer.database.exec('delete from word_pages; delete from word_segments');
    expect(() => reader().of('plum')).toThrow(expect.objectContaining({ code: 'STORE_BUSY' }));
    new StateStore(writer.database, checksum);
    expect(reader().of('plum').length).toBe(1_200);
  });

  test('follow every change, whenever they are written', () => {
    const words = fc.array(fc.constantFrom(...vocabulary), { maxLength: 6 }).map((all) => all.join(' '));
    const id = fc.nat(400).map((n) => `id-${n}`);
    const step = fc.oneof(
      fc.record({ type: fc.constant('store' as const), count: fc.integer({ min: 1, max: 90 }), text: words }),
      fc.record({ type: fc.constant('update' as const), id, text: words }),
      fc.record({ type: fc.constant('forget' as const), id }),
      fc.record({ type: fc.constant('write' as const) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const live = opened();
        let next = 0;
        for (const each of steps) {
          if (each.type === 'store') {
            live.apply(stored(next, each.count, each.text));
            next += each.count;
          } else if (each.type === 'update') {
            live.apply([{ type: 'update', id: each.id, patch: { text: each.text }, stamp }]);
          } else if (each.type === 'forget') live.apply([{ type: 'forget', ids: [each.id], stamp }]);
          else live.state.words.writeWaiting();
          found(live.model.postings);
        }
        expectSame(live);
      }),
      { numRuns: 25 },
    );
  });
});
