import type { RowEmbedding, SpaceName, Stamp } from '../../domain/command';
import { invalidInput, MemoryError } from '../../domain/errors';
import { isRoot } from '../../domain/principal';
import type { Space } from '../tables/interning';
import { maxSpaces } from '../tables/vector-table';
import type { ApplyContext } from './apply-context';

/**
 * Begins to fill a space, or goes on with it. What was filled before, because filling it was broken off, stays. The space that the
 * store came from remains that until it is searched again: a way back that is given up leaves everything as it was.
 */
export function beginSpace(context: ApplyContext, name: SpaceName, stamp: Stamp): void {
  assertRoot(stamp);
  const { interning } = context;
  const next = interning.spaceInRole('next');
  const known = interning.findSpace(name);
  if (known !== undefined) return;
  if (next !== undefined) {
    const message = `would be ${name.model}, while the store is on its way to ${next.name.model}: let that end, or cancel it, first.`;
    throw invalidInput([{ path: ['embedder'], message }], 'new embedding space');
  }
  const previous = interning.spaceInRole('previous');
  if (previous !== undefined) {
    const message = `would be ${name.model}, while the vectors of ${previous.name.model} are kept to go back to: drop these first.`;
    throw invalidInput([{ path: ['embedder'], message }], 'new embedding space');
  }
  if (interning.spaceCount === maxSpaces) {
    const message = `would be number ${maxSpaces + 1} of this store, and it can tell ${maxSpaces} apart, dropped ones included: export its memories and import them into a new store.`;
    throw invalidInput([{ path: ['embedder'], message }], 'new embedding space');
  }
  interning.internSpace(name, 'next');
}

/** Vectors that were made of memories that were stored before. */
export interface EmbeddedRows {
  readonly space: number;
  readonly rows: readonly number[];
  /** In one order with the changes. */
  readonly changeSeq: number;
}

/** Gives memories their vectors in a space. One whose text has changed since it was read is passed over. */
export function embedRows(
  context: ApplyContext,
  name: SpaceName,
  memories: readonly RowEmbedding[],
  stamp: Stamp,
): EmbeddedRows {
  assertRoot(stamp);
  const space = filled(context, name);
  const rows: number[] = [];
  const seq = context.nextSeq();
  for (const { row, text, vectors } of memories) {
    const record = context.records.intactByRow(row);
    if (record?.text !== text || record.chunks === 0 || record.space === space.id) continue;
    if (context.coverage.ofRow(row).some((line) => line.space === space.id)) continue;
    context.writer.insertVectors(row, space.id, { space: name, vectors });
    context.coverage.insert({ space: space.id, row, chunks: vectors.length, change_seq: seq });
    rows.push(row);
  }
  context.coverage.setChangeSeq({ space: space.id, change_seq: seq });
  return { space: space.id, rows, changeSeq: seq };
}

/**
 * Makes a space the store's, and keeps the one before.
 *
 * @param checkedThrough The change up to which the proposer has seen that no memory lacks its vectors there.
 * @returns false, and nothing done, where a later change has made one that does.
 */
export function switchSpace(context: ApplyContext, name: SpaceName, checkedThrough: number, stamp: Stamp): boolean {
  assertRoot(stamp);
  const { interning, coverage } = context;
  const space = interning.findSpace(name);
  if (space?.role === 'current') return false;
  const target = filled(context, name);
  if (coverage.missingSince(target.id, checkedThrough).length > 0) return false;
  const current = interning.currentSpace;
  interning.giveRole(target.id, 'current');
  if (current !== undefined) interning.giveRole(current.id, 'previous');
  return true;
}

/**
 * Drops the vectors of the memories in a range of rows, in a space that is not the store's. From the first range on, nothing more
 * is written to it. A memory that got its first vectors there has those of the store's space from now on.
 */
export function dropSpace(
  context: ApplyContext,
  id: number,
  { after, upTo, isLast }: { readonly after: number; readonly upTo: number; readonly isLast: boolean },
  stamp: Stamp,
): void {
  assertRoot(stamp);
  const { interning, coverage, writer, rowChecksum, records } = context;
  const current = interning.currentSpace;
  if (current === undefined || current.id === id) throw new Error(`Space ${id} is the one that is searched.`);
  interning.giveRole(id, isLast ? 'dropped' : 'dropping');
  if (upTo > after) writer.deleteVectors(after + 1, id, upTo);
  for (let row = after + 1; row <= upTo; row++) {
    const record = records.intactByRow(row);
    if (record !== undefined && record.space === id) {
      const chunks = coverage.ofRow(row).find((line) => line.space === current.id)?.chunks ?? 0;
      coverage.delete({ row, space: current.id });
      const { checksum: _, ...rest } = record;
      writer.replaceRecord(
        rowChecksum.addChecksum({ ...rest, space: chunks === 0 ? null : current.id, chunks }),
        false,
      );
    } else coverage.delete({ row, space: id });
  }
}

function filled({ interning }: ApplyContext, name: SpaceName): Space {
  const space = interning.findSpace(name);
  if (space !== undefined && space.role !== 'current') return space;
  const message = `The store is not on its way to ${name.model}: begin again, with reembed.`;
  throw new MemoryError('EMBEDDER_MISMATCH', message);
}

function assertRoot({ by }: Stamp): void {
  if (!isRoot(by)) throw new MemoryError('FORBIDDEN', 'Only who opens the folder changes its embedding space.');
}
