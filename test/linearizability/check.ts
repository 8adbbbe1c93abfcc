import { isComplete, type Operation, prefixUntil } from './history';
import { memoryModel, type Step } from './memory-model';
import { isLinearizable, type TimedStep } from './search';
import { historyTable } from './table';

/** The judgement of a history. */
export type Verdict =
  | { readonly linearizable: true }
  | {
      readonly linearizable: false;
      readonly key: string;
      /** The operations with the key up to the first response that no order explains. Without that response an order exists. */
      readonly prefix: readonly Operation[];
      /** The prefix as a table for a person. */
      readonly report: string;
    };

/**
 * Checks that each call took effect at one moment between its invocation and its response. Keys are checked one by one: a history is
 * linearizable if and only if its part for each key is.
 */
export function check(history: readonly Operation[]): Verdict {
  const failures = byKey(history)
    .filter((operations) => !isKeyLinearizable(operations))
    .map(shortestFailure)
    .sort((one, other) => one.at - other.at);
  const [first] = failures;
  if (first === undefined) return { linearizable: true };
  const { prefix, at } = first;
  const key = prefix[0]!.key;
  const ending = prefix.find(({ respondedAt }) => respondedAt === at)!;
  return { linearizable: false, key, prefix, report: historyTable(prefix, ending) };
}

/** @throws with the shortest prefix as a table, if the history is not linearizable */
export function assertLinearizable(history: readonly Operation[]): void {
  const verdict = check(history);
  if (!verdict.linearizable) throw new Error(verdict.report);
}

/** The operations of one key as steps of the model. Left out are calls without an effect, and reads without an answer. */
export function timedSteps(operations: readonly Operation[]): readonly TimedStep<Step>[] {
  return operations
    .filter(({ outcome }) => outcome.type !== 'withoutEffect')
    .filter(({ call, outcome }) => call.type !== 'get' || outcome.type !== 'unknown')
    .map((operation) => {
      const { call, outcome, invokedAt, respondedAt } = operation;
      const step = { call, outcome };
      return isComplete(operation) ? { step, invokedAt, respondedAt: respondedAt! } : { step, invokedAt };
    });
}

function byKey(history: readonly Operation[]): readonly (readonly Operation[])[] {
  const keys = new Map<string, Operation[]>();
  for (const operation of history) {
    const operations = keys.get(operation.key) ?? [];
    operations.push(operation);
    keys.set(operation.key, operations);
  }
  return [...keys.values()];
}

function isKeyLinearizable(operations: readonly Operation[]): boolean {
  return isLinearizable(memoryModel, timedSteps(operations));
}

/** Each prefix of a linearizable history is linearizable, so the first response that breaks it is found by halving. */
function shortestFailure(operations: readonly Operation[]): { prefix: readonly Operation[]; at: number } {
  const times = operations
    .filter(isComplete)
    .map(({ respondedAt }) => respondedAt!)
    .sort((one, other) => one - other);
  let [low, high] = [0, times.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isKeyLinearizable(prefixUntil(operations, times[middle]!))) low = middle + 1;
    else high = middle;
  }
  const at = times[low]!;
  return { prefix: prefixUntil(operations, at), at };
}
