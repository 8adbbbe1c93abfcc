import type { Interning } from '../tables/interning';
import type { MemoryRow, RowChecksum } from '../tables/memory-row';
import { decodeRevision } from '../tables/revision-record';
import type { Tables } from '../tables/schema';

/** The stored history of a memory. */
export interface History {
  readonly revisions: readonly Tables['revisions'][];
  /** The memory's lines in the change feed. */
  readonly lines: readonly Tables['changes'][];
}

type Earlier = ReadonlyMap<number, MemoryRow | undefined>;

/** Finds problems in the history of an intact record. Each is described in one sentence. */
export function historyDamage(
  record: MemoryRow,
  { revisions, lines }: History,
  { rowChecksum, interning }: { rowChecksum: RowChecksum; interning: Interning },
): string[] {
  const earlier = new Map<number, MemoryRow | undefined>();
  let next: MemoryRow | undefined = record;
  for (const stored of [...revisions].sort((a, b) => b.revision - a.revision)) {
    next = decodeRevision(stored, next);
    earlier.set(stored.revision, next && intactRevision(next, stored, record, rowChecksum));
  }
  return [...revisionDamage(record, earlier), ...feedDamage(record, earlier, lines, interning)];
}

function intactRevision(
  record: MemoryRow,
  stored: Tables['revisions'],
  latest: MemoryRow,
  rowChecksum: RowChecksum,
): MemoryRow | undefined {
  if (record.id !== latest.id || record.row !== stored.row || record.revision !== stored.revision) return undefined;
  return rowChecksum.isIntact(record) ? record : undefined;
}

function revisionDamage({ state, revision: latest }: MemoryRow, earlier: Earlier): string[] {
  // A forgotten memory keeps no revisions.
  const kept = state === 'forgotten' ? 0 : latest - 1;
  const damage: string[] = [];
  for (let revision = 1; revision <= kept; revision++) {
    if (earlier.get(revision) !== undefined) continue;
    damage.push(`Revision ${revision} ${earlier.has(revision) ? 'does not match its checksum' : 'is missing'}.`);
  }
  if (earlier.size > kept && damage.length === 0) damage.push('The record has more revisions than were written.');
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
  // If a record was damaged when it was forgotten, its earlier lines in the feed cannot be found any more.
  const first = record.state === 'forgotten' ? record.revision : 1;
  for (let revision = first; revision <= record.revision; revision++) {
    const line = byRevision.get(revision);
    const made = revision === record.revision ? record : earlier.get(revision);
    if (line !== undefined && isIntactLine(line, made, interning)) continue;
    damage.push(`The line of revision ${revision} in the change feed ${line ? 'is damaged' : 'is missing'}.`);
  }
  if (byRevision.size > record.revision)
    damage.push('The change feed has lines for revisions that were never written.');
  return damage;
}

function isIntactLine(line: Tables['changes'], made: MemoryRow | undefined, interning: Interning): boolean {
  const { label_set, owner, by } = line;
  if (interning.describe({ label_set, owner, author: by }) === undefined) return false;
  return made === undefined || matchesRecord(line, made);
}

/** Checks whether a line was written together with a record. */
function matchesRecord(line: Tables['changes'], record: MemoryRow): boolean {
  const { row, revision, change_seq, updated_at, label_set, owner, author, state } = record;
  const type = revision === 1 ? 'stored' : state === 'forgotten' ? 'forgotten' : 'revised';
  const isSame = line.row === row && line.change_seq === change_seq && line.at === updated_at && line.type === type;
  return isSame && line.label_set === label_set && line.owner === owner && (revision > 1 || line.by === author);
}
