import assert from 'node:assert/strict';
import type { StoredEntry, StoredSegment } from '../../src/audit/chain';
import { type ChainEntry, encodeEntry } from '../../src/audit/chain-entry';
import { compareHeads, type ExpectedHead } from '../../src/audit/compare-heads';
import { entryHash, Frontier, noHash, segmentLength } from '../../src/audit/merkle';
import { walkChain } from '../../src/audit/walk-chain';
import type { Random } from '../faults/random';

/** A chain as it lies on the disk, and what it should be: entries as they were written. */
export interface Stored {
  entries: StoredEntry[];
  segments: StoredSegment[];
  checkpoints: ExpectedHead[];
}

/** A chain that nobody has tampered with. */
export interface Original extends Stored {
  readonly facts: readonly ChainEntry[];
  /** Entries up to here were dropped by retention. */
  readonly start: number;
  rootAt(size: number): ExpectedHead;
}

/** What was done to a chain. */
export interface Tampered {
  readonly stored: Stored;
  /** The first entry that is not what it was. Undefined: all of them are. */
  readonly firstBad: number | undefined;
  /** 'all': whatever can be computed anew was, so that only a head can tell. */
  readonly rehashed: 'nothing' | 'own' | 'all';
  readonly restored?: boolean;
}

export const classes = [
  ...(['nothing', 'edit body', 'edit hash', 'insert', 'delete', 'reorder', 'truncate', 'roll back'] as const),
  ...(['restore', 'edit checkpoint', 'delete checkpoint', 'edit segment', 'drop start'] as const),
];
export type Class = (typeof classes)[number];

/** One random chain, one random tampering of a class, random heads: checks what verification says of it. */
export async function tamperOnce(kind: Class, random: Random): Promise<void> {
  const original = originals(random);
  const tampered = tamper(kind, original, random);
  const size = original.facts.length;
  const sizes = new Set(Array.from({ length: random.whole(0, 4) }, () => random.whole(1, size)));
  if (random.chance(0.5)) sizes.add(size);
  const comparable = [...sizes].filter((each) => each >= original.start || each % segmentLength === 0);
  const given = comparable.map((each) => original.rootAt(each));
  const anchors = [...given, ...tampered.stored.checkpoints];
  const walk = await walkChain(sourceOf(tampered.stored), {
    sizes: new Set(anchors.map((anchor) => anchor.size)),
    betweenBatches: async () => undefined,
  });
  const result = compareHeads(walk, anchors);
  const heads = [...comparable].sort((a, b) => a - b);
  const about = JSON.stringify({ kind, size, heads, ...tampered, stored: undefined, result });
  check(kind, original, tampered, heads, result, about);
}

function check(
  kind: Class,
  original: Original,
  { firstBad, rehashed, restored }: Tampered,
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
  // What no head covers can be rewritten: nothing is promised of it.
  if (rehashed === 'all' && !isCovered) return;
  assert.notEqual(status, 'intact', `not found: ${about}`);
  assert.ok(from <= bad && bad <= to, `not located: ${about}`);
  const isPlain = (kind === 'edit body' || kind === 'edit hash') && rehashed === 'nothing' && isCovered;
  if (isPlain && bad < Math.max(...heads)) assert.deepEqual([from, to], [bad, bad], `located loosely: ${about}`);
  const isDroppedUndeclared = original.start > 0 && from === 1;
  if (rehashed !== 'all' || kind === 'truncate' || isDroppedUndeclared) return;
  const narrowest = [Math.max(0, ...heads.filter((size) => size < bad)) + 1, heads.find((size) => size >= bad)];
  assert.ok(from >= (narrowest[0] as number) && to <= (narrowest[1] as number), `located loosely: ${about}`);
}

