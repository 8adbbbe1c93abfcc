import { laterColumns, type MemoryRow, memoryColumns } from './memory-row';
import type { RevisionsTable } from './schema';

/**
 * The columns that a revision keeps even if the next revision has the same values. A move to another embedding space changes the space and
 * the checksum of the latest row without a new revision, so an earlier revision must not take them from there.
 */
const ownColumns = ['space', 'chunks', 'checksum'] as const;

// The line of the revision holds these two.
const comparedColumns = [...memoryColumns, ...laterColumns].filter(
  (column) => column !== 'row' && column !== 'revision',
);

/**
 * Every 16th revision is kept whole, so that reading an earlier one never takes more than 16 lines, however often the state of a memory
 * has changed.
 */
export const revisionsToWhole = 16;

type ChangedColumns = Partial<MemoryRow>;

const comparedNames: ReadonlySet<string> = new Set([...comparedColumns, ...ownColumns]);

/**
 * Encodes a revision for the table `revisions`. If the next revision has the same text and metadata, only the columns are kept that the
 * next revision changed: a text takes as much room as hundreds of changes of state.
 */
export function encodeRevision(record: MemoryRow, next: MemoryRow): string {
  const isWhole =
    record.text !== next.text || record.metadata !== next.metadata || record.revision % revisionsToWhole === 0;
  if (isWhole) return JSON.stringify(record);
  const changed: Record<string, unknown> = {};
  for (const column of comparedColumns) if (record[column] !== next[column]) changed[column] = record[column];
  for (const column of ownColumns) changed[column] = record[column];
  return JSON.stringify({ changed });
}

/** Checks whether a revision is kept only as the columns that the next revision changed. False for damaged JSON. */
export function isPartial(json: string): boolean {
  return changedColumnsOf(parsed(json)) !== undefined;
}

/**
 * Decodes a line of the table `revisions`. Does not check the checksum of the revision, which covers all of its columns. Undefined if the
 * line is not JSON, or if it needs the next revision and that one is missing. Revisions of earlier releases lack the later columns.
 */
export function decodeRevision(
  { row, revision, record: json }: RevisionsTable,
  next: MemoryRow | undefined,
): MemoryRow | undefined {
  const stored = parsed(json);
  const changed = changedColumnsOf(stored);
  if (changed !== undefined)
    return next?.revision === revision + 1 ? { ...next, ...changed, row, revision } : undefined;
  return stored === undefined ? undefined : ({ trust: null, pinned: null, ...stored } as MemoryRow);
}

function changedColumnsOf(stored: object | undefined): ChangedColumns | undefined {
  const changed: unknown = stored !== undefined && 'changed' in stored ? stored.changed : undefined;
  if (typeof changed !== 'object' || changed === null) return undefined;
  // A damaged name would leave the value of its column to the next revision, which may be the same by chance.
  const isKnown = Object.keys(changed).every((name) => comparedNames.has(name));
  return isKnown && ownColumns.every((column) => column in changed) ? changed : undefined;
}

function parsed(json: string): object | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
