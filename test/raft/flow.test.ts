import { describe, expect, test } from 'vitest';
import { configurationOf } from '../../src/raft/core/configuration';
import { type Entry, noBytes } from '../../src/raft/core/entry';
import { Inflights } from '../../src/raft/core/inflights';
import { LogView } from '../../src/raft/core/log-view';
import { Progress } from '../../src/raft/core/progress';
import { ReadRounds } from '../../src/raft/core/read-rounds';
import { UnstableLog } from '../../src/raft/core/unstable-log';
import { MemoryStorage } from '../../src/raft/storage/memory-storage';

const entries = (term: number, from: number, to: number): Entry[] =>
  Array.from({ length: to - from + 1 }, (_, at) => ({ kind: 'normal', term, index: from + at, data: noBytes }));
const places = (list: readonly Entry[]) => list.map(({ term, index }) => `${term}/${index}`);

describe('inflights', () => {
  test('are full by number or by bytes, and one message is always let through', () => {
    const inflights = new Inflights(3, 100);
    inflights.add(1, 5_000);
    expect([inflights.count, inflights.isFull]).toEqual([1, true]);
    inflights.freeUpTo(1);
    for (const index of [2, 3, 4]) {
      expect(inflights.isFull).toBe(false);
      inflights.add(index, 10);
    }
    expect(inflights.isFull).toBe(true);
  });

  test('keep their order while the ring grows and turns', () => {
    const inflights = new Inflights(1_000, 1_000_000);
    let oldest = 1;
    for (let index = 1; index <= 500; index += 1) {
      inflights.add(index, 7);
      if (index % 3 !== 0) continue;
      inflights.freeUpTo(oldest);
      oldest += 1;
    }
    expect(inflights.count).toBe(500 - (oldest - 1));
    inflights.freeUpTo(oldest - 1);
    expect(inflights.count).toBe(500 - (oldest - 1));
    inflights.freeUpTo(499);
    expect(inflights.count).toBe(1);
    inflights.reset();
    expect([inflights.count, inflights.isFull]).toEqual([0, false]);
  });
});

describe('progress', () => {
  const started = () => {
    const progress = new Progress(11, new Inflights(2, 1_000), true);
    progress.matched(10);
    return progress;
  };

  test('a probe sends one message with entries and then waits', () => {
    const progress = started();
    progress.sent(3, 30);
    expect([progress.mustWait, progress.next]).toEqual([true, 11]);
    expect(progress.matched(13)).toBe(true);
    expect([progress.mustWait, progress.match, progress.next]).toEqual([false, 13, 14]);
  });

  test('a replicating member is sent ahead until its inflights are full', () => {
    const progress = started();
    progress.replicate();
    progress.sent(2, 10);
    expect([progress.next, progress.mustWait]).toEqual([13, false]);
    progress.sent(1, 10);
    expect([progress.next, progress.mustWait]).toEqual([14, true]);
  });

  test('an old rejection changes nothing, a new one goes back to the hint but never below what matches', () => {
    const progress = started();
    progress.replicate();
    progress.sent(5, 10);
    expect(progress.rejected(10, 3)).toBe(false);
    expect(progress.rejected(15, 3)).toBe(true);
    expect(progress.next).toBe(11);
    progress.probe();
    expect(progress.rejected(7, 3)).toBe(false);
    expect(progress.rejected(10, 3)).toBe(true);
    expect(progress.next).toBe(11);
  });

  test('after a snapshot it goes on behind it, unless the snapshot failed', () => {
    const progress = started();
    progress.awaitSnapshot(50);
    expect([progress.mustWait, progress.next]).toEqual([true, 51]);
    progress.probe();
    expect([progress.state, progress.next, progress.pendingSnapshot]).toEqual(['probe', 51, 0]);
    progress.awaitSnapshot(60);
    progress.pendingSnapshot = 0;
    progress.probe();
    expect(progress.next).toBe(11);
  });
});

describe('the unstable end of the log', () => {
  test('hands out each entry once, and again after it was replaced', () => {
    const log = new UnstableLog(5);
    log.append(entries(1, 5, 7));
    expect(places(log.nextEntries())).toEqual(['1/5', '1/6', '1/7']);
    log.handOut();
    expect(log.hasNextEntries).toBe(false);
    log.append(entries(1, 8, 8));
    expect(places(log.nextEntries())).toEqual(['1/8']);
    log.append(entries(2, 6, 6));
    expect(places(log.nextEntries())).toEqual(['2/6']);
    expect(log.lastIndex()).toBe(6);
    log.append(entries(3, 4, 5));
    expect([log.offset, places(log.nextEntries())]).toEqual([4, ['3/4', '3/5']]);
  });

  test('what was handed out stays as it was when later entries replace it', () => {
    const log = new UnstableLog(5);
    log.append(entries(1, 5, 7));
    const handedOut = log.nextEntries();
    log.handOut();
    log.append(entries(2, 6, 9));
    expect(places(handedOut)).toEqual(['1/5', '1/6', '1/7']);
  });

  test('keeps an entry that was replaced while the storage wrote the old one', () => {
    const log = new UnstableLog(5);
    log.append(entries(1, 5, 6));
    log.handOut();
    log.append(entries(2, 5, 6));
    log.handOut();
    // The storage holds 1/6 now, and will hold 2/6 later. Until then only this log knows 2/5 and 2/6.
    log.stored({ index: 6, term: 1 });
    expect([log.offset, log.term(6)]).toEqual([5, 2]);
    log.stored({ index: 6, term: 2 });
    expect([log.offset, log.hasEntries]).toEqual([7, false]);
    // An answer that comes twice says nothing new.
    log.stored({ index: 6, term: 2 });
    expect(log.offset).toBe(7);
  });

  test('a part that is stored leaves the rest', () => {
    const log = new UnstableLog(5);
    log.append(entries(1, 5, 9));
    log.handOut();
    log.stored({ index: 7, term: 1 });
    expect([log.offset, places(log.slice(8, 10)), log.hasNextEntries]).toEqual([8, ['1/8', '1/9'], false]);
  });
});

