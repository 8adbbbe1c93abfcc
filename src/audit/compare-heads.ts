import type { Anchor, AuditEpoch, ChainFault, Walked } from './verify';

/** What verification says of one chain. */
export interface ChainVerification {
  /** How many entries were ever written, dropped ones included. */
  size: number;
  /** Up to which entry a head was given that could be compared. Undefined: nothing anchors the chain. */
  covered?: number;
  /**
   * 'altered': entries are not as they were written. 'truncated': entries at the end are missing. 'restored': a head that was
   * given belongs to what came after the backup that the store was restored from.
   */
  status: 'intact' | 'altered' | 'truncated' | 'restored';
  /** The first bad entry, or the range in which it lies. */
  from?: number;
  to?: number;
  /** What was found, in what is stored beside the entries too. Absent where nothing was. */
  message?: string;
  /** Each time that the store was restored, and the head that it had then. */
  epochs: AuditEpoch[];
}

type Verdict = Pick<ChainVerification, 'status' | 'from' | 'to' | 'message'>;

/**
 * Compares what was computed anew with the heads that the chain should have had. Heads that were given or are signed decide;
 * those that are merely stored beside the chain are believed where nothing better speaks, and are suspects themselves else.
 */
export function compareHeads(walked: Walked, anchors: readonly Anchor[]): ChainVerification {
  const { size, epochs, start, roots } = walked;
  // A head inside what was dropped can be compared only at the end of a segment.
  const given = anchors.filter((anchor) => anchor.from === 'given' && (anchor.size >= start || roots.has(anchor.size)));
  const covered = given.length === 0 ? {} : { covered: Math.max(...given.map((anchor) => anchor.size)) };
  const verdict = verdictOf(walked, anchors) ?? { status: 'intact' };
  return { size, ...covered, ...verdict, epochs: [...epochs] };
}

function missingStart({ start, droppedUpTo }: Walked): Verdict | undefined {
  if (start <= droppedUpTo) return undefined;
  const message = `Entries ${droppedUpTo + 1} to ${start} are missing, and no entry says that they were dropped.`;
  return { status: 'altered', from: droppedUpTo + 1, to: start, message };
}

function verdictOf(walked: Walked, anchors: readonly Anchor[]): Verdict | undefined {
  const trusted = anchors.filter(({ from }) => from !== 'stored');
  const decided = compare(walked, trusted) ?? missingStart(walked);
  if (decided !== undefined) return decided;
  const proved = largest(trusted.filter((anchor) => agrees(walked, anchor)));
  if (walked.fault !== undefined) {
    if (walked.fault.part !== 'segment' || walked.fault.seq > proved) return ofFault(walked, walked.fault, anchors);
    return {
      status: 'intact',
      message: `${walked.fault.message} The entries are as they were; that root was changed.`,
    };
  }
  const stored = anchors.filter(({ from }) => from === 'stored');
  const changed = stored.find((anchor) => anchor.size <= proved && disagrees(walked, anchor));
  if (changed === undefined) return compare(walked, [...stored, ...trusted]);
  const message = `The entries are as they were; the checkpoint of ${changed.size} entries stored beside them was changed.`;
  return { status: 'intact', message };
}

/** Where a fault lies: at the entry itself where a head vouches for the hashes of all others, else perhaps before it. */
function ofFault(walked: Walked, { seq, part, message }: ChainFault, anchors: readonly Anchor[]): Verdict {
  const status = part === 'end' ? 'truncated' : 'altered';
  const trusted = anchors.filter(({ from }) => from !== 'stored');
  const agreed = (trusted.length > 0 ? trusted : anchors).filter((anchor) => agrees(walked, anchor));
  if (agreed.some(({ size }) => size >= seq) && part === 'entry') return { status, from: seq, to: seq, message };
  return { status, from: largest(agreed.filter(({ size }) => size < seq)) + 1, to: seq, message };
}

/** The worst that any of the heads says. */
function compare(walked: Walked, anchors: readonly Anchor[]): Verdict | undefined {
  const bySize = anchors.filter((anchor) => disagrees(walked, anchor)).sort((a, b) => a.size - b.size);
  const verdicts = bySize.map((anchor) => explain(walked, anchors, anchor));
  for (const status of ['altered', 'truncated', 'restored'] as const) {
    const worst = verdicts.find((verdict) => verdict.status === status);
    if (worst !== undefined) return worst;
  }
  return undefined;
}

function explain(walked: Walked, anchors: readonly Anchor[], anchor: Anchor): Verdict {
  const vouched = largest(anchors.filter((each) => each.size < anchor.size && agrees(walked, each)));
  // No head tells whether what is not there was dropped or taken away.
  const agreed = walked.start > walked.droppedUpTo ? Math.min(vouched, walked.droppedUpTo) : vouched;
  // A head of an earlier life binds only what was in the backup.
  const restored = walked.epochs[anchor.life - walked.firstLife];
  if (anchor.life < walked.firstLife || (restored !== undefined && restored.size < anchor.size)) {
    const message = `The store was restored from a backup; the head of ${anchor.size} entries belongs to what came after that backup and is gone.`;
    return { status: 'restored', from: restored?.seq ?? agreed + 1, to: anchor.size, message };
  }
  const fault = walked.fault?.seq ?? Number.POSITIVE_INFINITY;
  if (anchor.size > walked.size && fault > walked.size) {
    const message = `Entries ${walked.size + 1} to ${anchor.size} are missing at the end.`;
    return { status: 'truncated', from: agreed + 1, to: walked.size + 1, message };
  }
  const message = `The first ${anchor.size} entries do not have the root that the head of ${anchor.size} names.`;
  const shows = fault <= anchor.size ? ` ${walked.fault?.message}` : '';
  return { status: 'altered', from: agreed + 1, to: Math.min(anchor.size, fault), message: message + shows };
}

function largest(anchors: readonly Anchor[]): number {
  return Math.max(0, ...anchors.map(({ size }) => size));
}

function isComparable(walked: Walked, { size }: Anchor): boolean {
  return size > walked.size || walked.roots.has(size);
}

function agrees({ roots }: Walked, { size, root }: Anchor): boolean {
  const found = roots.get(size);
  return found !== undefined && Buffer.from(found).equals(root);
}

function disagrees(walked: Walked, anchor: Anchor): boolean {
  return isComparable(walked, anchor) && !agrees(walked, anchor);
}
