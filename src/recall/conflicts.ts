import type { Memory } from '../domain/memory';
import type { Caller } from '../domain/scope';
import type { StatementDifference } from '../keyword-index/statement';
import { unchangedMemory } from './duplicates';
import type { ReadContext } from './read-context';
import type { StatedMemory, StatementFinder } from './statement-finder';
import { type ScanRequest, scanStatements } from './statement-scan';

/** Two memories that say different things about one subject. */
export interface Conflict<M = unknown> {
  /** The memory that was stored later. */
  newer: Memory<M>;
  older: Memory<M>;
  /** What differs: numbers, names, other words, or that one text negates what the other says. */
  kind: 'number' | 'name' | 'value' | 'negation';
  /** The different words, as they stand in each text. Of a negation, one of the lists is empty. */
  differs: { newer: string[]; older: string[] };
}

/** One page of `conflicts`. */
export interface ConflictsPage<M = unknown> {
  /** May be empty although `nextCursor` is present: a page compares at most 1,000 memories. */
  conflicts: Conflict<M>[];
  /** Pass it as `cursor` to read the next page. Absent on the last page. */
  nextCursor?: string;
}

// Two texts about one subject with different values can be rather far from each other: 'uses pnpm' and 'uses yarn' have a cosine of 0.62.
const leastCosine = 0.5;
const maxCompared = 128;
const maxConflicts = 8;

interface FoundConflict {
  readonly newer: StatedMemory;
  readonly older: StatedMemory;
  readonly difference: StatementDifference;
}

/** Lists pairs of memories that say different things about one subject, the pair with the latest memory first. */
export async function conflicts(context: ReadContext, caller: Caller, request: ScanRequest): Promise<ConflictsPage> {
  const { found, nextCursor } = await scanStatements(context, caller, request, {
    call: 'conflicts',
    order: 'newest',
    compare: conflictsOf,
  });
  const results = context.snapshot(() => found.flatMap((each) => resultOf(context, caller, each)));
  return nextCursor === undefined ? { conflicts: results } : { conflicts: results, nextCursor };
}

/** The earlier memories that a memory contradicts, those that share most words first. */
function conflictsOf(finder: StatementFinder, newer: StatedMemory): readonly FoundConflict[] {
  const { record, statement } = newer;
  const least = Math.ceil(statement.searchWords.length / 2);
  const rows = finder.rowsLike(statement, least, record, (row) => row < record.row).slice(0, maxCompared);
  const found: FoundConflict[] = [];
  for (const row of rows) {
    const older = finder.of(row);
    if (older === undefined || older.record.user_id !== record.user_id || !areTrueTogether(newer, older)) continue;
    const difference = statement.differenceFrom(older.statement);
    if (difference === undefined) continue;
    const cosine = finder.cosine(newer, older);
    if (cosine !== undefined && cosine < leastCosine) continue;
    found.push({ newer, older, difference });
    if (found.length === maxConflicts) break;
  }
  return found;
}

/** Whether there is a time at which both are said to be true. */
function areTrueTogether({ record: a }: StatedMemory, { record: b }: StatedMemory): boolean {
  const end = Math.min(a.valid_to ?? Number.POSITIVE_INFINITY, b.valid_to ?? Number.POSITIVE_INFINITY);
  return Math.max(a.valid_from, b.valid_from) < end;
}

function resultOf(context: ReadContext, caller: Caller, { newer, older, difference }: FoundConflict): Conflict[] {
  const [first] = unchangedMemory(context, caller, newer.record);
  const [second] = unchangedMemory(context, caller, older.record);
  if (first === undefined || second === undefined) return [];
  const { kind, own, others } = difference;
  return [{ newer: first, older: second, kind, differs: { newer: [...own], older: [...others] } }];
}