describe('the log', () => {
  function logWith(stored: readonly Entry[]): LogView {
    const storage = new MemoryStorage({ index: 1, term: 1, configuration: configurationOf([1, 2, 3]), data: noBytes });
    storage.append(stored);
    return new LogView(storage, 1_000);
  }

  test('commits only what it compared: a tail of its own is not what the leader committed', () => {
    const log = logWith(entries(1, 2, 9));
    expect(log.appendMatching({ previous: { index: 3, term: 1 }, entries: entries(1, 4, 5) }, 8)).toBe(5);
    expect([log.committed, log.lastIndex]).toEqual([5, 9]);
  });

  test('drops a conflicting tail, and keeps what matches', () => {
    const log = logWith(entries(1, 2, 9));
    log.appendMatching({ previous: { index: 4, term: 1 }, entries: [...entries(1, 5, 6), ...entries(3, 7, 7)] }, 6);
    expect([log.committed, log.lastIndex, log.term(6), log.term(7)]).toEqual([6, 7, 1, 3]);
  });

  test('reads across storage and memory, within bytes and at least one', () => {
    const log = logWith(entries(1, 2, 4));
    log.append(entries(2, 5, 7));
    expect(places(log.entriesFrom(3, 1_000)!)).toEqual(['1/3', '1/4', '2/5', '2/6', '2/7']);
    expect(places(log.entriesFrom(3, 100)!)).toEqual(['1/3', '1/4', '2/5']);
    expect(places(log.entriesFrom(6, 1)!)).toEqual(['2/6']);
    expect([log.entriesFrom(8, 1), log.entriesFrom(1, 1_000)]).toEqual([[], undefined]);
  });

  test('hands out committed entries within the bound of what is not applied yet', () => {
    const log = logWith(entries(1, 2, 60));
    log.commitTo(60);
    const first = log.nextCommitted(true);
    log.handOut(first, true);
    expect(first.length).toBe(31);
    expect(log.hasNextCommitted(true)).toBe(false);
    log.appliedTo(32, 31 * 32);
    expect(log.nextCommitted(true)[0]?.index).toBe(33);
  });

  test('finds the highest place where another log may match', () => {
    const log = logWith([...entries(1, 2, 3), ...entries(4, 4, 6), ...entries(7, 7, 9)]);
    expect(log.highestPlace(9, 5)).toEqual({ index: 6, term: 4 });
    expect(log.highestPlace(9, 3)).toEqual({ index: 3, term: 1 });
    expect(log.highestPlace(5, 7)).toEqual({ index: 5, term: 4 });
  });
});

describe('rounds of reads', () => {
  const three = configurationOf([1, 2, 3]);

  test('a joint configuration confirms with both halves', () => {
    const joint = { ...three, outgoing: [4, 5, 6] };
    const rounds = new ReadRounds();
    rounds.add({ from: 1, context: 1, index: 9 });
    expect(rounds.answer(2, 1, 1, joint)).toEqual([]);
    expect(rounds.answer(4, 1, 1, joint)).toEqual([]);
    expect(rounds.answer(5, 1, 1, joint)).toHaveLength(1);
  });

  test('a learner confirms nothing', () => {
    const rounds = new ReadRounds();
    rounds.add({ from: 1, context: 1, index: 9 });
    expect(rounds.answer(7, 1, 1, { ...three, learners: [7] })).toEqual([]);
    expect(rounds.answer(3, 1, 1, { ...three, learners: [7] })).toHaveLength(1);
  });

  test('an answer from before a reset confirms nothing after it', () => {
    const rounds = new ReadRounds();
    rounds.add({ from: 1, context: 1, index: 9 });
    rounds.reset();
    rounds.add({ from: 1, context: 2, index: 10 });
    expect(rounds.answer(2, 1, 1, three)).toEqual([]);
    expect(rounds.answer(2, rounds.wanted, 1, three)).toEqual([{ from: 1, context: 2, index: 10 }]);
    expect(rounds.wanted).toBe(0);
  });
});
