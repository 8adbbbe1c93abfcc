import type { RevertConflict } from '../../domain/incident';
import type { ContainedRow, IncidentRow, Incidents } from '../tables/incidents';
import type { MemoryRow } from '../tables/memory-row';
import type { ChangeLine, ChangeQueries } from './change-queries';
import type { ContainmentQueries } from './containment-queries';
import { supersededBy } from './incident-view';
import type { MemoryQueries } from './memory-queries';

interface Tables {
  readonly incidents: Pick<Incidents, 'ofIncident'>;
  readonly records: Pick<MemoryQueries, 'intactByRow' | 'unchecked' | 'uncheckedByKey'>;
  readonly changes: Pick<ChangeQueries, 'ofRecord' | 'revision'>;
  readonly containment: Pick<ContainmentQueries, 'changesBy'>;
}

/** A memory to restore. */
export interface Restoration {
  readonly record: MemoryRow;
  /** The revision to restore. */
  readonly before: MemoryRow;
  /** The actors whose changes are undone. */
  readonly undone: readonly number[];
}

/** What `revert` restores, and what it leaves. */
export interface RevertPlan {
  readonly restorations: readonly Restoration[];
  readonly conflicts: readonly RevertConflict[];
}

type Outcome = Restoration | RevertConflict['obstacle'];

/** Plans how to undo the changes that the principals of an incident made to memories, and the supersedes by memories that it holds. */
export function revertPlan(tables: Tables, incident: IncidentRow): RevertPlan {
  const authors = new Set<number>(JSON.parse(incident.authors));
  const lines = tables.incidents.ofIncident(incident.number).filter(({ reason }) => reason !== 'returned');
  const first = firstChanges(tables, incident, authors, lines);
  const restorations: Restoration[] = [];
  const conflicts: RevertConflict[] = [];
  for (const [row, revision] of [...first].sort(([a], [b]) => a - b)) {
    const record = tables.records.intactByRow(row);
    if (record === undefined) continue;
    const outcome = restorationOf(tables, record, revision, authors);
    if (typeof outcome === 'string') conflicts.push({ id: record.id, obstacle: outcome });
    else restorations.push(outcome);
  }
  return { restorations, conflicts };
}

/** The first revision to undo of each row. */
function firstChanges(
  tables: Tables,
  { since, at }: IncidentRow,
  authors: ReadonlySet<number>,
  lines: readonly ContainedRow[],
): Map<number, number> {
  const { containment, records, changes } = tables;
  const first = new Map<number, number>();
  // What the principals stored themselves is contained as a whole.
  const own = new Set(lines.flatMap(({ row, reason }) => (reason === 'selected' ? [row] : [])));
  const changed = authors.size === 0 ? [] : containment.changesBy([...authors], since ?? undefined);
  for (const { row, revision } of changed) if (!first.has(row) && !own.has(row)) first.set(row, revision);
  const held = lines.flatMap(({ row }) => records.intactByRow(row) ?? []);
  for (const target of supersededBy(tables, held)) {
    if (first.has(target.row)) continue;
    const superseding = changes.ofRecord(target).filter((line) => {
      const then = line.revision === target.revision ? target : changes.revision(line.row, line.revision);
      return line.at <= at && then?.superseded_by === target.superseded_by;
    });
    const revision = superseding[0]?.revision;
    if (revision !== undefined && revision > 1) first.set(target.row, revision);
  }
  return first;
}

function restorationOf(tables: Tables, record: MemoryRow, first: number, authors: ReadonlySet<number>): Outcome {
  const { changes, records } = tables;
  const revisionAt = (revision: number) =>
    revision === record.revision ? record : changes.revision(record.row, revision);
  const lines = changes.ofRecord(record).filter(({ revision }) => revision >= first);
  const writers = lines.filter((line) => !isOfContainment(line, revisionAt));
  const isUndone = (line: ChangeLine) => line.revision === first || authors.has(line.by);
  if (!writers.every(isUndone)) return 'changed since';
  const before = revisionAt(first - 1);
  if (before === undefined) return 'missing revision';
  if (before.key !== null) {
    const taken = records.uncheckedByKey(before.label_set, before.owner, before.key);
    if (taken !== undefined && taken.row !== record.row) return 'key taken';
  }
  return { record, before, undone: [...new Set(writers.map(({ by }) => by))] };
}

/** Checks whether a change only put a memory into quarantine, or took it out. */
function isOfContainment({ revision }: ChangeLine, revisionAt: (revision: number) => MemoryRow | undefined): boolean {
  const [before, after] = [revisionAt(revision - 1), revisionAt(revision)];
  if (before === undefined || after === undefined) return false;
  return before.state !== after.state && (before.state === 'quarantined' || after.state === 'quarantined');
}
