import assert from 'node:assert/strict';
import type { StoredEntry, StoredSegment } from '../../src/audit/chain';
import { type ChainEntry, encodeEntry } from '../../src/audit/chain-entry';
import { compareHeads, type ExpectedHead } from '../../src/audit/compare-heads';
import { entryHash, Frontier, noHash, segmentLength } from '../../src/audit/merkle';
import { walkChain } from '../../src/audit/walk-chain';
import type { Random } from '../faults/random';

/** A chain as it is stored. */
export interface StoredChain {
  entries: StoredEntry[];
  segments: StoredSegment[];
  checkpoints: ExpectedHead[];
}

/** A chain before tampering. */
export interface OriginalChain extends StoredChain {
  /** All entries, dropped ones included. */
  readonly all: readonly ChainEntry[];
  /** The last entry that retention has dropped. */
  readonly start: number;
  rootAt(size: number): ExpectedHead;
}

/** A chain after tampering. */
export interface TamperedChain {
  readonly stored: StoredChain;
  /** The first bad entry. Undefined if all entries are intact. */
  readonly firstBad: number | undefined;
  /** Which hashes the attacker has recomputed. 'all': hashes and roots are consistent, so that only a head can reveal it. */
  readonly rehashed: 'nothing' | 'own' | 'all';
  readonly restored?: boolean;
}

export const tamperingKinds = [
  'nothing',
  'edit body',
  'edit hash',
  'insert',
  'delete',
  'reorder',
  'truncate',
  'roll back',
  'restore',
  'edit checkpoint',
  'delete checkpoint',
  'edit segment',
  'drop start',
] as const;
export type TamperingKind = (typeof tamperingKinds)[number];

/** Tampers with a random chain, verifies it with random heads, and checks the result. */
export async function tamperOnce(kind: TamperingKind, random: Random): Promise<void> {
  const original = originalChain(random);
  const tampered = tamper(kind, original, random);
  const size = original.all.length;
  const sizes = new Set(Array.from({ length: random.whole(0, 4) }, () => random.whole(1, size)));
  if (random.chance(0.5)) sizes.add(size);
  const comparable = [...sizes].filter((each) => each >= original.start || each % segmentLength === 0);
  const given = comparable.map((each) => original.rootAt(each));
  const expected = [...given, ...tampered.stored.checkpoints];
  const walk = await walkChain(sourceOf(tampered.stored), {
    sizes: new Set(expected.map(({ size: each }) => each)),
    betweenBatches: async () => undefined,
  });
  const result = compareHeads(walk, expected);
  const heads = [...comparable].sort((a, b) => a - b);
  const about = JSON.stringify({ kind, size, heads, ...tampered, stored: undefined, result });
  check(kind, original, tampered, heads, result, about);
}

function check(
  kind: TamperingKind,
  original: OriginalChain,
  { firstBad, rehashed, restored }: TamperedChain,
  heads: readonly number[],
  result: ReturnType<typeof compareHeads>,
  about: string,
): void {
  const { status, from = 0, to = 0, message, covered } = result;
  if (kind !== 'drop start')
    assert.equal(covered === undefined, heads.length === 0, `anchored by heads alone: ${about}`);
  const isFound = status !== 'intact' || message !== undefined;
  if (firstBad === undefined) {
    const isHarmless = kind === 'nothing' || kind === 'delete checkpoint';
    assert.equal(isFound, !isHarmless, `${isHarmless ? 'false alarm' : 'not found'}: ${about}`);
    return;
  }
  const bad = firstBad;
  const isCovered = heads.some((size) => size >= bad);
  if (restored) {
    assert.equal(status, isCovered ? 'restored' : 'intact', about);
    assert.equal(result.epochs.at(-1)?.seq, bad, about);
    return;
  }
  // Entries that no head covers can be rewritten unnoticed.
  if (rehashed === 'all' && !isCovered) return;
  assert.notEqual(status, 'intact', `not found: ${about}`);
  assert.ok(from <= bad && bad <= to, `not located: ${about}`);
  const isSimpleEdit = (kind === 'edit body' || kind === 'edit hash') && rehashed === 'nothing' && isCovered;
  if (isSimpleEdit && bad < Math.max(...heads)) assert.deepEqual([from, to], [bad, bad], `located loosely: ${about}`);
  const isUnrecordedDrop = original.start > 0 && from === 1;
  if (rehashed !== 'all' || kind === 'truncate' || isUnrecordedDrop) return;
  const narrowest = [Math.max(0, ...heads.filter((size) => size < bad)) + 1, heads.find((size) => size >= bad)];
  assert.ok(from >= (narrowest[0] as number) && to <= (narrowest[1] as number), `located loosely: ${about}`);
}

