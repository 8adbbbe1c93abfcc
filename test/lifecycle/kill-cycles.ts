import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type Memory, MemoryStore } from 'multi-agent-memory';
import { canary, leaks } from '../erasure/canaries';
import type { Programs } from '../faults/programs';
import type { LifecycleTask } from '../faults/programs/lifecycle';
import { Random } from '../faults/random';
import {
  callsPerDay,
  dayOf,
  type LifecycleLine,
  type LifecycleWork,
  lifecycleOptions,
  namespace,
  textOf,
  tokensOfCall,
} from './kill-works';

export interface KillCyclesOptions {
  readonly programs: Programs;
  /** An empty folder. */
  readonly parent: string;
  readonly seed: number;
  readonly cycles: number;
}

/** What the cycles have done. */
export interface KillReport {
  cycles: number;
  /** How many works of each kind were cut off. */
  readonly cutOff: Map<LifecycleWork['type'], number>;
  /** Groups whose summarizer was asked before the kill, and whose facts were not stored. They are asked about again. */
  askedAgain: number;
  /** Calls of the summarizer. */
  asked: number;
}

/** A memory with a word of its own, and what has become of it. 'unknown': a kill has cut off what would forget it. */
interface Note {
  readonly id: string;
  readonly word: string;
  fate: 'kept' | 'held' | 'gone' | 'unknown';
}

interface Subject {
  readonly userId: string;
  readonly notes: readonly Note[];
  hold?: string;
  isErased: boolean;
}

const everything = { include: ['consolidated'], limit: 1_000 } as const;

/** Kills a process again and again while it consolidates, forgets, erases, purges and ends holds, and checks what is left each time. */
export async function runKillCycles({ programs, parent, seed, cycles }: KillCyclesOptions): Promise<KillReport> {
  const report: KillReport = { cycles: 0, cutOff: new Map(), askedAgain: 0, asked: 0 };
  const folder = mkdtempSync(join(parent, 'store-'));
  const course = new KillCourse(programs, folder, seed, report);
  for (let cycle = 0; cycle < cycles; cycle++) {
    try {
      await course.run(cycle);
    } catch (cause) {
      const message = `Seed ${seed}, cycle ${cycle}: ${cause instanceof Error ? cause.message : String(cause)}\nThe store is in ${folder}.`;
      throw new Error(message, { cause });
    }
    report.cycles++;
  }
  rmSync(folder, { recursive: true });
  return report;
}

class KillCourse {
  readonly #programs: Programs;
  readonly #folder: string;
  readonly #seed: number;
  readonly #report: KillReport;
  readonly #subjects: Subject[] = [];
  /** How long each kind of work took the last time. */
  readonly #tookMs = new Map<LifecycleWork['type'], number>();
  readonly #today = { day: 0, asked: 0, kills: 0 };

  constructor(programs: Programs, folder: string, seed: number, report: KillReport) {
    this.#programs = programs;
    this.#folder = folder;
    this.#seed = seed;
    this.#report = report;
  }

