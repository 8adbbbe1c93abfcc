import type { Memory } from '../domain/memory';
import type { Caller } from '../domain/scope';
import { findRecord } from './get';
import type { ReadContext } from './read-context';
import { toMemory } from './recheck';
import type { StatedMemory, StatementFinder } from './statement-finder';
import { type ScanRequest, scanStatements } from './statement-scan';

/** Memories that say the same. */
export interface DuplicateGroup<M = unknown> {
  /** 'exact' if all texts are equal, apart from white space, the first letter and the last full stop. Otherwise 'near'. */
  kind: 'exact' | 'near';
  /** The memories in the order in which they were stored: at least two, and at most 100. */
  memories: Memory<M>[];
  /** Present, and true, if there may be more than 100. */
  more?: boolean;
}

/** One page of `duplicates`. */
export interface DuplicatesPage<M = unknown> {
  /** May be empty although `nextCursor` is present: a page compares at most 1,000 memories. */
  groups: DuplicateGroup<M>[];
  /** Pass it as `cursor` to read the next page. Absent on the last page. */
  nextCursor?: string;
}

const maxMembers = 100;
// Bounds the work for one memory, also where thousands share their words.
const maxComparisons = 1_000;
const maxEarlier = 128;
const maxLater = 256;

interface FoundGroup {
  readonly isExact: boolean;
  readonly isWhole: boolean;
  readonly members: readonly StatedMemory[];
}

/** Lists groups of memories that say the same, in the order of the first memory of each. */
export async function duplicates(context: ReadContext, caller: Caller, request: ScanRequest): Promise<DuplicatesPage> {
  // A memory of a group that was found is not compared again for this page.
  const grouped = new Set<number>();
  const { found, nextCursor } = await scanStatements<FoundGroup>(context, caller, request, {
    call: 'duplicates',
    order: 'oldest',
    compare: (finder, memory) => {
      const group = grouped.has(memory.record.row) ? undefined : groupOf(finder, memory);
      for (const { record } of group?.members ?? []) grouped.add(record.row);
      return group === undefined ? [] : [group];
    },
  });
  const groups = context.snapshot(() => found.flatMap((group) => resultOf(context, caller, group)));
  return nextCursor === undefined ? { groups } : { groups, nextCursor };
}

/** The group that begins with a memory. Undefined if no other says the same, or if the group begins with an earlier one. */
function groupOf(finder: StatementFinder, first: StatedMemory): FoundGroup | undefined {
  const members = [first];
  const rows = new Set([first.record.row]);
  const texts = new Set<string>();
  let isExact = true;
  let comparisons = 0;
  for (let i = 0; i < members.length; i++) {
    const member = members[i] as StatedMemory;
    // Others with this text have the same neighbors.
    if (texts.has(member.record.text)) continue;
    texts.add(member.record.text);
    for (const row of candidatesFor(finder, member, first.record.row)) {
      if (rows.has(row)) continue;
      const isFull = members.length === maxMembers || comparisons++ === maxComparisons;
      if (isFull) return { isExact, isWhole: false, members };
      const other = finder.of(row);
      const nearness = other && finder.nearness(member, other);
      if (other === undefined || nearness === undefined) continue;
      if (row < first.record.row) return undefined;
      rows.add(row);
      members.push(other);
      isExact &&= nearness === 'exact';
    }
  }
  return members.length === 1 ? undefined : { isExact, isWhole: true, members };
}

/** The rows with which a memory is compared: those before the group first, because they show that it begins earlier. */
function candidatesFor(finder: StatementFinder, { record, statement }: StatedMemory, first: number): number[] {
  const rows = finder.rowsLike(statement, statement.leastSearchWords, record, (row) => row !== record.row);
  const earlier = rows.filter((row) => row < first).slice(0, maxEarlier);
  const later = rows.filter((row) => row > first).slice(0, maxLater);
  return [...earlier, ...later.sort((a, b) => a - b)];
}

/** The memories of a group that are as they were compared, and that the caller may still read. */
function resultOf(context: ReadContext, caller: Caller, { isExact, isWhole, members }: FoundGroup): DuplicateGroup[] {
  const memories = members
    .map(({ record }) => record)
    .sort((a, b) => a.created_at - b.created_at || a.row - b.row)
    .flatMap((record) => unchangedMemory(context, caller, record));
  if (memories.length < 2) return [];
  return [{ kind: isExact ? 'exact' : 'near', memories, ...(isWhole ? {} : { more: true }) }];
}

/** Reads a memory that was compared once more. Empty if it has changed since, or if the caller may not read it any more. */
export function unchangedMemory(
  context: ReadContext,
  caller: Caller,
  { id, change_seq }: StatedMemory['record'],
): Memory[] {
  const record = findRecord(context, caller, id, 'ordinary');
  return record?.change_seq === change_seq ? [toMemory(context, caller, record)] : [];
}