function tamper(kind: TamperingKind, original: OriginalChain, random: Random): TamperedChain {
  const stored: StoredChain = {
    entries: [...original.entries],
    segments: [...original.segments],
    checkpoints: [...original.checkpoints],
  };
  const { all, start } = original;
  const size = all.length;
  const at = random.whole(start + 1, size);
  const rehashed = random.pick(['nothing', 'own', 'all'] as const);
  const entries = (list: readonly ChainEntry[], from: number, how: TamperedChain['rehashed'] = rehashed) =>
    rewrite(original, stored, list, from, how);
  switch (kind) {
    case 'nothing':
      return { stored, firstBad: undefined, rehashed: 'nothing' };
    case 'edit body':
      return entries(all.with(at - 1, edited(all[at - 1] as ChainEntry, random)), at);
    case 'edit hash': {
      const entry = stored.entries[at - start - 1] as StoredEntry;
      stored.entries[at - start - 1] = { ...entry, hash: flipped(entry.hash, random) };
      return { stored, firstBad: at, rehashed: 'nothing' };
    }
    case 'insert':
      return entries(all.toSpliced(at - 1, 0, randomEntry(at, random)), at);
    case 'delete': {
      if (random.chance(0.4) && at < size) {
        stored.entries.splice(at - start - 1, 1);
        return { stored, firstBad: at, rehashed: 'nothing' };
      }
      return at === size ? truncated(original, stored, at - 1) : entries(all.toSpliced(at - 1, 1), at);
    }
    case 'reorder': {
      const [one, other] = [at, random.whole(start + 1, size)].sort((a, b) => a - b) as [number, number];
      if (one === other) return entries(all.with(at - 1, edited(all[at - 1] as ChainEntry, random)), at, 'all');
      const [first, second] = [all[one - 1] as ChainEntry, all[other - 1] as ChainEntry];
      return entries(all.with(one - 1, second).with(other - 1, first), one);
    }
    case 'truncate':
      return truncated(original, stored, at - 1);
    case 'roll back': {
      const more = Array.from({ length: random.whole(1, 20) }, (_, i) => randomEntry(at + i, random));
      return entries([...all.slice(0, at - 1), ...more], at, 'all');
    }
    case 'restore': {
      // A backup without the dropped entries has the 'retain' entry.
      const at = random.whole(start > 0 ? size : 1, size);
      const { root } = original.rootAt(at - 1);
      const epoch = { ...randomEntry(at, random), action: 'epoch', head: { size: at - 1, root } };
      const more = Array.from({ length: random.whole(0, 20) }, (_, i) => randomEntry(at + 1 + i, random));
      const restored = [epoch, ...more].map((each) => ({
        ...each,
        restoreCount: (all[at - 2]?.restoreCount ?? 0) + 1,
      }));
      return { ...entries([...all.slice(0, at - 1), ...restored], at, 'all'), restored: true };
    }
    case 'edit checkpoint': {
      // A checkpoint of dropped entries cannot be compared; the last one always can.
      const i = start > 0 ? stored.checkpoints.length - 1 : random.whole(0, stored.checkpoints.length - 1);
      const checkpoint = stored.checkpoints[i] as ExpectedHead;
      stored.checkpoints[i] = { ...checkpoint, root: flipped(checkpoint.root, random), source: 'stored' };
      return { stored, firstBad: undefined, rehashed: 'nothing' };
    }
    case 'delete checkpoint':
      stored.checkpoints.splice(random.whole(0, stored.checkpoints.length - 1), random.whole(1, 3));
      return { stored, firstBad: undefined, rehashed: 'nothing' };
    case 'edit segment': {
      const segment = random.pick(stored.segments);
      if (segment === undefined) return tamper('edit checkpoint', original, random);
      const changed = random.chance(0.5)
        ? { ...segment, root: Buffer.from(flipped(segment.root, random)) }
        : { ...segment, hash: Buffer.from(flipped(segment.hash, random)) };
      stored.segments[segment.segment] = changed;
      return { stored, firstBad: undefined, rehashed: 'nothing' };
    }
    case 'drop start': {
      const whole = Math.floor((size - start) / segmentLength) * segmentLength;
      const dropped = whole > 0 && random.chance(0.7) ? whole : Math.max(1, at - start - 1);
      if (dropped >= stored.entries.length) return tamper('edit hash', original, random);
      stored.entries.splice(0, dropped);
      return { stored, firstBad: start + 1, rehashed: 'nothing' };
    }
  }
}