  async run(cycle: number): Promise<void> {
    const random = new Random(this.#seed, cycle, 7);
    if (dayOf(cycle) > this.#today.day) Object.assign(this.#today, { day: dayOf(cycle), asked: 0, kills: 0 });
    const works = await this.#prepare(cycle, random);
    const lines = await this.#killed({ folder: this.#folder, seed: this.#seed, cycle, works }, random);
    const cutOff = this.#follow(works, lines);
    const store = await MemoryStore.open(this.#folder, lifecycleOptions(cycle));
    try {
      assert.deepEqual((await store.verify()).problems, []);
      await this.#checkMemories(store);
      await this.#checkHolds(store);
      await this.#checkSpending(store);
      await this.#checkAsked(store, works, lines, cutOff);
      await this.#finish(store, works, cutOff, random);
      await this.#checkMemories(store);
    } finally {
      await store.close();
    }
  }

  /** Writes what the works of a cycle are about. */
  async #prepare(cycle: number, random: Random): Promise<LifecycleWork[]> {
    const store = await MemoryStore.open(this.#folder, lifecycleOptions(cycle));
    try {
      for (let i = 0; i < 2; i++)
        this.#subjects.push(await this.#addSubject(store, `${this.#seed} ${cycle} ${i}`, random));
      const works: LifecycleWork[] = [{ type: 'consolidate' }];
      const [held, erased, changed] = random.sample(this.#subjects, 3);
      if (held !== undefined && random.chance(0.6)) {
        await this.#hold(store, held, random);
        works.push({ type: 'release', hold: held.hold as string, userId: held.userId });
      }
      if (erased !== undefined && random.chance(0.6)) works.push({ type: 'erase', userId: erased.userId });
      const note = changed?.notes.find(({ fate }) => fate === 'kept');
      if (note !== undefined && random.chance(0.4))
        works.push({ type: 'forget', id: note.id, userId: (changed as Subject).userId });
      if (random.chance(0.4)) works.push({ type: 'purge' });
      return random.sample(works, works.length);
    } finally {
      await store.close();
    }
  }

  async #addSubject(store: MemoryStore, name: string, random: Random): Promise<Subject> {
    const userId = canary(`${name} user`);
    const words = Array.from({ length: random.whole(4, 9) }, (_, i) => canary(`${name} ${i}`));
    const items = words.map((word) => ({ text: textOf(word), namespace, userId, embed: false as const }));
    const { results } = await store.admin.rememberMany(items, { atomic: true });
    const notes = results.map((each, i): Note => {
      assert.ok(each.ok);
      return { id: each.id, word: words[i] as string, fate: 'kept' };
    });
    return { userId, notes, isErased: false };
  }

  /** Begins a hold, and forgets a part of what it concerns, or erases all of it. */
  async #hold(store: MemoryStore, subject: Subject, random: Random): Promise<void> {
    const { userId, notes } = subject;
    subject.hold = await store.hold({ matter: 'a matter', selection: { userId } });
    const isErased = random.chance(0.5);
    const withheld = isErased ? notes : random.sample(notes, 2);
    const kept = withheld.filter(({ fate }) => fate === 'kept');
    if (isErased) {
      assert.equal(
        (await store.erase({ userId })).complete,
        kept.length === 0,
        'a receipt of what is held is not complete',
      );
      subject.isErased = true;
    } else for (const { id } of kept) await store.admin.forget(id);
    for (const note of kept) note.fate = 'held';
  }

  /** Lets a process carry out works, and kills it in one of them. */
  async #killed(task: LifecycleTask, random: Random): Promise<readonly LifecycleLine[]> {
    const program = this.#programs.start('lifecycle', task);
    const number = random.whole(0, task.works.length - 1);
    const { type } = task.works[number] as LifecycleWork;
    await program.said<LifecycleLine>((line) => line.say === 'begins' && line.number === number);
    const began = performance.now();
    void program
      .said<LifecycleLine>((line) => line.say === 'done' && line.number === number)
      .then(() => this.#tookMs.set(type, performance.now() - began))
      // Most are killed before.
      .catch(() => undefined);
    await setTimeout(random.share() * 1.1 * (this.#tookMs.get(type) ?? 50));
    const { stderr } = await program.kill();
    assert.equal(stderr, '', 'nothing on stderr');
    return program.lines as LifecycleLine[];
  }

  /** Takes what a process has said. Returns the work that the kill has cut off. */
  #follow(works: readonly LifecycleWork[], lines: readonly LifecycleLine[]): LifecycleWork | undefined {
    this.#today.kills++;
    const asked = lines.filter((line) => line.say === 'asked').length;
    this.#today.asked += asked;
    this.#report.asked += asked;
    const done = new Set(lines.flatMap((line) => (line.say === 'done' ? [line.number] : [])));
    const begun = lines.flatMap((line) => (line.say === 'begins' ? [line.number] : []));
    for (const number of begun) this.#expect(works[number] as LifecycleWork, done.has(number));
    const last = begun.at(-1) as number;
    const cutOff = done.has(last) ? undefined : works[last];
    if (cutOff !== undefined) {
      const { cutOff: counts } = this.#report;
      counts.set(cutOff.type, (counts.get(cutOff.type) ?? 0) + 1);
    }
    return cutOff;
  }

  /** Notes what a work does to the memories that it is about. */
  #expect(work: LifecycleWork, isDone: boolean): void {
    if (!('userId' in work)) return;
    const subject = this.#subject(work.userId);
    const isHeld = subject.hold !== undefined;
    if (work.type === 'release') {
      if (!isDone) return;
      delete subject.hold;
      for (const note of subject.notes) if (note.fate === 'held') note.fate = 'gone';
      return;
    }
    if (work.type === 'erase') subject.isErased = true;
    for (const note of subject.notes) {
      if (note.fate !== 'kept' || (work.type === 'forget' && note.id !== work.id)) continue;
      note.fate = !isDone ? 'unknown' : isHeld ? 'held' : 'gone';
    }
  }

  /** Each memory that was not forgotten is in one active text: its own, or that of one fact. Each fact has all of its sources. */
  async #checkMemories(store: MemoryStore): Promise<void> {
    const all = (await store.admin.list(everything)).items;
    const active = all.filter(({ state }) => state === 'active');
    const count = new Map<string, number>();
    for (const word of active.flatMap(wordsOf)) count.set(word, (count.get(word) ?? 0) + 1);
    for (const { word, fate } of this.#subjects.flatMap(({ notes }) => notes)) {
      const times = count.get(word) ?? 0;
      count.delete(word);
      if (fate === 'unknown') assert.ok(times <= 1, `${word} is there ${times} times`);
      else assert.equal(times, fate === 'kept' ? 1 : 0, `${word}, which is ${fate}`);
    }
    assert.deepEqual([...count.keys()], [], 'words of no memory');
    for (const fact of active.filter(({ kind }) => kind === 'summary')) {
      const sources = await store.admin.sources(fact.id);
      assert.deepEqual(sources.flatMap(wordsOf).sort(), [...wordsOf(fact)].sort(), `the sources of ${fact.id}`);
      assert.ok(sources.every(({ state }) => state === 'consolidated'));
    }
  }

  /** What a hold keeps is whole until the hold ends, and then all of it is gone. */
  async #checkHolds(store: MemoryStore): Promise<void> {
    const inForce = new Set((await store.holds()).map(({ id }) => id));
    const withheld = await store.withheld({ limit: 1_000 });
    // The facts that quoted a forgotten memory are withheld, too, with the words of its neighbours.
    const own = withheld.flatMap(({ revisions }) => revisions.filter(({ kind }) => kind !== 'summary'));
    const words = new Set(own.flatMap(wordsOf));
    for (const { hold, notes, userId } of this.#subjects) {
      const isHeld = hold !== undefined && inForce.has(hold);
      for (const { word, fate } of notes)
        if (fate !== 'unknown')
          assert.equal(words.has(word), fate === 'held' && isHeld, `${word} of ${userId}, ${fate}`);
    }
  }

