import type { Party } from '../domain/principal';
import type { AuditLog } from './audit-log';
import { type IdKeys, idKeysOf, type StoredEntry } from './chain';
import { type AuditChainName, type AuditDecision, auditChainNames, type ChainEntry, decodeEntry } from './chain-entry';
import { segmentLength, segmentOf } from './merkle';

/** Selects the entries to find. */
export interface AuditSearch {
  /** Entries that name one of these memories. */
  readonly ids?: readonly string[] | undefined;
  /**
   * Entries in which this party acted, or in which another party acted on its behalf. With `onBehalfOf`: only entries in which
   * `party` acted on behalf of that user.
   */
  readonly by?: { readonly party: Party | 'root'; readonly onBehalfOf?: Party | undefined } | undefined;
  readonly actions?: ReadonlySet<string> | undefined;
  readonly decision?: AuditDecision | undefined;
  /** Entries at this time or later, in epoch milliseconds. */
  readonly since?: number | undefined;
  /** Entries before this time, in epoch milliseconds. */
  readonly until?: number | undefined;
  readonly order: 'newest' | 'oldest';
}

/** An entry that was found, both decoded and as it is stored. */
export interface FoundEntry extends StoredEntry {
  readonly chain: AuditChainName;
  readonly entry: ChainEntry;
}

/** The number of an entry in each chain. */
export type ChainPositions = Readonly<Record<AuditChainName, number>>;

export type AuditLogs = Readonly<Record<AuditChainName, AuditLog>>;

/** Where a search begins and ends. */
export interface SearchRange {
  /** The last entries before the range, in the order of the search. */
  readonly after: ChainPositions;
  /** The last entries that existed when the search began. The search does not return later ones, such as the entry that records it. */
  readonly upTo: ChainPositions;
}

/**
 * Finds entries of both chains, merged by time. Entries of one chain keep their order.
 *
 * @param betweenBatches Waits for a later turn of the event loop; rejects to end the search.
 */
export async function* searchChains(
  logs: AuditLogs,
  search: AuditSearch,
  range: SearchRange,
  betweenBatches: () => Promise<void>,
): AsyncGenerator<FoundEntry> {
  const streams = auditChainNames.map((chain) => searchChain(chain, logs[chain], search, range, betweenBatches));
  const heads = await Promise.all(streams.map((stream) => stream.next()));
  // Entries with equal times are also in opposite orders, so that the results of one order are the reverse of the other.
  const isBefore = (one: ChainEntry, other: ChainEntry) =>
    search.order === 'newest' ? one.at >= other.at : one.at < other.at;
  for (;;) {
    let first: number | undefined;
    for (const [i, { value }] of heads.entries()) {
      const best = first === undefined ? undefined : heads[first]?.value;
      if (value !== undefined && (best === undefined || isBefore(value.entry, best.entry))) first = i;
    }
    if (first === undefined) return;
    yield (heads[first] as IteratorYieldResult<FoundEntry>).value;
    heads[first] = await (streams[first] as AsyncGenerator<FoundEntry, undefined>).next();
  }
}

/** Returns the positions before the first entry of a search. */
export function startOf({ order }: Pick<AuditSearch, 'order'>, upTo: ChainPositions): ChainPositions {
  if (order === 'oldest') return { changes: 0, access: 0 };
  return { changes: upTo.changes + 1, access: upTo.access + 1 };
}

async function* searchChain(
  chain: AuditChainName,
  log: AuditLog,
  search: AuditSearch,
  { after, upTo }: SearchRange,
  betweenBatches: () => Promise<void>,
): AsyncGenerator<FoundEntry, undefined> {
  const pseudonyms = pseudonymsOf(log, search);
  if (pseudonyms === undefined) return undefined;
  const isNewest = search.order === 'newest';
  const first = isNewest ? 1 : after[chain] + 1;
  const last = isNewest ? Math.min(upTo[chain], after[chain] - 1) : upTo[chain];
  const keys = search.ids === undefined ? undefined : idKeysOf(search.ids);
  const ids = new Set(search.ids);
  const completeSegments = new Map(log.chain.segments().map((segment) => [segment.segment, segment]));
  for (const segment of segmentsWithEntries(log, { first, last, isNewest })) {
    const times = completeSegments.get(segment);
    if (times !== undefined && !overlaps(times, search)) continue;
    for (const batch of batchesIn(log, { segment, first, last, isNewest, keys })) {
      for (const stored of batch) {
        // Looks for the pseudonym in the bytes first, because that is cheaper than decoding the body.
        if (!pseudonyms.every((forms) => forms.some((form) => stored.body.includes(`"${form}"`)))) continue;
        const entry = decodeEntry(stored.body.toString());
        if (entry !== undefined && isMatch(entry, search, pseudonyms, ids)) yield { ...stored, chain, entry };
      }
      await betweenBatches();
    }
  }
  return undefined;
}

