import type { ClusterMembership } from '../domain/cluster-membership';
import type { StoreEvents } from './events';

/** What has changed for each member from one membership to the next. */
export function memberEvents(before: ClusterMembership | undefined, after: ClusterMembership): StoreEvents['member'][] {
  const ids = new Set([...Object.keys(before?.addresses ?? {}), ...Object.keys(after.addresses)].map(Number));
  return [...ids].flatMap((id): StoreEvents['member'][] => {
    const [was, is] = [roleIn(before, id), roleIn(after, id)];
    const [from, to] = [before?.addresses[id], after.addresses[id]];
    const address = to ?? (from as string);
    if (is === undefined) return [{ id, address, change: 'removed' }];
    if (was === undefined) return [{ id, address, change: 'added' }];
    if (was !== is) return [{ id, address, change: is === 'voter' ? 'promoted' : 'demoted' }];
    return from === to ? [] : [{ id, address, change: 'moved' }];
  });
}

function roleIn(membership: ClusterMembership | undefined, id: number): 'voter' | 'learner' | undefined {
  if (membership?.addresses[id] === undefined) return undefined;
  return membership.configuration.voters.includes(id) ? 'voter' : 'learner';
}
