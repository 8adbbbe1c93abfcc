import type { RestoredChainHead } from './chain-entry';
import type { AuditEpoch, ChainWalk, Inconsistency } from './walk-chain';

/** What `verify` found in one chain. */
export interface ChainVerification {
  /** How many entries were ever written, including those that were dropped later. */
  size: number;
  /** How many entries are covered by the heads passed to `verify`. Absent if none of these heads could be compared with the chain. */
  covered?: number;
  /**
   * 'altered': entries differ from what was written. 'truncated': entries are missing at the end. 'restored': a head passed to
   * `verify` covers entries that were lost when the store was restored from a backup.
   */
  status: 'intact' | 'altered' | 'truncated' | 'restored';
  /** The first bad entry is in this range. */
  from?: number;
  to?: number;
  /** What is wrong with the entries, or with the stored checkpoints and roots. Absent if nothing is wrong. */
  message?: string;
  /** Each time the store was restored from a backup. */
  epochs: AuditEpoch[];
}

/** The size and the root that the chain must have had at some time, if it is intact. */
export interface ExpectedHead extends RestoredChainHead {
  /** 'given': passed to `verify`. 'signed': stored, with a verified signature. 'stored': stored, without a verified signature. */
  readonly source: 'given' | 'signed' | 'stored';
}

type Verdict = Pick<ChainVerification, 'status' | 'from' | 'to' | 'message'>;

/**
 * Compares a chain with the heads that it must have had. Given and signed heads are trusted. The other stored heads are used only
 * where no trusted head decides. A stored head that contradicts a trusted one is itself reported as changed.
 */
export function compareHeads(walk: ChainWalk, heads: readonly ExpectedHead[]): ChainVerification {
  const { size, epochs, start, roots } = walk;
  // For dropped entries, the chain still has the root at the end of each segment.
  const given = heads.filter((head) => head.source === 'given' && (head.size >= start || roots.has(head.size)));
  const covered = given.length === 0 ? {} : { covered: largestSize(given) };
  const verdict = verdictOf(walk, heads) ?? { status: 'intact' };
  return { size, ...covered, ...verdict, epochs: [...epochs] };
}

function verdictOf(walk: ChainWalk, heads: readonly ExpectedHead[]): Verdict | undefined {
  const trusted = heads.filter(({ source }) => source !== 'stored');
  const decided = worstMismatch(walk, trusted) ?? missingStart(walk);
  if (decided !== undefined) return decided;
  const provenSize = largestSize(trusted.filter((head) => agrees(walk, head)));
  const { inconsistency } = walk;
  if (inconsistency !== undefined) {
    const isOnlyStoredRoot = inconsistency.kind === 'segment' && inconsistency.seq <= provenSize;
    if (!isOnlyStoredRoot) return locate(walk, inconsistency, heads);
    return {
      status: 'intact',
      message: `${inconsistency.message} The entries are intact; the stored root was changed.`,
    };
  }
  const stored = heads.filter(({ source }) => source === 'stored');
  const changed = stored.find((head) => head.size <= provenSize && disagrees(walk, head));
  if (changed === undefined) return worstMismatch(walk, [...stored, ...trusted]);
  const message = `The entries are intact; the stored checkpoint of ${changed.size} entries was changed.`;
  return { status: 'intact', message };
}

function missingStart({ start, droppedUpTo }: ChainWalk): Verdict | undefined {
  if (start <= droppedUpTo) return undefined;
  const message = `Entries ${droppedUpTo + 1} to ${start} are missing, and no entry records that they were dropped.`;
  return { status: 'altered', from: droppedUpTo + 1, to: start, message };
}

/**
 * Returns the range that contains the first bad entry. If a head covers the bad entry, the head proves all other hashes, so the
 * range is only that entry. Otherwise the range ends with the bad entry.
 */
function locate(walk: ChainWalk, { seq, kind, message }: Inconsistency, heads: readonly ExpectedHead[]): Verdict {
  const status = kind === 'end' ? 'truncated' : 'altered';
  const trusted = heads.filter(({ source }) => source !== 'stored');
  const agreeing = (trusted.length > 0 ? trusted : heads).filter((head) => agrees(walk, head));
  if (agreeing.some(({ size }) => size >= seq) && kind === 'entry') return { status, from: seq, to: seq, message };
  return { status, from: largestSize(agreeing.filter(({ size }) => size < seq)) + 1, to: seq, message };
}

/** Returns the worst verdict on the heads that contradict the chain. Undefined if all heads agree with it. */
function worstMismatch(walk: ChainWalk, heads: readonly ExpectedHead[]): Verdict | undefined {
  const mismatches = heads.filter((head) => disagrees(walk, head)).sort((a, b) => a.size - b.size);
  const verdicts = mismatches.map((head) => explainMismatch(walk, heads, head));
  for (const status of ['altered', 'truncated', 'restored'] as const) {
    const worst = verdicts.find((verdict) => verdict.status === status);
    if (worst !== undefined) return worst;
  }
  return undefined;
}

function explainMismatch(walk: ChainWalk, heads: readonly ExpectedHead[], head: ExpectedHead): Verdict {
  const agreedSize = largestSize(heads.filter((each) => each.size < head.size && agrees(walk, each)));
  // If entries at the start are missing, a head does not show whether they were dropped by retention or removed.
  const intactUpTo = walk.start > walk.droppedUpTo ? Math.min(agreedSize, walk.droppedUpTo) : agreedSize;
  // A head from before a restore may cover entries that the backup did not have.
  const restore = walk.epochs[head.restoreCount - walk.firstRestoreCount];
  if (head.restoreCount < walk.firstRestoreCount || (restore !== undefined && restore.size < head.size)) {
    const message = `The store was restored from a backup: the head of ${head.size} entries covers entries that the backup did not have.`;
    return { status: 'restored', from: restore?.seq ?? intactUpTo + 1, to: head.size, message };
  }
  const firstBad = walk.inconsistency?.seq ?? Number.POSITIVE_INFINITY;
  if (head.size > walk.size && firstBad > walk.size) {
    const message = `Entries ${walk.size + 1} to ${head.size} are missing at the end.`;
    return { status: 'truncated', from: intactUpTo + 1, to: walk.size + 1, message };
  }
  const detail = firstBad <= head.size ? ` ${walk.inconsistency?.message}` : '';
  const message = `The root of the first ${head.size} entries differs from the root in the head of ${head.size} entries.${detail}`;
  return { status: 'altered', from: intactUpTo + 1, to: Math.min(head.size, firstBad), message };
}

function largestSize(heads: readonly ExpectedHead[]): number {
  return Math.max(0, ...heads.map(({ size }) => size));
}

function agrees({ roots }: ChainWalk, { size, root }: ExpectedHead): boolean {
  const found = roots.get(size);
  return found !== undefined && Buffer.from(found).equals(root);
}

/** Returns false if the root at that size is unknown. */
function disagrees(walk: ChainWalk, head: ExpectedHead): boolean {
  const isComparable = head.size > walk.size || walk.roots.has(head.size);
  return isComparable && !agrees(walk, head);
}
