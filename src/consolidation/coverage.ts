/** What a choice of sentences needs to know of a sentence. */
export interface Candidate {
  /** The numbers of the different words of the sentence, from 0. */
  readonly words: readonly number[];
  /** The worth of each of these words. */
  readonly weights: readonly number[];
  /** By what the worth of the whole sentence is multiplied. */
  readonly factor: number;
  /** How much of the budget the sentence takes. */
  readonly cost: number;
}

/** How much of a word's worth remains each time that it is covered once more. */
const remainingWorth = 0.5;
/** The least that remains, so that the gains settle after a few choices even if all sentences use the same words. */
const leastWorth = 2 ** -8;
/** The exponent of the cost. Below 1, a long sentence is worth a little more than short ones of the same density. */
const costExponent = 0.9;
// A candidate whose worth has fallen by less than this share still counts as the best, which spares most of the comparisons among
// thousands of nearly equal sentences.
const tolerance = 1e-3;

/**
 * Chooses sentences that cover as much as possible of the worth of all words within a budget, in the order of choice: always the
 * sentence with the highest gain for its cost. A word that is covered already counts for less. Sentences without any worth are never
 * chosen.
 *
 * The gain of a sentence only falls while others are chosen. So it is computed again only for the sentence that seems the best
 * (Minoux, 'Accelerated greedy algorithms for maximizing submodular set functions', 1978).
 */
export function* coveringChoice(candidates: readonly Candidate[], words: number, budget: number): Generator<number> {
  const remaining = new Float64Array(words).fill(1);
  const gains = candidates.map((candidate) => gainOf(candidate, remaining));
  const queue = new Queue(gains);
  let left = budget;
  for (let best = queue.pop(); best !== undefined; best = queue.pop()) {
    const candidate = candidates[best]!;
    if (candidate.cost > left) continue;
    gains[best] = gainOf(candidate, remaining);
    if (gains[best]! <= 0) continue;
    const next = queue.first;
    if (next !== undefined && gains[best]! < gains[next]! * (1 - tolerance)) {
      queue.push(best);
      continue;
    }
    left -= candidate.cost;
    for (const word of candidate.words) remaining[word] = Math.max(leastWorth, remaining[word]! * remainingWorth);
    yield best;
  }
}

function gainOf({ words, weights, factor, cost }: Candidate, remaining: Float64Array): number {
  let worth = 0;
  for (let i = 0; i < words.length; i++) worth += weights[i]! * remaining[words[i]!]!;
  return (factor * worth) / cost ** costExponent;
}

/** A binary heap of numbers of candidates, the one with the highest gain first. Among equal gains, the lowest number is first. */
class Queue {
  readonly #gains: readonly number[];
  readonly #heap: number[];

  constructor(gains: readonly number[]) {
    this.#gains = gains;
    this.#heap = gains.map((_, i) => i);
    for (let at = (this.#heap.length >> 1) - 1; at >= 0; at--) this.#sink(at);
  }

  get first(): number | undefined {
    return this.#heap[0];
  }

  pop(): number | undefined {
    const first = this.#heap[0];
    const last = this.#heap.pop();
    if (this.#heap.length > 0) {
      this.#heap[0] = last!;
      this.#sink(0);
    }
    return first;
  }

  push(candidate: number): void {
    const heap = this.#heap;
    let at = heap.push(candidate) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(heap[at]!, heap[parent]!)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #sink(from: number): void {
    const heap = this.#heap;
    for (let at = from; ; ) {
      const left = 2 * at + 1;
      let best = at;
      if (left < heap.length && this.#isBefore(heap[left]!, heap[best]!)) best = left;
      if (left + 1 < heap.length && this.#isBefore(heap[left + 1]!, heap[best]!)) best = left + 1;
      if (best === at) return;
      this.#swap(at, best);
      at = best;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const difference = this.#gains[a]! - this.#gains[b]!;
    return difference > 0 || (difference === 0 && a < b);
  }

  #swap(a: number, b: number): void {
    const heap = this.#heap;
    [heap[a], heap[b]] = [heap[b]!, heap[a]!];
  }
}
