import { mayChange } from '../access/authorise';
import { forbiddenChange, noSuchMemory } from '../access/denials';
import { assertRevision, type Memory } from '../domain/memory';
import { memoryLabelsOf, memoryOf } from '../state/tables/memory-row';
import { find } from './get';
import type { ReadContext, Reader } from './read-context';

/** A memory that is about to be updated, as it is now. */
export interface UpdateTarget {
  readonly memory: Memory;
  readonly embedded: boolean;
}

/**
 * The memory, if the reader may read and update it and it is at the revision that was relied on: so that nothing is embedded
 * for an update that will be refused. `apply` decides anew.
 *
 * @throws NOT_FOUND, FORBIDDEN, REVISION_CONFLICT
 */
export function updateTarget(context: ReadContext, reader: Reader, id: string, ifRevision?: number): UpdateTarget {
  const { state } = context;
  return context.snapshot(() => {
    const record = find(context, reader, id);
    if (record === undefined) throw noSuchMemory(id);
    const labels = memoryLabelsOf(state, record);
    if (!mayChange(state.policy, reader.actor, 'update', labels)) throw forbiddenChange(id, 'update', labels.namespace);
    assertRevision(record, ifRevision);
    return { memory: memoryOf(record, state.interning), embedded: record.chunks > 0 };
  });
}
