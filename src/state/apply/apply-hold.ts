import type { ChangeOf, Stamp } from '../../domain/command';
import { invalidInput, MemoryError } from '../../domain/errors';
import type { ReleasedHold, StoredHold } from '../../domain/hold';
import { isRoot } from '../../domain/principal';
import { isInScope } from '../../domain/scope';
import { type MemoryRow, scopedFieldsOfRow } from '../tables/memory-row';
import type { ApplyContext } from './apply-context';

/** Begins a legal hold. From now on, whatever it concerns is kept when it is forgotten. */
export function applyHold(context: ApplyContext, { id, matter, scope }: ChangeOf<'hold'>, stamp: Stamp): void {
  assertHost(stamp);
  if (context.holds.isTaken(id)) {
    const message = `expected a new id, got ${id}, which an earlier hold has. Ids must never repeat.`;
    throw invalidInput([{ path: ['newId'], message }], 'hold');
  }
  context.holds.add({ id, matter, scope, since: stamp.at });
}

/**
 * Ends a legal hold, and deletes what was kept only for it.
 *
 * @throws RECORD_DAMAGED if another hold may concern a damaged revision
 */
export function applyReleaseHold(context: ApplyContext, id: string, stamp: Stamp): ReleasedHold {
  assertHost(stamp);
  const { holds } = context;
  // A damaged revision refuses the command, so all are read before the first write.
  const released = rowsHeldOnlyBy(context, id);
  if (released === undefined) return { released: false, forgotten: 0 };
  holds.end(id, stamp.at);
  for (const row of released) {
    holds.drop(row);
    context.erasures.settle(row);
  }
  return { released: true, forgotten: released.length };
}

/**
 * The rows of the withheld memories that no other hold concerns. Undefined if no hold in force has this id.
 *
 * @throws RECORD_DAMAGED if another hold may concern a damaged revision
 */
export function rowsHeldOnlyBy(
  context: Pick<ApplyContext, 'holds' | 'interning'>,
  id: string,
): readonly number[] | undefined {
  const { holds } = context;
  const others = holds.inForce.filter((hold) => hold.id !== id);
  if (others.length === holds.inForce.length) return undefined;
  const isHeld = heldTest(context, others);
  const rows = holds.withheldRows(0, Number.MAX_SAFE_INTEGER);
  return others.length === 0 ? rows : rows.filter((row) => !isHeld(holds.revisionsOf(row)));
}

/**
 * Keeps all revisions of a memory that is being forgotten, if a hold concerns one of them. An earlier revision counts, too: a new tag or
 * another namespace must not take a memory out of a hold. A damaged revision may be one that the hold concerns.
 *
 * @returns true if the revisions are kept
 */
export function withholdHeld(context: ApplyContext, record: MemoryRow): boolean {
  const { holds } = context;
  if (!isHeld(context, record)) return false;
  holds.withhold(
    record,
    context.earlierRevisions(record).filter((each) => each !== undefined),
  );
  return true;
}

/** Checks whether a hold concerns a memory, or one of its earlier revisions. */
export function isHeld(context: HoldContext, record: MemoryRow): boolean {
  const { holds } = context;
  if (holds.inForce.length === 0) return false;
  const earlier = context.earlierRevisions(record);
  const intact = earlier.filter((each) => each !== undefined);
  return intact.length < earlier.length || heldTest(context, holds.inForce)([...intact, record]);
}

type HoldContext = Pick<ApplyContext, 'holds' | 'interning' | 'earlierRevisions'>;

function heldTest(
  context: Pick<ApplyContext, 'interning'>,
  holds: readonly StoredHold[],
): (revisions: readonly MemoryRow[]) => boolean {
  return (revisions) =>
    revisions.some((each) => {
      const fields = scopedFieldsOfRow(context, each);
      return holds.some(({ scope }) => isInScope(scope, fields));
    });
}

function assertHost({ by }: Stamp): void {
  if (!isRoot(by)) throw new MemoryError('FORBIDDEN', 'Only the host may begin or end a legal hold.');
}
