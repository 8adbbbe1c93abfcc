import type { RowEmbedding, SpaceName, Stamp } from '../../domain/command';
import { invalidInput, MemoryError } from '../../domain/errors';
import { isRoot } from '../../domain/principal';
import type { Space } from '../tables/interning';
import { maxSpaces } from '../tables/vector-table';
import type { ApplyContext } from './apply-context';

/**
 * Begins the move to an embedding space, that is, to vectors from another model. If an earlier move to this space was aborted, it
 * continues with the vectors that already exist. In a rollback, the previous space keeps its role until searches use it again, so an
 * aborted rollback changes nothing.
 */
export function beginSpace(context: ApplyContext, name: SpaceName, stamp: Stamp): void {
  assertRoot(stamp);
  const { interning } = context;
  const next = interning.spaceInRole('next');
  const known = interning.findSpace(name);
  if (known !== undefined) return;
  if (next !== undefined) {
    const message = `expected ${next.name.model}, to which the store is moving, got ${name.model}. Complete or cancel that move first.`;
    throw invalidInput([{ path: ['embedder'], message }], 'embedder');
  }
  const previous = interning.spaceInRole('previous');
  if (previous !== undefined) {
    const message = `got ${name.model}, but the store keeps the vectors made with ${previous.name.model} for a rollback. Call dropUnusedSpaces first.`;
    throw invalidInput([{ path: ['embedder'], message }], 'embedder');
  }
  if (interning.spaceCount === maxSpaces) {
    const message = `expected at most ${maxSpaces} embedding spaces in the life of a store, got number ${maxSpaces + 1}. Export the memories and import them into a new store.`;
    throw invalidInput([{ path: ['embedder'], message }], 'embedder');
  }
  interning.internSpace(name, 'next');
}

/** Memories that were already stored and then got vectors in another space. */
export interface EmbeddedRows {
  readonly space: number;
  readonly rows: readonly number[];
  /** The number of this step, from the same sequence as the changes. */
  readonly changeSeq: number;
}

/** Adds vectors in a space to stored memories. Skips memories whose text has changed since they were read. */
export function embedRows(
  context: ApplyContext,
  name: SpaceName,
  memories: readonly RowEmbedding[],
  stamp: Stamp,
): EmbeddedRows {
  assertRoot(stamp);
  const space = targetSpace(context, name);
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
 * Makes searches use another space, and keeps the one used so far as the previous space.
 *
 * @param checkedThrough The sender of the command has checked that all memories up to this change have vectors in the space.
 * @returns false, and changes nothing, if a memory that changed later lacks vectors in the space
 */
export function switchSpace(context: ApplyContext, name: SpaceName, checkedThrough: number, stamp: Stamp): boolean {
  assertRoot(stamp);
  const { interning, coverage } = context;
  const space = interning.findSpace(name);
  if (space?.role === 'current') return false;
  const target = targetSpace(context, name);
  if (coverage.missingSince(target.id, checkedThrough).length > 0) return false;
  const current = interning.currentSpace;
  interning.giveRole(target.id, 'current');
  if (current !== undefined) interning.giveRole(current.id, 'previous');
  return true;
}

/**
 * Deletes vectors for a range of rows from a space that searches do not use. Once the first range is deleted, no new vectors are
 * written to the space. If a memory's first vectors were in this space, its row now names the current space instead.
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
  if (current === undefined || current.id === id || !interning.isSpace(id)) throw notDroppable(id);
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

/** Another peer may have moved the store back to the space meanwhile. An error of another kind would stop every peer. */
function notDroppable(id: number): MemoryError {
  const message = `expected an embedding space that searches do not use, got number ${id}. Call dropUnusedSpaces again.`;
  return invalidInput([{ path: ['space'], message }], 'call');
}

function targetSpace({ interning }: ApplyContext, name: SpaceName): Space {
  const space = interning.findSpace(name);
  if (space !== undefined && space.role !== 'current') return space;
  const message = `The store is not moving to ${name.model}. Call reembed to begin.`;
  throw new MemoryError('EMBEDDER_MISMATCH', message);
}

function assertRoot({ by }: Stamp): void {
  if (!isRoot(by)) throw new MemoryError('FORBIDDEN', 'Not allowed to change the embedding space: only the host may.');
}
