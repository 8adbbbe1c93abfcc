import type { Anomaly } from '../domain/anomaly';
import type { Namespace } from '../domain/namespace';
import { isRoot, type Principal, principalOf } from '../domain/principal';
import { nextTurn } from '../environment/timers';
import { analyzeAsUnknown } from '../keyword-index/analyzer';
import { stopWords } from '../keyword-index/stop-words';
import type { ReadContext } from './read-context';
import { Sources } from './source-cap';

const minuteMs = 60_000;
const weekMs = 7 * 24 * 60 * minuteMs;

// Below these, small numbers alone make something look unusual.
const leastPerMinute = 20;
const leastNew = 20;
const leastEarlier = 10;
const leastCopies = 3;
/** So many times the busiest minute of the week before. */
const unusualRate = 5;
const unusualShare = 0.8;
const usualShare = 0.5;
const maxListed = 20;
// The newest of these are looked at. Their places take about a second to read, in turns.
const maxRows = 200_000;
const maxCompared = 20_000;
const rowsPerTurn = 1_024;
// A clock that was set back leaves a few later rows with earlier times.
const olderRowsAtEnd = 64;

/** A memory that was written within the time that is looked at. */
interface NewRow {
  readonly row: number;
  readonly id: string;
  readonly at: number;
}

interface Writes {
  /** In the order of the rows. */
  readonly recent: readonly NewRow[];
  /** How many memories each author wrote in each minute of the week before, by author. */
  readonly before: ReadonlyMap<number, ReadonlyMap<number, number>>;
}

/**
 * Finds what is unusual about the writes since a time. It looks only at rows that exist, so it keeps nothing between calls. What the host wrote,
 * and what is not trusted anyway, is left out.
 */
export async function findAnomalies(
  context: ReadContext,
  since: number,
  signal: AbortSignal | undefined,
): Promise<Anomaly[]> {
  const pause = async () => {
    signal?.throwIfAborted();
    await nextTurn();
  };
  const writes = await recentWrites(context, since, pause);
  const copies = await findCopies(context, writes.recent.slice(-maxCompared), pause);
  const { rates, shares, far } = context.snapshot(() => ({
    rates: findRates(context, writes),
    ...compareWithEarlier(context, writes.recent),
  }));
  return [...rates, ...shares, ...far, ...copies].sort((a, b) => a.at.getTime() - b.at.getTime());
}

/** Reads when the latest memories were written. */
async function recentWrites(context: ReadContext, since: number, pause: () => Promise<void>): Promise<Writes> {
  const { columns, records } = context.state;
  const recent: NewRow[] = [];
  const before = new Map<number, Map<number, number>>();
  let older = 0;
  for (let row = columns.last, seen = 0; row > 0 && seen < maxRows && older < olderRowsAtEnd; row--, seen++) {
    if (seen % rowsPerTurn === rowsPerTurn - 1) await pause();
    if (!isLookedAt(context, row)) continue;
    const place = records.placeOf(row);
    if (place === undefined) continue;
    const { id, created_at: at } = place;
    older = at < since - weekMs ? older + 1 : 0;
    if (at >= since) recent.push({ row, id, at });
    else if (older === 0) count(countsOf(before, columns.author[row] as number), minuteOf(at));
  }
  return { recent: recent.reverse(), before };
}

/** Whether a memory exists, is trusted at all, and was not written by the host. */
function isLookedAt({ state: { columns, interning } }: ReadContext, row: number): boolean {
  const [labelSet, author, trust] = [
    columns.labelSet[row],
    columns.author[row] as number,
    columns.trust[row] as number,
  ];
  return labelSet !== 0 && author !== 0 && trust > 1 && !isRoot(interning.actor(author));
}

function findRates(context: ReadContext, { recent, before }: Writes): Anomaly[] {
  const { columns } = context.state;
  const byAuthor = groupBy(recent, ({ row }) => columns.author[row] as number);
  return [...byAuthor].flatMap(([author, rows]) => {
    const byMinute = [...groupBy(rows, ({ at }) => minuteOf(at)).values()];
    const busiest = byMinute.reduce((most, each) => (each.length > most.length ? each : most), [] as NewRow[]);
    const usual = Math.max(0, ...(before.get(author)?.values() ?? []));
    const isUnusual = busiest.length >= leastPerMinute && busiest.length > unusualRate * usual;
    return isUnusual ? [anomalyOf(context, 'rate', busiest, usual)] : [];
  });
}

