import type { Interning } from '../tables/interning';
import type { MemoryRow, RowChecksum } from '../tables/memory-row';
import type { Tables } from '../tables/schema';

/** What is kept of a memory's past. */
export interface History {
  readonly revisions: readonly Tables['revisions'][];
  /** Its lines in the feed of changes. */
  readonly lines: readonly Tables['changes'][];
}

type Earlier = ReadonlyMap<number, MemoryRow | undefined>;

/** What is wrong with the past of an intact record, a sentence each. */
export function historyDamage(
  record: MemoryRow,
  { revisions, lines }: History,
  { rowChecksum, interning }: { rowChecksum: RowChecksum; interning: Interning },
): string[] {
  const earlier: Earlier = new Map(revisions.map((each) => [each.revision, opened(each, record, rowChecksum)]));
  return [...revisionDamage(record, earlier), ...feedDamage(record, earlier, lines, interning)];
}

function opened(stored: Tables['revisions'], latest: MemoryRow, rowChecksum: RowChecksum): MemoryRow | undefined {
  try {
    const record: MemoryRow = JSON.parse(stored.record);
    const isOfMemory = record.id === latest.id && record.row === stored.row && record.revision === stored.revision;
    return isOfMemory && rowChecksum.isIntact(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

function revisionDamage({ state, revision: latest }: MemoryRow, earlier: Earlier): string[] {
  // Nothing is kept of what is forgotten.
  const kept = state === 'forgotten' ? 0 : latest - 1;
  const damage: string[] = [];
  for (let revision = 1; revision <= kept; revision++) {
    if (earlier.get(revision) !== undefined) continue;
    damage.push(`Revision ${revision} ${earlier.has(revision) ? 'does not match its checksum' : 'is missing'}.`);
  }
  if (earlier.size > kept && damage.length === 0) damage.push('It has revisions that were never made.');
  return damage;
}

function feedDamage(
  record: MemoryRow,
  earlier: Earlier,
  lines: readonly Tables['changes'][],
  interning: Interning,
): string[] {
  const byRevision = new Map(lines.map((line) => [line.revision, line]));
  const damage: string[] = [];
  // Of a forgotten memory whose record was damaged, nothing tells where its lines began.
  const first = record.state === 'forgotten' ? record.revision : 1;
  for (let revision = first; revision <= record.revision; revision++) {
    const line = byRevision.get(revision);
    const made = revision === record.revision ? record : earlier.get(revision);
    if (line !== undefined && isSound(line, made, interning)) continue;
    damage.push(`The line of revision ${revision} in the feed of changes ${line ? 'is damaged' : 'is missing'}.`);
  }
  if (byRevision.size > record.revision)
    damage.push('The feed of changes has lines of revisions that were never made.');
  return damage;
}

function isSound(line: Tables['changes'], made: MemoryRow | undefined, interning: Interning): boolean {
  const { label_set, owner, by } = line;
  if (interning.describe({ label_set, owner, author: by }) === undefined) return false;
  return made === undefined || tellsOf(line, made);
}

/** Whether a line is the one that was written with that record. */
function tellsOf(line: Tables['changes'], record: MemoryRow): boolean {
  const { row, revision, change_seq, updated_at, label_set, owner, author, state } = record;
  const type = revision === 1 ? 'stored' : state === 'forgotten' ? 'forgotten' : 'revised';
  const isSame = line.row === row && line.change_seq === change_seq && line.at === updated_at && line.type === type;
  return isSame && line.label_set === label_set && line.owner === owner && (revision > 1 || line.by === author);
}
