import type { SequentialModel, TimedStep } from './search';

/** Tries every order of every choice of the steps of unknown outcome. Only for a few steps: it has no other merit than to be simple. */
export function isLinearizableByBruteForce<State, Step>(
  model: SequentialModel<State, Step>,
  steps: readonly TimedStep<Step>[],
): boolean {
  const complete = steps.filter(({ respondedAt }) => respondedAt !== undefined);
  const unknown = steps.filter(({ respondedAt }) => respondedAt === undefined);
  return subsets(unknown).some((effective) =>
    permutations([...complete, ...effective]).some((order) => isInTime(order) && isAccepted(model, order)),
  );
}

function isInTime(order: readonly TimedStep<unknown>[]): boolean {
  return order.every(({ respondedAt = Number.POSITIVE_INFINITY }, place) =>
    order.slice(0, place).every(({ invokedAt }) => invokedAt < respondedAt),
  );
}

function isAccepted<State, Step>(model: SequentialModel<State, Step>, order: readonly TimedStep<Step>[]): boolean {
  let state: State | undefined = model.initial;
  for (const { step } of order) {
    state = state === undefined ? undefined : model.next(state, step);
  }
  return state !== undefined;
}

function subsets<T>([first, ...rest]: readonly T[]): readonly (readonly T[])[] {
  if (first === undefined) return [[]];
  return subsets(rest).flatMap((some) => [some, [first, ...some]]);
}

function permutations<T>(items: readonly T[]): readonly (readonly T[])[] {
  if (items.length === 0) return [[]];
  return items.flatMap((item, index) => permutations(items.toSpliced(index, 1)).map((rest) => [item, ...rest]));
}
