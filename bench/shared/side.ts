import { mean, shareFound } from './figures';
import { milliseconds } from './timing';

/** One side of a comparison of searches: its times, and what it found. */
export class Side<Question> {
  readonly search: (question: Question) => number[] | Promise<number[]>;
  readonly ms: number[] = [];
  readonly #found: number[][] = [];

  constructor(search: Side<Question>['search']) {
    this.search = search;
  }

  async ask(question: Question): Promise<void> {
    this.ms.push(await milliseconds(async () => void this.#found.push(await this.search(question))));
  }

  /** recall@10: the mean share of the true nearest that it found. */
  recall(truth: readonly (readonly number[])[]): number {
    return mean(truth.map((nearest, i) => shareFound(nearest, this.#found[i] ?? [])));
  }
}
