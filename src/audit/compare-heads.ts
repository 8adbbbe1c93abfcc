import type { RestoredChainHead } from './chain-entry';
import type { AuditEpoch, ChainWalk, Inconsistency } from './walk-chain';

/** What `verify` found in one chain. */
export interface ChainVerification {
  /** How many entries were ever written. Dropped entries are counted. */
  size: number;
  /** How many entries the given heads cover. Absent if no given head could be compared with the chain. */
  covered?: number;
  /**
   * 'altered': entries differ from what was written. 'truncated': entries are missing at the end. 'restored': a given head is of
   * entries that were lost when the store was restored from a backup.
   */
  status: 'intact' | 'altered' | 'truncated' | 'restored';
  /** The first bad entry is in this range. */
  from?: number;
  to?: number;
  /** What is wrong with the entries, or with the checkpoints and roots that are stored beside them. Absent if nothing is wrong. */
  message?: string;
  /** Each time the store was restored from a backup. */
  epochs: AuditEpoch[];
}

/** A head that the chain should have had when it had that size. */
export interface ExpectedHead extends RestoredChainHead {
  /** 'given': passed to `verify`. 'signed': stored, with a verified signature. 'stored': stored, without a verified signature. */
  readonly source: 'given' | 'signed' | 'stored';
}

type Verdict = Pick<ChainVerification, 'status' | 'from' | 'to' | 'message'>;

/**
 * Compares a chain with the heads that it should have had. Given and signed heads are trusted. Stored heads are compared where no
 * trusted head decides; a stored head that contradicts a trusted one is reported as changed itself.
 */
export function compareHeads(walk: ChainWalk, heads: readonly ExpectedHead[]): ChainVerification {
  const { size, epochs, start, roots } = walk;
  // Of the dropped entries only the roots of whole segments are left.
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

/** The bad entry itself if a head covers it, because the head then proves all other hashes. Otherwise a range that ends with it. */
function locate(walk: ChainWalk, { seq, kind, message }: Inconsistency, heads: readonly ExpectedHead[]): Verdict {
  const status = kind === 'end' ? 'truncated' : 'altered';
  const trusted = heads.filter(({ source }) => source !== 'stored');
  const agreeing = (trusted.length > 0 ? trusted : heads).filter((head) => agrees(walk, head));
  if (agreeing.some(({ size }) => size >= seq) && kind === 'entry') return { status, from: seq, to: seq, message };
  return { status, from: largestSize(agreeing.filter(({ size }) => size < seq)) + 1, to: seq, message };
}

/** The worst verdict on the heads that the chain does not have. Undefined if it has all of them. */
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
  // If the start is missing, a head does not show whether its entries were dropped or removed.
  const intactUpTo = walk.start > walk.droppedUpTo ? Math.min(agreedSize, walk.droppedUpTo) : agreedSize;
  // A head from before a restore covers only the entries that the backup had.
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
  const message = `The first ${head.size} entries do not have the root of the head of ${head.size} entries.${detail}`;
  return { status: 'altered', from: intactUpTo + 1, to: Math.min(head.size, firstBad), message };
}

function largestSize(heads: readonly ExpectedHead[]): number {
  return Math.max(0, ...heads.map(({ size }) => size));
}

function agrees({ roots }: ChainWalk, { size, root }: ExpectedHead): boolean {
  const found = roots.get(size);
  return found !== undefined && Buffer.from(found).equals(root);
}

/** False if the root at that size is unknown. */
function disagrees(walk: ChainWalk, head: ExpectedHead): boolean {
  const isComparable = head.size > walk.size || walk.roots.has(head.size);
  return isComparable && !agrees(walk, head);
}
