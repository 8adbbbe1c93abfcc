import { type Random, shuffle } from './seeded-random';
import { SparseAdam } from './sparse-adam';
import type { TokenizedTexts } from './tokenized-texts';

export interface Lesson {
  readonly texts: TokenizedTexts;
  /** The direction that the vector of each text should have: rows of length 1. */
  readonly targets: Float32Array;
  readonly dimensions: number;
}

export interface Course {
  readonly epochs: number;
  /** The number of texts in one step. */
  readonly batch: number;
  /** The initial step size of Adam. It falls linearly to 0. */
  readonly rate: number;
  /** The share of the pieces of a text that is left out at random in each step, so that each piece learns a useful vector of its own. */
  readonly dropped: number;
}

/**
 * Trains the token vectors in place, so that the sum of the different tokens of a text gets the direction of its target. The loss is
 * the cosine distance; the optimizer is Adam (Kingma and Ba, 2015).
 */
export function train(
  vectors: Float32Array,
  { texts: { tokens, starts }, targets, dimensions }: Lesson,
  course: Course,
  random: Random,
  onEpoch: (epoch: number, loss: number) => void,
): void {
  const count = starts.length - 1;
  const order = Int32Array.from({ length: count }, (_, i) => i);
  const adam = new SparseAdam(vectors, dimensions);
  const batch = new Batch(course.batch, dimensions);
  const steps = course.epochs * Math.ceil(count / course.batch);
  for (let epoch = 0, step = 0; epoch < course.epochs; epoch++) {
    shuffle(order, random);
    let loss = 0;
    for (let first = 0; first < count; first += course.batch, step++) {
      const chosen = order.subarray(first, Math.min(first + course.batch, count));
      const read = Array.from(chosen, (text) =>
        someOf(tokens.subarray(starts[text]!, starts[text + 1]!), course.dropped, random),
      );
      loss += batch.learn(vectors, read, targets, chosen);
      for (const [row, some] of read.entries()) {
        const gradient = batch.gradientOf(row);
        for (const token of some) adam.add(token, gradient);
      }
      adam.step(course.rate * (1 - step / steps));
    }
    onEpoch(epoch, loss / count);
  }
}

/** Returns each different token once. Some are left out at random, but never all. */
function someOf(tokens: Int32Array, dropped: number, random: Random): readonly number[] {
  const distinct = [...new Set(tokens)];
  const some = dropped === 0 ? distinct : distinct.filter(() => random() >= dropped);
  return some.length === 0 ? distinct : some;
}

/** Computes the directions of the texts in one batch, and their gradients. */
class Batch {
  readonly #dimensions: number;
  readonly #directions: Float32Array;
  readonly #targets: Float32Array;
  readonly #gradients: Float32Array;
  readonly #lengths: Float64Array;

  constructor(size: number, dimensions: number) {
    this.#dimensions = dimensions;
    this.#directions = new Float32Array(size * dimensions);
    this.#targets = new Float32Array(size * dimensions);
    this.#gradients = new Float32Array(size * dimensions);
    this.#lengths = new Float64Array(size);
  }

  gradientOf(row: number): Float32Array {
    return this.#gradients.subarray(row * this.#dimensions, (row + 1) * this.#dimensions);
  }

  /**
   * Computes the gradients of one batch and returns the sum of its cosine distances.
   *
   * @param read The tokens of each text in the batch.
   */
  learn(
    vectors: Float32Array,
    read: readonly (readonly number[])[],
    targets: Float32Array,
    chosen: Int32Array,
  ): number {
    const width = this.#dimensions;
    for (const [row, text] of chosen.entries()) {
      const sum = this.#directions.subarray(row * width, (row + 1) * width).fill(0);
      for (const token of read[row]!) addTo(sum, vectors, token * width);
      this.#lengths[row] = normalise(sum);
      this.#targets.set(targets.subarray(text * width, (text + 1) * width), row * width);
    }
    for (let i = 0; i < chosen.length * width; i++) this.#gradients[i] = -this.#targets[i]!;
    let loss = 0;
    for (let row = 0; row < chosen.length; row++) loss += this.#toSum(row);
    return loss;
  }

  // Converts the gradient of the direction to the gradient of the sum: takes its part at a right angle to the direction, divided by
  // the length of the sum. Returns the cosine distance.
  #toSum(row: number): number {
    const gradient = this.gradientOf(row);
    const start = row * this.#dimensions;
    let along = 0;
    let cosine = 0;
    for (let i = 0; i < gradient.length; i++) {
      along += gradient[i]! * this.#directions[start + i]!;
      cosine += this.#targets[start + i]! * this.#directions[start + i]!;
    }
    const length = this.#lengths[row]!;
    for (let i = 0; i < gradient.length; i++) {
      gradient[i] = (gradient[i]! - along * this.#directions[start + i]!) / length;
    }
    return 1 - cosine;
  }
}

function addTo(sum: Float32Array, vectors: Float32Array, start: number): void {
  for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + vectors[start + i]!;
}

function normalise(vector: Float32Array): number {
  let squares = 1e-12;
  for (let i = 0; i < vector.length; i++) squares += vector[i]! * vector[i]!;
  const length = Math.sqrt(squares);
  for (let i = 0; i < vector.length; i++) vector[i] = vector[i]! / length;
  return length;
}