function tamper(kind: Class, original: Original, random: Random): Tampered {
  const stored: Stored = {
    entries: [...original.entries],
    segments: [...original.segments],
    checkpoints: [...original.checkpoints],
  };
  const { facts, start } = original;
  const size = facts.length;
  const at = random.whole(start + 1, size);
  const rehashed = random.pick(['nothing', 'own', 'all'] as const);
  const entries = (list: readonly ChainEntry[], from: number, how: Tampered['rehashed'] = rehashed) =>
    rewrite(original, stored, list, from, how);
  switch (kind) {
    case 'nothing':
      return { stored, firstBad: undefined, rehashed: 'nothing' };
    case 'edit body':
      return entries(facts.with(at - 1, edited(facts[at - 1] as ChainEntry, random)), at);
    case 'edit hash': {
      const entry = stored.entries[at - start - 1] as StoredEntry;
      stored.entries[at - start - 1] = { ...entry, hash: flipped(entry.hash, random) };
      return { stored, firstBad: at, rehashed: 'nothing' };
    }
    case 'insert':
      return entries(facts.toSpliced(at - 1, 0, fact(at, random)), at);
    case 'delete': {
      if (random.chance(0.4) && at < size) {
        stored.entries.splice(at - start - 1, 1);
        return { stored, firstBad: at, rehashed: 'nothing' };
      }
      return at === size ? truncated(original, stored, at - 1) : entries(facts.toSpliced(at - 1, 1), at);
    }
    case 'reorder': {
      const [one, other] = [at, random.whole(start + 1, size)].sort((a, b) => a - b) as [number, number];
      if (one === other) return entries(facts.with(at - 1, edited(facts[at - 1] as ChainEntry, random)), at, 'all');
      const [first, second] = [facts[one - 1] as ChainEntry, facts[other - 1] as ChainEntry];
      return entries(facts.with(one - 1, second).with(other - 1, first), one);
    }
    case 'truncate':
      return truncated(original, stored, at - 1);
    case 'roll back': {
      const more = Array.from({ length: random.whole(1, 20) }, (_, i) => fact(at + i, random));
      return entries([...facts.slice(0, at - 1), ...more], at, 'all');
    }
    case 'restore': {
      // A backup without the dropped entries has the one that says so.
      const at = random.whole(start > 0 ? size : 1, size);
      const { root } = original.rootAt(at - 1);
      const epoch = { ...fact(at, random), action: 'epoch', head: { size: at - 1, root } };
      const more = Array.from({ length: random.whole(0, 20) }, (_, i) => fact(at + 1 + i, random));
      const lived = [epoch, ...more].map((each) => ({ ...each, restoreCount: (facts[at - 2]?.restoreCount ?? 0) + 1 }));
      return { ...entries([...facts.slice(0, at - 1), ...lived], at, 'all'), restored: true };
    }
    case 'edit checkpoint': {
      // One inside what was dropped cannot be compared with anything; the last one always can.
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

/** Puts other entries in their place, with as much care as the forger takes. */
function rewrite(
  original: Original,
  stored: Stored,
  facts: readonly ChainEntry[],
  from: number,
  rehashed: Tampered['rehashed'],
): Tampered {
  const { start } = original;
  if (rehashed === 'all') {
    const forged = chainOf(facts.map((entry, i) => ({ ...entry, seq: i + 1 })));
    stored.entries = forged.entries.slice(start);
    stored.segments = forged.segments;
    const isSigned = ({ source }: ExpectedHead) => source === 'signed';
    const known = original.checkpoints.filter((each) => isSigned(each) && each.size < from);
    stored.checkpoints = [...known, ...storedCheckpoints(facts.length, forged.rootAt)];
    return { stored, firstBad: from, rehashed };
  }
  let previous: Uint8Array = original.entries[from - start - 2]?.hash ?? noHash;
  if (from - start - 2 < 0 && start > 0) previous = original.segments[start / segmentLength - 1]?.hash ?? noHash;
  const before = new Map(original.entries.map((entry) => [original.facts[entry.seq - 1], entry]));
  stored.entries = facts.slice(start).map((entry, i): StoredEntry => {
    const seq = start + i + 1;
    const kept = before.get(entry);
    // Bodies that were there before keep the number that they name.
    const body = kept?.body ?? Buffer.from(encodeEntry(entry, entry.seq, entry.restoreCount));
    const own = rehashed === 'own' && seq === from;
    const hash = own || kept === undefined ? entryHash(previous, body) : kept.hash;
    const untouched = original.entries[i]?.hash;
    return { seq, body, hash: rehashed === 'nothing' && kept === undefined ? (untouched ?? hash) : hash };
  });
  return { stored, firstBad: from, rehashed };
}

function truncated(original: Original, stored: Stored, size: number): Tampered {
  stored.entries = stored.entries.slice(0, Math.max(0, size - original.start));
  stored.segments = stored.segments.filter(({ segment }) => (segment + 1) * segmentLength <= size);
  stored.checkpoints = stored.checkpoints.filter((checkpoint) => checkpoint.size <= size);
  return { stored, firstBad: size + 1, rehashed: 'all' };
}

function sourceOf({ entries, segments }: Stored) {
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

const kept = new Map<number, Original>();
const longest = segmentLength * 2 + 300;

/** Chains are made once for a length: what is done to them is done to copies. */
function originals(random: Random): Original {
  const size = random.chance(0.04)
    ? random.pick([segmentLength, segmentLength + 1, longest - 7, longest])
    : random.whole(2, 60);
  const variant = size * 2 + Number(random.chance(0.5));
  const known = kept.get(variant);
  if (known !== undefined) return known;
  const dropped = variant % 2 === 1 && size > segmentLength + 1 ? segmentLength : 0;
  const facts = Array.from({ length: size }, (_, i) => fact(i + 1, random));
  const made = chainOf(facts);
  if (dropped > 0) {
    const { root } = made.rootAt(dropped);
    facts[size - 2] = { ...(facts[size - 2] as ChainEntry), action: 'retain', head: { size: dropped, root } };
  }
  const { entries, segments, rootAt } = chainOf(facts);
  const checkpoints = storedCheckpoints(size, rootAt);
  const original = { facts, entries: entries.slice(dropped), segments, checkpoints, start: dropped, rootAt };
  kept.set(variant, original);
  return original;
}

function storedCheckpoints(size: number, rootAt: (size: number) => ExpectedHead): ExpectedHead[] {
  const sizes = new Set([Math.ceil(size / 3), Math.ceil(size / 2), size]);
  return [...sizes].map((each): ExpectedHead => ({ ...rootAt(each), source: 'stored' }));
}

/** Entries, with the hashes and the roots that follow from them. */
function chainOf(facts: readonly ChainEntry[]) {
  const frontier = new Frontier();
  const roots: ExpectedHead[] = [{ size: 0, root: frontier.root(), restoreCount: 0, source: 'given' }];
  const segments: StoredSegment[] = [];
  let previous: Uint8Array = noHash;
  const entries = facts.map((entry, i): StoredEntry => {
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

function fact(seq: number, random: Random): ChainEntry {
  return {
    ...{ seq, restoreCount: 0, at: random.whole(0, 1e12), party: `party-${random.whole(0, 9)}`, onBehalfOf: null },
    ...{ action: random.pick(['get', 'recall', 'remember']), decision: 'allowed' as const, code: null },
    ...{ namespace: 'namespace', touched: [['namespace', [`memory-${random.whole(0, 999)}`]]] as const },
    ...{ policyVersion: 1, rules: ['rule-1'], changeSeq: seq, head: null },
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
