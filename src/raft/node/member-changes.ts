import type { ClusterMembership } from '../../domain/cluster-membership';
import { invalidInput, type MemoryError } from '../../domain/errors';
import { type Configuration, isMember, isVoter, membersOf } from '../core/configuration';
import type { ChangeRefusal, ConfigurationChange, SingleChange } from '../core/configuration-change';
import type { Entry } from '../core/entry';
import type { MemberChange } from './raft-link';

/** What the context of a change says: JSON, so that releases that know more or less can read it. */
interface ChangeContext {
  readonly node: number;
  readonly address: string;
}

/**
 * Converts the change that an operator asks for to one for the log. Undefined if the members are so already.
 *
 * @throws INVALID_INPUT if it makes no sense with the present members
 */
export function changeOf(
  change: MemberChange,
  { configuration, addresses }: ClusterMembership,
): ConfigurationChange | undefined {
  const { node } = change;
  if (change.kind === 'add') {
    if (isMember(configuration, node)) {
      if (addresses[node] === change.address) return undefined;
      return single('update', node, change.address);
    }
    const owner = Object.keys(addresses).find((id) => addresses[id] === change.address);
    if (owner !== undefined)
      throw refused(`the address ${change.address} belongs to the member ${owner}. Remove that member first.`);
    return single('add-learner', node, change.address);
  }
  if (!isMember(configuration, node)) {
    if (change.kind === 'remove') return undefined;
    throw refused(`the node ${node} is no member.`);
  }
  if (change.kind === 'remove') return single('remove', node);
  const votes = isVoter(configuration, node);
  if (change.kind === 'promote') return votes ? undefined : single('add-voter', node);
  return votes ? single('add-learner', node) : undefined;
}

/** The members after a change that was applied. */
export function changedMembership(
  before: ClusterMembership,
  { index, change }: Extract<Entry, { kind: 'configuration' }>,
  configuration: Configuration,
): ClusterMembership {
  const context = contextOf(change);
  const all: Record<string, string> = { ...before.addresses };
  if (context !== undefined) all[context.node] = context.address;
  const addresses: Record<string, string> = {};
  for (const id of membersOf(configuration)) if (all[id] !== undefined) addresses[id] = all[id];
  return { index, configuration, addresses };
}

/** The addresses by id, as a transport wants them. */
export function addressMap({ addresses }: ClusterMembership): ReadonlyMap<number, string> {
  return new Map(Object.entries(addresses).map(([id, address]) => [Number(id), address]));
}

/** Makes the error for a change that cannot be made. */
export function refused(message: string): MemoryError {
  return invalidInput([{ path: [], message }], 'change of the members');
}

/** Says why the core refuses a change. */
export function refusalText(refusal: ChangeRefusal): string {
  switch (refusal) {
    case 'NO_VOTERS_LEFT':
    case 'NO_VOTERS_TO_JOIN':
      return 'no voter would be left.';
    case 'TOO_MANY_VOTERS':
      return 'the cluster would have more than 7 voters. Keep the node as a learner.';
    case 'MORE_THAN_ONE_VOTER':
      return 'only one voter can come or go at a time.';
    case 'ALREADY_JOINT':
    case 'NOT_JOINT':
    case 'JOINT_IN_SIMPLE_CHANGE':
      return 'another change is under way. Try again when it has ended.';
  }
}

function single(kind: SingleChange['kind'], node: number, address?: string): ConfigurationChange {
  const change: ConfigurationChange = { transition: 'auto', changes: [{ kind, node }] };
  if (address === undefined) return change;
  const context: ChangeContext = { node, address };
  return { ...change, context: Buffer.from(JSON.stringify(context)) };
}

function contextOf({ context }: ConfigurationChange): ChangeContext | undefined {
  if (context === undefined || context.length === 0) return undefined;
  return JSON.parse(Buffer.from(context).toString()) as ChangeContext;
}
