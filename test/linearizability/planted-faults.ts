import type { Random } from '../faults/random';
import type { KeyedCall, Operation, Outcome, Version } from './history';
import { versionIn } from './simulated-history';

/**
 * Puts one fault of a store into a correct history. `undefined` if the history has no place where the fault is certain to show: an id
 * and a revision together name one write, so that each planted history is not linearizable, whatever the calls of unknown outcome did.
 */
export type FaultPlanter = (history: readonly Operation[], random: Random) => readonly Operation[] | undefined;

interface Replacement {
  readonly at: Operation;
  readonly outcome: Outcome;
}

/** A read shows a version although a later revision, or that the id is forgotten, was acknowledged before the read began. */
export const plantStaleRead: FaultPlanter = (history, random) =>
  replaceOne(
    history,
    random,
    history.flatMap((read) => {
      const { call, outcome } = read;
      if (call.type !== 'get' || outcome.type !== 'got') return [];
      return versionsOf(history, read.key)
        .filter(({ id }) => call.id === undefined || call.id === id)
        .filter((version) => history.some((other) => isReplacedBefore(read, version, other)))
        .map((version) => ({ at: read, outcome: { type: 'got', version } as const }));
    }),
  );

/** Two writes of one memory are acknowledged with the same revision: the second does not know of the first. */
export const plantLostUpdate: FaultPlanter = (history, random) => {
  const writes = history.filter(({ outcome }) => outcome.type === 'remembered' || outcome.type === 'updated');
  return replaceOne(
    history,
    random,
    writes.flatMap((first) => {
      const lost = versionIn(first.call, first.outcome)!;
      return writes
        .filter(({ call, outcome }) => isLater(versionIn(call, outcome), lost))
        .filter(({ key }) => key === first.key)
        .map((second) => ({ at: second, outcome: withRevision(second.outcome, () => lost.revision) }));
    }),
  );
};

/** One write takes effect twice and is acknowledged with its first revision. Later revisions of the memory are then one higher. */
export const plantDoubleApply: FaultPlanter = (history, random) => {
  const places = history.filter(({ key, call, outcome }) => {
    const version = outcome.type === 'got' ? undefined : versionIn(call, outcome);
    const ofKey = history.filter((other) => other.key === key);
    return (
      version !== undefined &&
      !ofKey.some((other) => other.outcome.type === 'unknown' && other.call.type !== 'get') &&
      ofKey.some((other) => isLater(versionIn(other.call, other.outcome), version))
    );
  });
  if (places.length === 0) return undefined;
  const { call, outcome } = random.pick(places);
  const twice = versionIn(call, outcome)!;
  const raised = (revision: number) => (revision > twice.revision ? revision + 1 : revision);
  return history.map((operation) => {
    const isSame = versionIn(operation.call, operation.outcome)?.id === twice.id;
    const changed = isSame ? withRevision(operation.outcome, raised) : operation.outcome;
    return { ...operation, outcome: changed, call: withCondition(operation.call, twice.id, raised) };
  });
};

/** A read shows a text that no call wrote. */
export const plantUnwrittenRead: FaultPlanter = (history, random) =>
  replaceOne(
    history,
    random,
    history.flatMap((at) => {
      if (at.outcome.type !== 'got' || at.outcome.version === undefined) return [];
      return [{ at, outcome: { type: 'got', version: { ...at.outcome.version, text: 'never written' } } as const }];
    }),
  );

function replaceOne(history: readonly Operation[], random: Random, places: readonly Replacement[]) {
  if (places.length === 0) return undefined;
  const { at, outcome } = random.pick(places);
  return history.map((operation) => (operation === at ? { ...operation, outcome } : operation));
}

function versionsOf(history: readonly Operation[], key: string): readonly Version[] {
  return history.flatMap((operation) =>
    operation.key === key ? (versionIn(operation.call, operation.outcome) ?? []) : [],
  );
}

function isReplacedBefore(read: Operation, version: Version, other: Operation): boolean {
  const { call, outcome, respondedAt = Number.POSITIVE_INFINITY } = other;
  if (other.key !== read.key || respondedAt > read.invokedAt) return false;
  const isForgotten = call.type === 'forget' && outcome.type === 'forgotten' && outcome.existed;
  return (isForgotten && call.id === version.id) || isLater(versionIn(call, outcome), version);
}

function isLater(version: Version | undefined, than: Version): boolean {
  return version !== undefined && version.id === than.id && version.revision > than.revision;
}

function withRevision(outcome: Outcome, change: (revision: number) => number): Outcome {
  if (outcome.type === 'remembered') return { ...outcome, revision: change(outcome.revision) };
  if ((outcome.type === 'updated' || outcome.type === 'got') && outcome.version !== undefined) {
    return { ...outcome, version: { ...outcome.version, revision: change(outcome.version.revision) } };
  }
  return outcome;
}

function withCondition(call: KeyedCall, id: string, change: (revision: number) => number): KeyedCall {
  const isConditional = (call.type === 'update' || call.type === 'forget') && call.ifRevision !== undefined;
  return isConditional && call.id === id ? { ...call, ifRevision: change(call.ifRevision!) } : call;
}
