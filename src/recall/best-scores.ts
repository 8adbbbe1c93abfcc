import { unlimited } from './source-cap';

/** More than the errors of adding a few numbers below 1. */
export const rounding = 1e-12;

/** Keeps the k highest of all scores that it is offered, with a limited number of each source. */
export class BestScores {
  readonly #limit: number;
  readonly #mostOfSource: number;
  /** The scores in ascending order. */
  readonly #scores: number[] = [];
  /** The highest scores of each limited source in ascending order, also those that are not among the k highest any more. */
  readonly #ofSource = new Map<number, number[]>();

  constructor(limit: number, mostOfSource = Number.POSITIVE_INFINITY) {
    this.#limit = limit;
    this.#mostOfSource = mostOfSource;
  }

  /** The lowest of the k scores, or minus infinity while there are fewer than k. */
  get lowest(): number {
    return this.#scores.length < this.#limit ? Number.NEGATIVE_INFINITY : (this.#scores[0] as number);
  }

  /** Returns whether a source has as many scores as it can have, all above this one. */
  hasBetter(source: number, score: number): boolean {
    const own = this.#ofSource.get(source);
    return own?.length === this.#mostOfSource && (own[0] as number) > score;
  }

  offer(score: number, source: number): void {
    if (score <= this.lowest) return;
    if (source !== unlimited && !this.#takesPlaceOfWorse(score, source)) return;
    insert(this.#scores, score);
    if (this.#scores.length > this.#limit) this.#scores.shift();
  }

  /** Makes room for a score of a limited source. Returns false if the source has enough better ones. */
  #takesPlaceOfWorse(score: number, source: number): boolean {
    const own = this.#ofSource.get(source) ?? [];
    this.#ofSource.set(source, own);
    if (own.length === this.#mostOfSource) {
      const worst = own[0] as number;
      if (worst >= score) return false;
      own.shift();
      const place = this.#scores.indexOf(worst);
      if (place >= 0) this.#scores.splice(place, 1);
    }
    insert(own, score);
    return true;
  }
}

/** Inserts a score into a list in ascending order. */
function insert(scores: number[], score: number): void {
  let at = scores.length;
  while (at > 0 && (scores[at - 1] as number) > score) at--;
  scores.splice(at, 0, score);
}
