import type { Embedded, SpaceName } from '../domain/command';
import { MemoryError } from '../domain/errors';
import type { ApplyContext } from './apply-context';
import type { Record } from './record';

/**
 * Writes a memory's vectors: those in the store's space, which make its record, and those in spaces that the store is on its way
 * to or came from. The first vector of all decides which space is the store's.
 */
export function insertVectors(context: ApplyContext, row: number, embedded: readonly Embedded[]) {
  const [first] = embedded;
  if (first === undefined) return { space: null, parts: 0 };
  const { interning, writer } = context;
  const current = interning.currentSpace?.id ?? interning.internSpace(first.space);
  let parts = 0;
  for (const each of embedded) {
    const space = interning.findSpace(each.space)?.id;
    if (space === undefined) continue;
    writer.insertVectors(row, space, each);
    if (space === current) parts = each.vectors.length;
    else context.embedded.insert({ space, row, parts: each.vectors.length });
  }
  return { space: current, parts };
}

/** Takes away a memory's vectors in every space. */
export function removeVectors({ writer, embedded }: ApplyContext, record: Pick<Record, 'row' | 'space'>): void {
  const { row, space } = record;
  if (space !== null) writer.deleteVectors(row, space);
  for (const line of embedded.ofRow(row)) writer.deleteVectors(row, line.space);
  embedded.deleteOfRow(row);
}

/** @throws EMBEDDER_MISMATCH where vectors are given, and none in the store's space. */
export function assertSpace({ interning }: ApplyContext, embedded: readonly Embedded[]): void {
  const current = interning.currentSpace?.name;
  const [first] = embedded;
  if (first === undefined || current === undefined) return;
  if (embedded.some(({ space }) => isSame(space, current))) return;
  const { model, dimensions } = first.space;
  const message = `The vector comes from ${model} (${dimensions} dimensions), the store's vectors from ${current.model} (${current.dimensions}): vectors compare only inside one space.`;
  throw new MemoryError('EMBEDDER_MISMATCH', message);
}

/** Everything that a draft or a patch brings, the store's space first. */
export function embeddings({
  embedded,
  alsoEmbedded = [],
}: {
  readonly embedded?: Embedded;
  readonly alsoEmbedded?: readonly Embedded[];
}): readonly Embedded[] {
  return embedded === undefined ? [] : [embedded, ...alsoEmbedded];
}

function isSame(a: SpaceName, b: SpaceName): boolean {
  return a.model === b.model && a.dimensions === b.dimensions;
}