  /** What was spent on a day is at least what was asked, and at most one call more for each kill. */
  async #checkSpending(store: MemoryStore): Promise<void> {
    const [policy] = (await store.lifecycle.status()).consolidation;
    const { calls, inputTokens, outputTokens } = policy?.spentToday ?? { calls: 0, inputTokens: 0, outputTokens: 0 };
    const { asked, kills } = this.#today;
    assert.ok(
      calls >= asked && calls <= asked + kills,
      `${calls} calls were counted, ${asked} made, in ${kills} kills`,
    );
    assert.ok(calls <= callsPerDay, `${calls} calls in a day`);
    assert.ok(inputTokens >= asked * tokensOfCall.inputTokens && outputTokens >= asked * tokensOfCall.outputTokens);
  }

  /** Of the groups that the process has asked about, the facts of all are stored, but for the one that the kill has cut off. */
  async #checkAsked(
    store: MemoryStore,
    works: readonly LifecycleWork[],
    lines: readonly LifecycleLine[],
    cutOff: LifecycleWork | undefined,
  ): Promise<void> {
    const asked = lines.flatMap((line, i) =>
      line.say === 'asked' && lines[i + 1]?.say !== 'failed' ? [line.words] : [],
    );
    // Forgetting a source makes the others active again.
    const changed = works.flatMap((work) => ('userId' in work ? this.#subject(work.userId).notes : []));
    const changedWords = new Set(changed.map(({ word }) => word));
    const active = new Set(
      (await store.admin.list({ limit: 1_000, filter: { kind: 'episodic' } })).items.flatMap(wordsOf),
    );
    const open = asked.filter((words) => words.some((word) => active.has(word) && !changedWords.has(word)));
    if (cutOff?.type === 'consolidate') {
      assert.ok(open.length <= 1 && open.every((words) => words === asked.at(-1)), 'one group is asked about again');
      this.#report.askedAgain += open.length;
    } else assert.deepEqual(open, []);
  }

  /** Does again what was cut off, and looks for what is gone in all bytes. */
  async #finish(
    store: MemoryStore,
    works: readonly LifecycleWork[],
    cutOff: LifecycleWork | undefined,
    random: Random,
  ): Promise<void> {
    for (const subject of this.#subjects.filter(({ hold }) => hold !== undefined)) {
      await store.releaseHold(subject.hold as string);
      delete subject.hold;
      for (const note of subject.notes) if (note.fate === 'held') note.fate = 'gone';
    }
    assert.deepEqual([await store.withheld(), await store.holds()], [[], []]);
    if (cutOff?.type === 'forget') await store.admin.forget(cutOff.id);
    for (const { notes, userId, isErased } of this.#subjects.filter((subject) => subject.isErased)) {
      const { complete, scan } = await store.erase({ userId });
      assert.deepEqual([complete, scan?.found], [true, []], `the receipt of ${userId}, ${isErased}`);
      for (const note of notes) note.fate = 'gone';
    }
    for (const note of this.#subjects.flatMap(({ notes }) => notes)) if (note.fate === 'unknown') note.fate = 'gone';
    const isPurged = works.some(({ type }) => type === 'purge') || random.chance(0.2);
    if (isPurged) assert.deepEqual((await store.purge()).pending, []);
    this.#assertGone(isPurged);
    for (let i = this.#subjects.length - 1; i >= 0; i--) if (this.#subjects[i]?.isErased) this.#subjects.splice(i, 1);
  }

  /** Nothing of what was erased is in any file. After a purge, nothing of what was forgotten is there, either. */
  #assertGone(isPurged: boolean): void {
    const gone = this.#subjects.flatMap(({ userId, notes, isErased }) => {
      const words = notes.filter(({ fate }) => fate === 'gone' && (isErased || isPurged)).map(({ word }) => word);
      const canaries = new Map([...words, ...(isErased ? [userId] : [])].map((word) => [word, word]));
      return canaries.size === 0 ? [] : [{ name: userId, canaries }];
    });
    assert.deepEqual(leaks(this.#folder, gone), []);
  }

  #subject(userId: string): Subject {
    return this.#subjects.find((each) => each.userId === userId) as Subject;
  }
}

/** The words of a text that are its own: the first one of a memory, and all of a fact. */
function wordsOf({ text, kind }: Pick<Memory, 'text' | 'kind'>): string[] {
  return kind === 'summary' ? text.split(' ') : text.split(' ').slice(0, 1);
}