/** The pseudonyms of the parties in `by`. The entries that match have at least one of each list. */
type Pseudonyms = readonly (readonly string[])[];

/**
 * Looks up the pseudonyms of the parties in `by`. Returns undefined if one of them has none in this chain, because then no entry
 * matches.
 */
function pseudonymsOf({ names }: AuditLog, { by }: AuditSearch): Pseudonyms | undefined {
  if (by === undefined) return [];
  const found = [by.party === 'root' ? ['root'] : names.findParty(by.party)];
  if (by.onBehalfOf !== undefined) found.push(names.findParty(by.onBehalfOf));
  return found.some((forms) => forms.length === 0) ? undefined : found;
}

function isMatch(entry: ChainEntry, search: AuditSearch, [party, user]: Pseudonyms, ids: ReadonlySet<string>): boolean {
  const { at, action, decision, touched, onBehalfOf } = entry;
  const isOnBehalfOf = (forms: readonly string[]) => onBehalfOf !== null && forms.includes(onBehalfOf);
  const isBy =
    party === undefined ||
    (user === undefined
      ? party.includes(entry.party) || isOnBehalfOf(party)
      : party.includes(entry.party) && isOnBehalfOf(user));
  return (
    isBy &&
    (search.actions === undefined || search.actions.has(action)) &&
    (search.decision === undefined || search.decision === decision) &&
    (search.since === undefined || at >= search.since) &&
    (search.until === undefined || at < search.until) &&
    (search.ids === undefined || touched.some(([, touchedIds]) => touchedIds.some((id) => ids.has(id))))
  );
}

function overlaps(times: { first_at: number; last_at: number }, { since, until }: AuditSearch): boolean {
  return (since === undefined || times.last_at >= since) && (until === undefined || times.first_at < until);
}

/**
 * Finds the segments that contain entries. It does not count from the first to the last: the numbers of entries in a damaged database may be
 * anything.
 */
function* segmentsWithEntries(
  { chain }: AuditLog,
  { first, last, isNewest }: Pick<SegmentRange, 'first' | 'last' | 'isNewest'>,
): Generator<number> {
  let previous: number | undefined;
  let [found] = isNewest ? chain.before(last + 1, 1) : chain.after(first - 1, 1);
  while (found !== undefined && found.seq >= first && found.seq <= last) {
    const segment = segmentOf(found.seq);
    // Numbers above 2 ** 53 are not exact, so that the next entry may seem to be in the same segment.
    if (segment === previous) return;
    yield segment;
    previous = segment;
    [found] = isNewest ? chain.before(segment * segmentLength + 1, 1) : chain.after((segment + 1) * segmentLength, 1);
  }
}

const entriesPerBatch = 128;

interface SegmentRange {
  readonly segment: number;
  /** Entries before `first` and after `last` are left out. */
  readonly first: number;
  readonly last: number;
  readonly isNewest: boolean;
  /** Only entries that may name one of these ids. */
  readonly keys: IdKeys | undefined;
}

function* batchesIn(
  { chain }: AuditLog,
  { segment, first, last, isNewest, keys }: SegmentRange,
): Generator<readonly StoredEntry[]> {
  const from = Math.max(first, segment * segmentLength + 1);
  const to = Math.min(last, (segment + 1) * segmentLength);
  if (keys !== undefined) {
    const seqs = chain.touched.find(segment, keys).filter((seq) => seq >= from && seq <= to);
    yield (isNewest ? seqs.reverse() : seqs).flatMap((seq) => {
      const stored = chain.entry(seq);
      return stored?.seq === seq ? [stored] : [];
    });
    return;
  }
  for (let done = isNewest ? to + 1 : from - 1; ; ) {
    const read = isNewest ? chain.before(done, entriesPerBatch) : chain.after(done, entriesPerBatch);
    const batch = read.filter(({ seq }) => seq >= from && seq <= to);
    yield batch;
    const lastOfBatch = batch.at(-1);
    if (batch.length < entriesPerBatch || lastOfBatch === undefined) return;
    done = lastOfBatch.seq;
  }
}