/** Compares the new memories with all that were there before. */
function compareWithEarlier(context: ReadContext, recent: readonly NewRow[]) {
  const { columns, interning } = context.state;
  const sources = new Sources(context.state);
  const ofAuthor = new Map<number, Map<string, number>>();
  const inNamespace = new Map<string, Map<number, number>>();
  for (const { row, count: many } of earlierRows(context, recent)) {
    const { namespace } = interning.labelSet(columns.labelSet[row] as number);
    count(countsOf(ofAuthor, columns.author[row] as number), namespace[0] ?? '', many);
    count(countsOf(inNamespace, JSON.stringify(namespace)), sources.of(row), many);
  }
  const namespaceOf = ({ row }: NewRow) => interning.labelSet(columns.labelSet[row] as number).namespace;
  const shares: Anomaly[] = [];
  for (const [key, rows] of groupBy(recent, (each) => JSON.stringify(namespaceOf(each)))) {
    const earlier = inNamespace.get(key) ?? new Map<number, number>();
    const total = sum(earlier.values());
    if (rows.length < leastNew || total < leastEarlier) continue;
    for (const [source, own] of groupBy(rows, ({ row }) => sources.of(row)))
      if (own.length >= unusualShare * rows.length && (earlier.get(source) ?? 0) < usualShare * total)
        shares.push(anomalyOf(context, 'share', own, rows.length, namespaceOf(own[0] as NewRow)));
  }
  const far: Anomaly[] = [];
  for (const [author, rows] of groupBy(recent, ({ row }) => columns.author[row] as number)) {
    const earlier = ofAuthor.get(author) ?? new Map<string, number>();
    const total = sum(earlier.values());
    if (total < leastEarlier) continue;
    for (const [label, own] of groupBy(rows, (each) => namespaceOf(each)[0] ?? ''))
      if (!earlier.has(label)) far.push(anomalyOf(context, 'far', own, total, namespaceOf(own[0] as NewRow)));
  }
  return { shares, far };
}

/** How many memories there were before of each author with each label set, each with one row of them. */
function earlierRows(
  context: ReadContext,
  recent: readonly NewRow[],
): { readonly row: number; readonly count: number }[] {
  const { columns } = context.state;
  const isNew = new Set(recent.map(({ row }) => row));
  const found = new Map<number, Map<number, { row: number; count: number }>>();
  for (let row = 1; row <= columns.last; row++) {
    if (isNew.has(row) || !isLookedAt(context, row)) continue;
    const [author, labelSet] = [columns.author[row] as number, columns.labelSet[row] as number];
    const ofAuthor = found.get(author) ?? new Map<number, { row: number; count: number }>();
    found.set(author, ofAuthor);
    const known = ofAuthor.get(labelSet);
    if (known === undefined) ofAuthor.set(labelSet, { row, count: 1 });
    else known.count++;
  }
  return [...found.values()].flatMap((each) => [...each.values()]);
}

/** The longest words of a text. Texts with others are no copies of each other. */
const signatureWords = 5;
const leastWords = 5;
const leastOverlap = 0.7;

interface Compared extends NewRow {
  readonly words: ReadonlySet<string>;
}

/** Finds texts that differ by a few words, numbers or names at most. */
async function findCopies(
  context: ReadContext,
  recent: readonly NewRow[],
  pause: () => Promise<void>,
): Promise<Anomaly[]> {
  const { records } = context.state;
  const bySignature = new Map<string, Compared[][]>();
  for (const [i, each] of recent.entries()) {
    if (i % rowsPerTurn === rowsPerTurn - 1) await pause();
    const text = records.intactByRow(each.row)?.text;
    const words = new Set(analyzeAsUnknown(text ?? '').filter((word) => !stopWords.has(word) && !/\p{N}/u.test(word)));
    if (words.size < leastWords) continue;
    const longest = [...words].sort((a, b) => b.length - a.length || (a < b ? -1 : 1)).slice(0, signatureWords);
    const signature = longest.sort().join(' ');
    const groups = bySignature.get(signature) ?? [];
    bySignature.set(signature, groups);
    const group = groups.find(([first]) => overlapOf((first as Compared).words, words) >= leastOverlap);
    if (group === undefined) groups.push([{ ...each, words }]);
    else group.push({ ...each, words });
  }
  const copies = [...bySignature.values()].flat().filter(({ length }) => length >= leastCopies);
  return copies.map((each) => anomalyOf(context, 'copies', each, recent.length));
}

/** The share of the words of two texts that both have. */
function overlapOf(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let common = 0;
  for (const word of a) if (b.has(word)) common++;
  return common / (a.size + b.size - common);
}

function anomalyOf(
  { state: { columns, interning } }: ReadContext,
  kind: Anomaly['kind'],
  rows: readonly NewRow[],
  of: number,
  namespace?: Namespace,
): Anomaly {
  const authors = [...new Set(rows.map(({ row }) => columns.author[row] as number))].slice(0, maxListed);
  // A memory that was forgotten meanwhile has no author any more.
  const by: Principal[] = authors.flatMap((author) => (author === 0 ? [] : [principalOf(interning.actor(author))]));
  return {
    kind,
    by,
    ...(namespace === undefined ? {} : { namespace: [...namespace] }),
    at: new Date((rows[0] as NewRow).at),
    count: rows.length,
    of,
    ids: rows.slice(0, maxListed).map(({ id }) => id),
  };
}

function minuteOf(at: number): number {
  return Math.floor(at / minuteMs);
}

function count<K>(counts: Map<K, number>, key: K, many = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + many);
}

function countsOf<K, L>(counts: Map<K, Map<L, number>>, key: K): Map<L, number> {
  const found = counts.get(key) ?? new Map<L, number>();
  counts.set(key, found);
  return found;
}

function groupBy<T, K>(list: readonly T[], keyOf: (each: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const each of list) {
    const key = keyOf(each);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [each]);
    else group.push(each);
  }
  return groups;
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const each of numbers) total += each;
  return total;
}