/** Replaces the entries. Recomputes as many hashes as `rehashed` says. */
function rewrite(
  original: OriginalChain,
  stored: StoredChain,
  all: readonly ChainEntry[],
  from: number,
  rehashed: TamperedChain['rehashed'],
): TamperedChain {
  const { start } = original;
  if (rehashed === 'all') {
    const forged = chainOf(all.map((entry, i) => ({ ...entry, seq: i + 1 })));
    stored.entries = forged.entries.slice(start);
    stored.segments = forged.segments;
    const isSigned = ({ source }: ExpectedHead) => source === 'signed';
    const known = original.checkpoints.filter((each) => isSigned(each) && each.size < from);
    stored.checkpoints = [...known, ...storedCheckpoints(all.length, forged.rootAt)];
    return { stored, firstBad: from, rehashed };
  }
  let previous: Uint8Array = original.entries[from - start - 2]?.hash ?? noHash;
  if (from - start - 2 < 0 && start > 0) previous = original.segments[start / segmentLength - 1]?.hash ?? noHash;
  const before = new Map(original.entries.map((entry) => [original.all[entry.seq - 1], entry]));
  stored.entries = all.slice(start).map((entry, i): StoredEntry => {
    const seq = start + i + 1;
    const kept = before.get(entry);
    // An old body keeps its old number.
    const body = kept?.body ?? Buffer.from(encodeEntry(entry, entry.seq, entry.restoreCount));
    const own = rehashed === 'own' && seq === from;
    const hash = own || kept === undefined ? entryHash(previous, body) : kept.hash;
    const untouched = original.entries[i]?.hash;
    return { seq, body, hash: rehashed === 'nothing' && kept === undefined ? (untouched ?? hash) : hash };
  });
  return { stored, firstBad: from, rehashed };
}

function truncated(original: OriginalChain, stored: StoredChain, size: number): TamperedChain {
  stored.entries = stored.entries.slice(0, Math.max(0, size - original.start));
  stored.segments = stored.segments.filter(({ segment }) => (segment + 1) * segmentLength <= size);
  stored.checkpoints = stored.checkpoints.filter((checkpoint) => checkpoint.size <= size);
  return { stored, firstBad: size + 1, rehashed: 'all' };
}

function sourceOf({ entries, segments }: StoredChain) {
  const first = entries[0]?.seq ?? 1;
  return {
    segments: () => segments,
    after: (seq: number, limit: number) => {
      const near = Math.max(0, seq - first - 1);
      const from = entries.slice(near).findIndex((entry) => entry.seq > seq);
      return from < 0 ? [] : entries.slice(near + from, near + from + limit);
    },
  };
}

