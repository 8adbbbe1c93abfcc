import type { Database } from 'better-sqlite3';
import type { ErasurePlan, ErasureSubject, ErasureTarget } from '../../domain/erasure';
import { contains } from '../../domain/namespace';
import { findConsolidation, isConsolidated, mayBeFact } from '../apply/end-consolidation';
import type { Contributors } from '../tables/contributors';
import type { Derivations } from '../tables/derivations';
import { SubjectNames } from '../tables/erased-subject';
import type { Holds } from '../tables/holds';
import type { ReadonlyInterning } from '../tables/interning';
import type { MemoryRow } from '../tables/memory-row';
import type { MemoryQueries } from './memory-queries';

/** What a plan reads. */
export interface ErasurePlanDeps {
  readonly database: Database;
  readonly interning: ReadonlyInterning;
  readonly records: MemoryQueries;
  readonly derivations: Derivations;
  readonly contributors: Contributors;
  readonly holds: Holds;
  /** Checks whether a legal hold concerns a memory that is not forgotten. */
  isHeld(record: MemoryRow): boolean;
}

export interface ErasurePlanOptions {
  readonly keepAuthored?: boolean;
  readonly mentions?: readonly string[];
  /** Leaves out memories that were stored after this time, in epoch milliseconds. */
  readonly until?: number;
}

type PlannedRow = Pick<
  MemoryRow,
  'row' | 'id' | 'state' | 'user_id' | 'author' | 'label_set' | 'source_channel' | 'created_at'
>;

// Reading so many rows takes about two milliseconds.
const rowsPerStep = 4_000;
const textsPerStep = 500;
const withheldPerStep = 100;

/**
 * Finds the memories that an erasure is about. It yields after each step, so that other work can run in between. Memories that change
 * meanwhile may be missing: plan again after the erasure until nothing is found.
 */
export function* planErasure(
  deps: ErasurePlanDeps,
  target: ErasureTarget,
  { keepAuthored = false, mentions = [], until = Number.POSITIVE_INFINITY }: ErasurePlanOptions = {},
): Generator<void, ErasurePlan> {
  const authors = 'userId' in target ? actorsNaming(deps, target.userId) : new Set<number>();
  const isAbout = aboutTest(deps, target);
  const [about, by]: [Map<number, PlannedRow>, Map<number, PlannedRow>] = [new Map(), new Map()];
  const listIn = (each: PlannedRow) => {
    if (each.created_at > until) return undefined;
    if (isAbout(each)) return about;
    return !keepAuthored && authors.has(each.author) ? by : undefined;
  };
  const withheld = yield* withheldLists(deps.holds, listIn);
  for (const rows of slices(deps.database)) {
    for (const each of rows) (listIn(each) ?? withheld.get(each.row))?.set(each.row, each);
    yield;
  }
  const targets = new Map([...about, ...by]);
  const derived = derivedFacts(deps, targets);
  const planned = new Set([...targets.keys(), ...derived.map(({ row }) => row)]);
  const held = yield* heldIds(deps, targets, derived);
  return {
    about: idsOf(about.values()),
    by: idsOf(by.values()),
    derived: idsOf(derived),
    held,
    mentions: yield* mentionIds(deps.database, mentions, planned),
    related: relatedIds(deps, planned, authors),
  };
}

/**
 * Finds the name behind the subject of an erasure, by the hash of each name in the store. It yields like `planErasure`.
 *
 * @returns undefined if nothing in the store names the subject
 */
export function* findSubject(
  { database, interning }: Pick<ErasurePlanDeps, 'database' | 'interning'>,
  storeKey: Uint8Array,
  subject: ErasureSubject,
): Generator<void, ErasureTarget | undefined> {
  const names = new SubjectNames(storeKey, subject);
  if (subject.kind === 'namespace') {
    for (let id = 1; id <= interning.labelSetCount; id++) {
      const { namespace } = interning.labelSet(id);
      if (names.isWithin(namespace)) return { namespace: namespace.slice(0, subject.depth) };
      if (id % rowsPerStep === 0) yield;
    }
    return undefined;
  }
  for (const { actor } of interning.actors()) {
    for (const party of [actor.party, actor.onBehalfOf])
      if (party !== undefined && party !== 'root' && party.kind === 'user' && names.isUser(party.id))
        return { userId: party.id };
  }
  const former = database.prepare('select distinct user_id from former_subjects').pluck().all() as string[];
  const formerly = former.find((userId) => names.isUser(userId));
  if (formerly !== undefined) return { userId: formerly };
  for (const rows of slices(database)) {
    const found = rows.find(({ user_id }) => user_id !== null && names.isUser(user_id));
    if (typeof found?.user_id === 'string') return { userId: found.user_id };
    yield;
  }
  return undefined;
}

function actorsNaming({ interning }: ErasurePlanDeps, userId: string): ReadonlySet<number> {
  const found = interning.actors().filter(({ actor: { party, onBehalfOf } }) => {
    const isParty = party !== 'root' && party.kind === 'user' && party.id === userId;
    return isParty || onBehalfOf?.id === userId;
  });
  return new Set(found.map(({ id }) => id));
}

