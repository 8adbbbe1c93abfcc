import { type Configuration, isJoint, isMember, sortedIds } from './configuration';
import { type NodeId, noNode } from './node-id';

/**
 * One step of a change. `add-learner` also turns a voter into a learner, `add-voter` a learner into a voter. `update` changes no
 * member: it carries news about one, such as an address, in the `context` of the change.
 */
export interface SingleChange {
  readonly kind: 'add-voter' | 'add-learner' | 'remove' | 'update';
  readonly node: NodeId;
}

/**
 * A change of the members.
 *
 * - No steps: leaves a joint configuration.
 * - One step with the transition `auto`: takes effect at once, because the majorities before and after overlap.
 * - Several steps, or the transition `joint-implicit` or `joint-explicit`: enters a joint configuration. The leader leaves it by
 *   itself after `auto` and `joint-implicit`; after `joint-explicit` a change without steps must be proposed.
 */
export interface ConfigurationChange {
  readonly transition: 'auto' | 'joint-implicit' | 'joint-explicit';
  readonly changes: readonly SingleChange[];
  /** Bytes for the host, such as the address of a new node. The core never reads them. */
  readonly context?: Uint8Array;
}

/** Why a change cannot be made from a configuration. */
export type ChangeRefusal =
  | 'ALREADY_JOINT'
  | 'NOT_JOINT'
  | 'JOINT_IN_SIMPLE_CHANGE'
  | 'NO_VOTERS_TO_JOIN'
  | 'NO_VOTERS_LEFT'
  | 'MORE_THAN_ONE_VOTER'
  | 'TOO_MANY_VOTERS';

/** What a change makes of a configuration, or why it cannot be made. */
export type ChangeResult =
  | { readonly configuration: Configuration; readonly refusal?: undefined }
  | { readonly configuration?: undefined; readonly refusal: ChangeRefusal };

/** The change that leaves a joint configuration. */
export const leaveJoint: ConfigurationChange = { transition: 'auto', changes: [] };

/** The configuration after a change. */
export function changedConfiguration(from: Configuration, change: ConfigurationChange): ChangeResult {
  if (change.transition === 'auto' && change.changes.length === 0) return leftJoint(from);
  if (isJoint(from)) return { refusal: 'ALREADY_JOINT' };
  if (change.transition === 'auto' && change.changes.length === 1) return simpleChange(from, change.changes);
  return enteredJoint(from, change.changes, change.transition !== 'joint-explicit');
}

/** Makes the steps at once. At most one voter may come or go: then each majority before overlaps with each one after. */
export function simpleChange(from: Configuration, changes: readonly SingleChange[]): ChangeResult {
  if (isJoint(from)) return { refusal: 'JOINT_IN_SIMPLE_CHANGE' };
  const to = withSteps(from, changes);
  if (to.voters.length === 0) return { refusal: 'NO_VOTERS_LEFT' };
  if (differences(from.voters, to.voters) > 1) return { refusal: 'MORE_THAN_ONE_VOTER' };
  return { configuration: to };
}

/** Keeps the voters from before as the outgoing half, and makes the steps in the other half. */
export function enteredJoint(from: Configuration, changes: readonly SingleChange[], autoLeave: boolean): ChangeResult {
  if (isJoint(from)) return { refusal: 'ALREADY_JOINT' };
  if (from.voters.length === 0) return { refusal: 'NO_VOTERS_TO_JOIN' };
  const to = withSteps({ ...from, outgoing: from.voters, autoLeave }, changes);
  return to.voters.length === 0 ? { refusal: 'NO_VOTERS_LEFT' } : { configuration: to };
}

/** Drops the outgoing half. Voters that were to become learners do so now. */
export function leftJoint(from: Configuration): ChangeResult {
  if (!isJoint(from)) return { refusal: 'NOT_JOINT' };
  const learners = sortedIds([...from.learners, ...from.learnersNext]);
  return { configuration: { voters: from.voters, outgoing: [], learners, learnersNext: [], autoLeave: false } };
}

function withSteps(from: Configuration, changes: readonly SingleChange[]): Configuration {
  return changes.reduce(
    (configuration, { kind, node }) => (node === noNode ? configuration : steps[kind](configuration, node)),
    from,
  );
}

const steps: Record<SingleChange['kind'], (from: Configuration, node: NodeId) => Configuration> = {
  'add-voter': (from, node) => {
    const others = without(from, node);
    return { ...others, voters: sortedIds([...others.voters, node]) };
  },
  'add-learner': (from, node) => {
    const others = without(from, node);
    // While the node still votes in the outgoing half it cannot be a learner: nobody may both count and not count.
    return from.outgoing.includes(node)
      ? { ...others, learnersNext: sortedIds([...others.learnersNext, node]) }
      : { ...others, learners: sortedIds([...others.learners, node]) };
  },
  remove: (from, node) => (isMember(from, node) ? without(from, node) : from),
  update: (from) => from,
};

// The outgoing half stays as it is until the joint configuration is left.
function without(from: Configuration, node: NodeId): Configuration {
  const others = (ids: readonly NodeId[]) => ids.filter((id) => id !== node);
  return {
    ...from,
    voters: others(from.voters),
    learners: others(from.learners),
    learnersNext: others(from.learnersNext),
  };
}

function differences(a: readonly NodeId[], b: readonly NodeId[]): number {
  return a.filter((id) => !b.includes(id)).length + b.filter((id) => !a.includes(id)).length;
}
