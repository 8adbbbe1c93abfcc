import { mayChange } from '../access/authorise';
import type { Memory } from '../domain/memory';
import { labelsOf } from '../state/apply-context';
import { assertRevision, forbiddenChange, noSuchMemory } from '../state/apply-update';
import { memoryOf } from '../state/record';
import { find } from './get';
import type { ReadContext, Reader } from './read-context';

/** A memory that is about to be updated, as it is now. */
export interface CurrentMemory {
  readonly memory: Memory;
  readonly embedded: boolean;
}

/**
 * The memory, if the reader may read and update it and it is at the revision that was relied on: so that nothing is embedded
 * for an update that will be refused. `apply` decides anew.
 *
 * @throws NOT_FOUND, FORBIDDEN, REVISION_CONFLICT
 */
export function current(context: ReadContext, reader: Reader, id: string, ifRevision?: number): CurrentMemory {
  const { truth } = context;
  return context.snapshot(() => {
    const record = find(context, reader, id);
    if (record === undefined) throw noSuchMemory(id);
    const labels = labelsOf(truth, record);
    if (!mayChange(truth.policy, reader.actor, 'update', labels)) throw forbiddenChange(id, 'update', labels.namespace);
    assertRevision(record, ifRevision);
    return { memory: memoryOf(record, truth.interning), embedded: record.parts > 0 };
  });
}
