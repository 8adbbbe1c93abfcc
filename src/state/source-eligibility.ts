import type { TrustLevel } from '../domain/trust';
import type { Derivations } from './tables/derivations';
import type { MemoryRow } from './tables/memory-row';

/** Why a memory is never a source of a fact, whatever happens to other memories. */
export type Ineligibility = 'kind' | 'untrusted' | 'pinned' | 'key' | 'metadata' | 'ended' | 'depth';

type EligibilityColumns = Pick<
  MemoryRow,
  'row' | 'kind' | 'source_channel' | 'pinned' | 'key' | 'metadata' | 'valid_to'
>;

/**
 * The reason for which a memory cannot be a source of a fact. Undefined if it can: it is an event, or itself a fact.
 *
 * @param trust Its trust now.
 */
export function ineligibility(
  row: EligibilityColumns,
  trust: TrustLevel,
  derivations: Pick<Derivations, 'ofRow'>,
): Ineligibility | undefined {
  if (row.kind !== 'episodic' && !isFact(row)) return 'kind';
  if (trust === 0) return 'untrusted';
  if (row.pinned !== null) return 'pinned';
  if (row.key !== null) return 'key';
  if (row.metadata !== '{}') return 'metadata';
  if (row.valid_to !== null) return 'ended';
  return isFact(row) && factDepth(row, derivations) >= maxFactDepth ? 'depth' : undefined;
}

/** Whether a memory looks like a fact that a consolidation has made. */
export function isFact({ kind, source_channel }: Pick<MemoryRow, 'kind' | 'source_channel'>): boolean {
  return kind === 'summary' && source_channel === 'consolidation';
}

/** The fields that must be equal in all sources of a fact, so that no fact is read by others, or said of others, than its sources. */
export function groupKeyOf(
  row: Pick<MemoryRow, 'label_set' | 'owner' | 'user_id' | 'kind'>,
  trust: TrustLevel,
): string {
  return JSON.stringify([row.label_set, row.owner, row.user_id, row.kind, trust]);
}

/** Facts may be made from facts, and these from facts: so many levels above what was remembered. */
const maxFactDepth = 3;

/** The number of consolidations between what was remembered and a memory: 0 for what was remembered. */
function factDepth({ row }: Pick<MemoryRow, 'row'>, derivations: Pick<Derivations, 'ofRow'>): number {
  let depth = 0;
  let level = new Set([row]);
  while (depth < maxFactDepth) {
    const below = [...level].flatMap((fact) => derivations.ofRow(fact).filter(({ kind }) => kind !== 'derived'));
    if (below.length === 0) return depth;
    level = new Set(below.map(({ source }) => source));
    depth++;
  }
  return depth;
}
