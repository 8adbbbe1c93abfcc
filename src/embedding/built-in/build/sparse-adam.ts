// The decay rates that the authors of the Adam optimizer propose. Epsilon is smaller than their 1e-8.
const beta1 = 0.9;
const beta2 = 0.999;
const epsilon = 1e-10;

/**
 * The Adam optimizer for a matrix in which each step changes only few rows. Rows without a gradient stay as they are, including
 * their momentum.
 */
export class SparseAdam {
  readonly #vectors: Float32Array;
  readonly #width: number;
  readonly #first: Float32Array;
  readonly #second: Float32Array;
  readonly #gradients: Float32Array;
  readonly #isTouched: Uint8Array;
  readonly #touched: number[] = [];
  #steps = 0;

  constructor(vectors: Float32Array, width: number) {
    this.#vectors = vectors;
    this.#width = width;
    this.#first = new Float32Array(vectors.length);
    this.#second = new Float32Array(vectors.length);
    this.#gradients = new Float32Array(vectors.length);
    this.#isTouched = new Uint8Array(vectors.length / width);
  }

  add(row: number, gradient: Float32Array): void {
    if (this.#isTouched[row] === 0) {
      this.#isTouched[row] = 1;
      this.#touched.push(row);
    }
    const gradients = this.#gradients;
    const start = row * this.#width;
    for (let i = 0; i < gradient.length; i++) gradients[start + i] = gradients[start + i]! + gradient[i]!;
  }

  step(rate: number): void {
    this.#steps++;
    const correction = Math.sqrt(1 - beta2 ** this.#steps) / (1 - beta1 ** this.#steps);
    for (const row of this.#touched) {
      this.#stepRow(row * this.#width, rate * correction);
      this.#isTouched[row] = 0;
    }
    this.#touched.length = 0;
  }

  #stepRow(start: number, rate: number): void {
    const [vectors, first, second, gradients] = [this.#vectors, this.#first, this.#second, this.#gradients];
    for (let i = start; i < start + this.#width; i++) {
      const gradient = gradients[i]!;
      const mean = beta1 * first[i]! + (1 - beta1) * gradient;
      const square = beta2 * second[i]! + (1 - beta2) * gradient * gradient;
      first[i] = mean;
      second[i] = square;
      vectors[i] = vectors[i]! - (rate * mean) / (Math.sqrt(square) + epsilon);
      gradients[i] = 0;
    }
  }
}
