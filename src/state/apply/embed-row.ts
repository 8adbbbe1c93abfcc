import type { ChunkVectors } from '../../domain/command';
import { MemoryError } from '../../domain/errors';
import type { MemoryRow } from '../tables/memory-row';
import type { ApplyContext } from './apply-context';

/** Writes a memory's vectors, in the store's space. The first vector of all decides which space that is. */
export function insertVectors(context: ApplyContext, row: number, embedded: ChunkVectors | undefined) {
  if (embedded === undefined) return { space: null, chunks: 0 };
  const { interning, writer } = context;
  const space = interning.currentSpace?.id ?? interning.internSpace(embedded.space);
  writer.insertVectors(row, space, embedded);
  return { space, chunks: embedded.vectors.length };
}

/** Takes away a memory's vectors in every space. */
export function removeVectors({ writer, embeddedTable }: ApplyContext, record: Pick<MemoryRow, 'row' | 'space'>): void {
  const { row, space } = record;
  if (space !== null) writer.deleteVectors(row, space);
  for (const line of embeddedTable.ofRow(row)) writer.deleteVectors(row, line.space);
  embeddedTable.deleteOfRow(row);
}

/** @throws EMBEDDER_MISMATCH where the vectors are of another space than the store's. */
export function assertSpace({ interning }: ApplyContext, embedded: ChunkVectors | undefined): void {
  const current = interning.currentSpace?.name;
  if (embedded === undefined || current === undefined) return;
  const { model, dimensions } = embedded.space;
  if (model === current.model && dimensions === current.dimensions) return;
  const message = `The vector comes from ${model} (${dimensions} dimensions), the store's vectors from ${current.model} (${current.dimensions}): vectors compare only inside one space.`;
  throw new MemoryError('EMBEDDER_MISMATCH', message);
}
