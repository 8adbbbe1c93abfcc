import type { Interning } from './interning';
import type { Record } from './record';
import type { RecordSeal } from './record-seal';
import type { Tables } from './schema';

/** What is kept of a memory's past. */
export interface History {
  readonly revisions: readonly Tables['revisions'][];
  /** Its lines in the feed of changes. */
  readonly lines: readonly Tables['changes'][];
}

type Earlier = ReadonlyMap<number, Record | undefined>;

/** What is wrong with the past of an intact record, a sentence each. */
export function historyDamage(
  record: Record,
  { revisions, lines }: History,
  { seal, interning }: { seal: RecordSeal; interning: Interning },
): string[] {
  const earlier: Earlier = new Map(revisions.map((each) => [each.revision, opened(each, record, seal)]));
  return [...revisionDamage(record, earlier), ...feedDamage(record, earlier, lines, interning)];
}

function opened(stored: Tables['revisions'], latest: Record, seal: RecordSeal): Record | undefined {
  try {
    const record: Record = JSON.parse(stored.record);
    const isOfMemory = record.id === latest.id && record.row === stored.row && record.revision === stored.revision;
    return isOfMemory && seal.isIntact(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

function revisionDamage({ state, revision: latest }: Record, earlier: Earlier): string[] {
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
  record: Record,
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

function isSound(line: Tables['changes'], made: Record | undefined, interning: Interning): boolean {
  const { scope, owner, by } = line;
  if (interning.describe({ scope, owner, author: by }) === undefined) return false;
  return made === undefined || tellsOf(line, made);
}

/** Whether a line is the one that was written with that record. */
function tellsOf(line: Tables['changes'], record: Record): boolean {
  const { row, revision, entry, updated_at, scope, owner, author, state } = record;
  const type = revision === 1 ? 'stored' : state === 'forgotten' ? 'forgotten' : 'revised';
  const isSame = line.row === row && line.entry === entry && line.at === updated_at && line.type === type;
  return isSame && line.scope === scope && line.owner === owner && (revision > 1 || line.by === author);
}
