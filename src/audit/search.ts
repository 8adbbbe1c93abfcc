import type { Party } from '../domain/principal';
import type { AuditLog } from './audit-log';
import type { StoredEntry } from './chain';
import { type AuditChainName, type AuditDecision, auditChainNames, type ChainEntry, decodeEntry } from './chain-entry';
import { segmentLength } from './merkle';
import { type Keys, keysOf, segmentOf } from './touched-ids';

/** Which entries a search is about. */
export interface AuditSearch {
  /** Entries that touch one of these memories. */
  readonly ids?: readonly string[] | undefined;
  /** Who acted, or on whose behalf. With both halves: exactly that pair. */
  readonly by?: { readonly party: Party | 'root'; readonly onBehalfOf?: Party | undefined } | undefined;
  readonly actions?: ReadonlySet<string> | undefined;
  readonly decision?: AuditDecision | undefined;
  /** Epoch milliseconds: from `since` on, and before `until`. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  readonly order: 'newest' | 'oldest';
}

/** An entry that was found, with what its hash covers. */
export interface FoundEntry extends StoredEntry {
  readonly chain: AuditChainName;
  readonly entry: ChainEntry;
}

/** A number of an entry in each chain. */
export type Position = Readonly<Record<AuditChainName, number>>;

export type AuditLogs = Readonly<Record<AuditChainName, AuditLog>>;

/**
 * Entries of both chains in one order, by their times; in each chain, in its own. The iterator ends with the last entry of
 * `upTo`, so that what a search itself writes down is not found by it.
 *
 * @param after Where it goes on: beyond these entries.
 * @param betweenParts Awaited now and then: a later turn of the event loop.
 */
export async function* searchChains(
  trails: AuditLogs,
  asked: AuditSearch,
  range: { readonly after: Position; readonly upTo: Position },
  betweenParts: () => Promise<void>,
): AsyncGenerator<FoundEntry> {
  const streams = auditChainNames.map((chain) => matches(chain, trails[chain], asked, range, betweenParts));
  const heads = await Promise.all(streams.map((stream) => stream.next()));
  // Of equal times the newest are, from its end, the oldest the other way round.
  const isBefore = (one: ChainEntry, other: ChainEntry) =>
    asked.order === 'newest' ? one.at >= other.at : one.at < other.at;
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

/** Where a search begins: before the first entry of its order. */
export function startOf({ order }: Pick<AuditSearch, 'order'>, upTo: Position): Position {
  if (order === 'oldest') return { changes: 0, access: 0 };
  return { changes: upTo.changes + 1, access: upTo.access + 1 };
}

async function* matches(
  chain: AuditChainName,
  trail: AuditLog,
  asked: AuditSearch,
  { after, upTo }: { readonly after: Position; readonly upTo: Position },
  betweenParts: () => Promise<void>,
): AsyncGenerator<FoundEntry, undefined> {
  const names = namesOf(trail, asked);
  if (names === undefined) return undefined;
  const isNewest = asked.order === 'newest';
  const [least, most] = isNewest ? [1, Math.min(upTo[chain], after[chain] - 1)] : [after[chain] + 1, upTo[chain]];
  const keys = asked.ids === undefined ? undefined : keysOf(asked.ids);
  const ids = new Set(asked.ids);
  const whole = new Map(trail.chain.segments().map((segment) => [segment.segment, segment]));
  for (const segment of segmentsIn(least, most, isNewest)) {
    const times = whole.get(segment);
    if (times !== undefined && !overlaps(times, asked)) continue;
    for (const part of parts(trail, { segment, least, most, isNewest, keys })) {
      for (const stored of part) {
        if (names.some((name) => !stored.body.includes(`"${name}"`))) continue;
        const entry = decodeEntry(stored.body.toString());
        if (entry !== undefined && isMatch(entry, asked, names, ids)) yield { ...stored, chain, entry };
      }
      await betweenParts();
    }
  }
  return undefined;
}

/** The pseudonyms of who acted: undefined where somebody has none, so that nothing can be found. */
function namesOf({ names }: AuditLog, { by }: AuditSearch): string[] | undefined {
  if (by === undefined) return [];
  const party = by.party === 'root' ? 'root' : names.findParty(by.party);
  if (party === undefined) return undefined;
  if (by.onBehalfOf === undefined) return [party];
  const user = names.findParty(by.onBehalfOf);
  return user === undefined ? undefined : [party, user];
}

function isMatch(
  entry: ChainEntry,
  asked: AuditSearch,
  [party, user]: readonly string[],
  ids: ReadonlySet<string>,
): boolean {
  const { at, action, decision, touched } = entry;
  const isBy =
    party === undefined ||
    (user === undefined
      ? entry.party === party || entry.onBehalfOf === party
      : entry.party === party && entry.onBehalfOf === user);
  return (
    isBy &&
    (asked.actions === undefined || asked.actions.has(action)) &&
    (asked.decision === undefined || asked.decision === decision) &&
    (asked.since === undefined || at >= asked.since) &&
    (asked.until === undefined || at < asked.until) &&
    (asked.ids === undefined || touched.some(([, held]) => held.some((id) => ids.has(id))))
  );
}

function overlaps(times: { first_at: number; last_at: number }, { since, until }: AuditSearch): boolean {
  return (since === undefined || times.last_at >= since) && (until === undefined || times.first_at < until);
}

function* segmentsIn(least: number, most: number, isNewest: boolean): Generator<number> {
  if (most < least) return;
  const [first, last] = [segmentOf(least), segmentOf(most)];
  for (let i = 0; i <= last - first; i++) yield isNewest ? last - i : first + i;
}

const entriesPerPart = 128;

interface Part {
  readonly segment: number;
  readonly least: number;
  readonly most: number;
  readonly isNewest: boolean;
  readonly keys: Keys | undefined;
}

function* parts(trail: AuditLog, { segment, least, most, isNewest, keys }: Part): Generator<readonly StoredEntry[]> {
  const { chain } = trail;
  const from = Math.max(least, segment * segmentLength + 1);
  const to = Math.min(most, (segment + 1) * segmentLength);
  if (keys !== undefined) {
    const seqs = chain.touched.find(segment, keys).filter((seq) => seq >= from && seq <= to);
    yield (isNewest ? seqs.reverse() : seqs).flatMap((seq) => {
      const stored = chain.entry(seq);
      return stored?.seq === seq ? [stored] : [];
    });
    return;
  }
  for (let done = isNewest ? to + 1 : from - 1; ; ) {
    const read = isNewest ? chain.before(done, entriesPerPart) : chain.after(done, entriesPerPart);
    const part = read.filter(({ seq }) => seq >= from && seq <= to);
    yield part;
    const last = part.at(-1);
    if (part.length < entriesPerPart || last === undefined) return;
    done = last.seq;
  }
}
