import type { Audit } from '../../audit/audit';
import type { StateStore } from '../../state/state-store';
import { SubjectNames } from '../../state/tables/erased-subject';

/**
 * Deletes the names of erased users and namespaces from the audit of accesses. It is no part of the state, so each process that opens a
 * folder for writing does it: when an erasure ends, and when it opens a folder whose last process was killed in between.
 */
export function eraseAccessNames(
  { erasures, interning }: Pick<StateStore, 'erasures' | 'interning'>,
  audit: Pick<Audit, 'eraseNames'>,
  storeKey: Uint8Array,
): void {
  const ended = erasures.all().flatMap(({ id, subject, finished, namesWait }) => {
    if (subject === undefined || finished === undefined) return [];
    const names = new SubjectNames(storeKey, subject);
    return {
      id,
      // What a hold still needs is erased when it ends.
      isWhole: !namesWait,
      isUser: (userId: string) => names.isUser(userId),
      // A namespace that still exists has other memories.
      isNamespace: (namespace: readonly string[]) =>
        (names.isWithin(namespace) || namespace.some((label) => names.isUser(label))) &&
        interning.findNamespace(namespace) === undefined,
    };
  });
  if (ended.length > 0) audit.eraseNames(ended);
}
