/** A data type as a function from a state and a call with its outcome to the next state. */
export interface SequentialModel<State, Step> {
  readonly initial: State;
  /**
   * The state after the step. `undefined` if the outcome is impossible in this state. The same object if the step changes nothing. A
   * step of unknown outcome may give `undefined` where it would change nothing.
   */
  next(state: State, step: Step): State | undefined;
  /** Equal for equal states only. */
  fingerprint(state: State): string;
}

/** A step with its interval. */
export interface TimedStep<Step> {
  readonly step: Step;
  readonly invokedAt: number;
  /** Absent if the outcome is unknown: the step may have any later place in the order, or none. */
  readonly respondedAt?: number;
}

/** How many partial orders a search visits before it gives up. */
const defaultBudget = 2_000_000;

/**
 * Tells if there is an order of the steps that the model accepts and in which each step lies within its interval.
 *
 * This is the search of Wing and Gong, with the memory of visited configurations by Lowe and the linked list of events by Horn and
 * Kroening: steps are taken in order of their invocation; where the next event is a response of a step that was not taken, the last
 * step is taken back. A set of taken steps that led to the same state before is not searched again.
 *
 * @throws if it visits more configurations than the budget. It never accepts a history that it has not decided.
 */
export function isLinearizable<State, Step>(
  model: SequentialModel<State, Step>,
  steps: readonly TimedStep<Step>[],
  budget = defaultBudget,
): boolean {
  const events = new EventList(steps);
  const visited = new Set<string>();
  const isTaken = new Uint16Array(Math.ceil(steps.length / 16));
  const flip = (index: number) => {
    isTaken[index >> 4] = (isTaken[index >> 4] ?? 0) ^ (1 << (index & 15));
  };
  const path: { readonly index: number; readonly before: State; readonly isUnchanged: boolean }[] = [];
  let state = model.initial;
  let event = events.first;
  while (events.responsesLeft > 0) {
    const index = events.invocationAt(event);
    if (index !== undefined) {
      const after = model.next(state, steps[index]!.step);
      event = events.after(event);
      if (after === undefined) continue;
      flip(index);
      const configuration = `${String.fromCharCode(...isTaken)}${model.fingerprint(after)}`;
      if (visited.has(configuration)) {
        flip(index);
        continue;
      }
      visited.add(configuration);
      if (visited.size > budget) throw tooLarge(steps.length, budget);
      path.push({ index, before: state, isUnchanged: after === state });
      state = after;
      events.take(index);
      event = events.first;
      continue;
    }
    // A step that changes nothing can come first in each order that has it later. So without it there is nothing else to try.
    let last = path.pop();
    while (last?.isUnchanged) {
      flip(last.index);
      events.putBack(last.index);
      last = path.pop();
    }
    if (last === undefined) return false;
    flip(last.index);
    events.putBack(last.index);
    state = last.before;
    event = events.after(events.invocationOf(last.index));
  }
  return true;
}

/** The invocations and responses in order of time, as a linked list from which the events of taken steps are absent. */
class EventList {
  /** How many steps with a response are not taken yet. */
  responsesLeft: number;
  // Node 2i + 1 is the invocation of step i, node 2i + 2 its response, node 0 both ends.
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #hasResponse: readonly boolean[];

  constructor(steps: readonly TimedStep<unknown>[]) {
    this.#hasResponse = steps.map(({ respondedAt }) => respondedAt !== undefined);
    this.responsesLeft = this.#hasResponse.filter(Boolean).length;
    const events = steps.flatMap(({ invokedAt, respondedAt }, index) => [
      { node: 2 * index + 1, at: invokedAt },
      ...(respondedAt === undefined ? [] : [{ node: 2 * index + 2, at: respondedAt }]),
    ]);
    events.sort((one, other) => one.at - other.at);
    this.#next = new Int32Array(2 * steps.length + 1);
    this.#previous = new Int32Array(2 * steps.length + 1);
    for (const { node } of events) this.#insert(node, this.#previous[0]!, 0);
  }

  get first(): number {
    return this.#next[0]!;
  }

  after(node: number): number {
    return this.#next[node]!;
  }

  invocationOf(step: number): number {
    return 2 * step + 1;
  }

  /** The step that is invoked at a node. `undefined` at a response. */
  invocationAt(node: number): number | undefined {
    return node % 2 === 1 ? (node - 1) / 2 : undefined;
  }

  take(step: number): void {
    this.#remove(2 * step + 1);
    if (!this.#hasResponse[step]) return;
    this.#remove(2 * step + 2);
    this.responsesLeft -= 1;
  }

  /** Takes a step back. Steps must be taken back in the reverse order. */
  putBack(step: number): void {
    if (this.#hasResponse[step]) {
      this.#restore(2 * step + 2);
      this.responsesLeft += 1;
    }
    this.#restore(2 * step + 1);
  }

  #insert(node: number, previous: number, next: number): void {
    this.#previous[node] = previous;
    this.#next[node] = next;
    this.#restore(node);
  }

  #remove(node: number): void {
    this.#next[this.#previous[node]!] = this.#next[node]!;
    this.#previous[this.#next[node]!] = this.#previous[node]!;
  }

  // A removed node keeps its links, so it finds its place again.
  #restore(node: number): void {
    this.#next[this.#previous[node]!] = node;
    this.#previous[this.#next[node]!] = node;
  }
}

function tooLarge(steps: number, budget: number): Error {
  return new Error(
    `Undecided: the search of ${steps} operations visited more than ${budget} configurations. ` +
      'Record fewer clients or fewer unknown outcomes per key.',
  );
}