const originals = new Map<number, OriginalChain>();
const longest = segmentLength * 2 + 300;

/** A chain of random length. Chains are cached by length, and tampering changes copies. */
function originalChain(random: Random): OriginalChain {
  const size = random.chance(0.04)
    ? random.pick([segmentLength, segmentLength + 1, longest - 7, longest])
    : random.whole(2, 60);
  const variant = size * 2 + Number(random.chance(0.5));
  const known = originals.get(variant);
  if (known !== undefined) return known;
  const dropped = variant % 2 === 1 && size > segmentLength + 1 ? segmentLength : 0;
  const all = Array.from({ length: size }, (_, i) => randomEntry(i + 1, random));
  const made = chainOf(all);
  if (dropped > 0) {
    const { root } = made.rootAt(dropped);
    all[size - 2] = { ...(all[size - 2] as ChainEntry), action: 'retain', head: { size: dropped, root } };
  }
  const { entries, segments, rootAt } = chainOf(all);
  const checkpoints = storedCheckpoints(size, rootAt);
  const original = { all, entries: entries.slice(dropped), segments, checkpoints, start: dropped, rootAt };
  originals.set(variant, original);
  return original;
}

function storedCheckpoints(size: number, rootAt: (size: number) => ExpectedHead): ExpectedHead[] {
  const sizes = new Set([Math.ceil(size / 3), Math.ceil(size / 2), size]);
  return [...sizes].map((each): ExpectedHead => ({ ...rootAt(each), source: 'stored' }));
}

/** Computes the hashes, segments and roots of entries. */
function chainOf(all: readonly ChainEntry[]) {
  const frontier = new Frontier();
  const roots: ExpectedHead[] = [{ size: 0, root: frontier.root(), restoreCount: 0, source: 'given' }];
  const segments: StoredSegment[] = [];
  let previous: Uint8Array = noHash;
  const entries = all.map((entry, i): StoredEntry => {
    const seq = i + 1;
    const body = Buffer.from(encodeEntry(entry, entry.seq, entry.restoreCount));
    const hash = entryHash(previous, body);
    frontier.push(hash);
    roots.push({ size: seq, root: frontier.root(), restoreCount: entry.restoreCount, source: 'given' });
    if (seq % segmentLength === 0) {
      const root = Buffer.from(frontier.segmentRoot());
      segments.push({ segment: seq / segmentLength - 1, root, hash, first_at: 0, last_at: seq });
    }
    previous = hash;
    return { seq, hash, body };
  });
  return { entries, segments, rootAt: (size: number) => roots[size] as ExpectedHead };
}

function randomEntry(seq: number, random: Random): ChainEntry {
  return {
    seq,
    restoreCount: 0,
    at: random.whole(0, 1e12),
    party: `party-${random.whole(0, 9)}`,
    onBehalfOf: null,
    action: random.pick(['get', 'recall', 'remember']),
    decision: 'allowed' as const,
    code: null,
    namespace: 'namespace',
    touched: [['namespace', [`memory-${random.whole(0, 999)}`]]] as const,
    policyVersion: 1,
    rules: ['rule-1'],
    changeSeq: seq,
    head: null,
  };
}

function edited(entry: ChainEntry, random: Random): ChainEntry {
  return random.pick([
    { ...entry, at: entry.at + 1 },
    { ...entry, party: `${entry.party}x` },
    { ...entry, decision: entry.decision === 'allowed' ? ('refused' as const) : ('allowed' as const) },
    { ...entry, touched: [] },
    { ...entry, policyVersion: entry.policyVersion + 1 },
    { ...entry, rules: [] },
  ]);
}

function flipped(bytes: Uint8Array, random: Random): Buffer {
  const copy = Buffer.from(bytes);
  const i = random.whole(0, copy.length - 1);
  copy[i] = (copy[i] as number) ^ (1 << random.whole(0, 7));
  return copy;
}