function aboutTest({ database, interning }: ErasurePlanDeps, target: ErasureTarget): (row: PlannedRow) => boolean {
  if ('ids' in target) {
    const ids = new Set(target.ids);
    return ({ id }) => ids.has(id);
  }
  if ('namespace' in target) {
    const isWithin = new Map<number, boolean>();
    return ({ label_set: id }) => {
      const known = isWithin.get(id) ?? contains(target.namespace, interning.labelSet(id).namespace);
      isWithin.set(id, known);
      return known;
    };
  }
  const former = database.prepare('select row from former_subjects where user_id = ?').pluck().all(target.userId);
  const formerly = new Set(former as number[]);
  return ({ row, user_id }) => user_id === target.userId || formerly.has(row);
}

/** Reads all memories and tombstones in slices, in the order of their rows. */
function* slices(database: Database): Generator<PlannedRow[]> {
  const read = database.prepare<[number, number], PlannedRow>(
    'select row, id, state, user_id, author, label_set, source_channel, created_at from memories where row > ? and row <= ? order by row',
  );
  const last = lastRow(database);
  for (let after = 0; after < last; after += rowsPerStep) yield read.all(after, after + rowsPerStep);
}

/** The list of each memory that a hold keeps. Its tombstone says nothing any more if another erasure has erased it. */
function* withheldLists<List>(
  holds: Holds,
  listIn: (row: PlannedRow) => List | undefined,
): Generator<void, ReadonlyMap<number, List>> {
  const lists = new Map<number, List>();
  for (let after = 0; ; yield) {
    const rows = holds.withheldRows(after, withheldPerStep);
    for (const row of rows) {
      const [list] = [...holds.revisionsOf(row)].reverse().flatMap((each) => listIn(each) ?? []);
      if (list !== undefined) lists.set(row, list);
    }
    if (rows.length < withheldPerStep) return lists;
    after = rows.at(-1) as number;
  }
}

/** The facts that end with the memories, as `apply` finds them. */
function derivedFacts(deps: ErasurePlanDeps, targets: ReadonlyMap<number, PlannedRow>): MemoryRow[] {
  const live = [...targets.values()].filter(({ state }) => state !== 'forgotten');
  const start = { changed: live.filter(isConsolidated), facts: live.filter(mayBeFact) };
  if (deps.derivations.isEmpty) return [];
  return findConsolidation(deps, start).facts.filter(({ row }) => !targets.has(row));
}

function* heldIds(
  deps: ErasurePlanDeps,
  targets: ReadonlyMap<number, PlannedRow>,
  derived: readonly MemoryRow[],
): Generator<void, string[]> {
  const { holds, records } = deps;
  const mayBeHeld = holds.inForce.length > 0;
  const held: string[] = [];
  let read = 0;
  for (const { row, id, state } of [...targets.values(), ...derived]) {
    const record = mayBeHeld && state !== 'forgotten' ? records.intactByRow(row) : undefined;
    if (record === undefined ? holds.isWithheld(row) : deps.isHeld(record)) held.push(id);
    if (++read % textsPerStep === 0) yield;
  }
  return held;
}

/** Other memories that the subject has changed, and those whose writers named a planned memory as their source. */
function relatedIds(
  { records, contributors, derivations }: ErasurePlanDeps,
  planned: ReadonlySet<number>,
  authors: ReadonlySet<number>,
): string[] {
  const rows = new Set<number>();
  for (const actor of authors) for (const row of contributors.byActor(actor)) rows.add(row);
  if (!derivations.isEmpty)
    for (const row of planned) for (const derived of derivations.bySource(row)) rows.add(derived.row);
  const others = [...rows].filter((row) => !planned.has(row)).sort((a, b) => a - b);
  return others.flatMap((row) => records.uncheckedByRow(row)?.id ?? []);
}

type Written = Pick<MemoryRow, 'row' | 'id' | 'tags' | 'metadata' | 'key' | 'session_id' | 'source_ref'> & {
  readonly text: string | Buffer | null;
};

/** The other memories of which a field or an earlier revision contains one of the words, whatever their case. */
function* mentionIds(
  database: Database,
  mentions: readonly string[],
  planned: ReadonlySet<number>,
): Generator<void, string[]> {
  const words = mentions.map(folded).filter((word) => word !== '');
  if (words.length === 0) return [];
  const read = database.prepare<[number, number], Written>(
    `select memories.row, id, tags, metadata, key, session_id, source_ref, text
    from memories join texts on texts.row = memories.row where memories.row > ? and memories.row <= ? order by memories.row`,
  );
  const revisions = database.prepare<[number, number], { row: number; record: string }>(
    'select row, record from revisions where row > ? and row <= ?',
  );
  const isMention = (value: string | Buffer | null) => {
    if (value === null) return false;
    const text = folded(typeof value === 'string' ? value : value.toString('utf16le'));
    return words.some((word) => text.includes(word));
  };
  const found: string[] = [];
  const last = lastRow(database);
  for (let after = 0; after < last; after += textsPerStep) {
    const earlier = new Set(
      revisions.all(after, after + textsPerStep).flatMap(({ row, record }) => (isMention(record) ? row : [])),
    );
    for (const { row, id, ...fields } of read.all(after, after + textsPerStep))
      if (!planned.has(row) && (earlier.has(row) || Object.values(fields).some(isMention))) found.push(id);
    yield;
  }
  return found;
}

function folded(text: string): string {
  return text.normalize('NFC').toLowerCase();
}

function lastRow(database: Database): number {
  return database.prepare('select coalesce(max(row), 0) from memories').pluck().get() as number;
}

function idsOf(rows: Iterable<Pick<MemoryRow, 'id'>>): string[] {
  return [...rows].map(({ id }) => id);
}
