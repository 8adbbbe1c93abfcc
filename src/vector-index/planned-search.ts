import { type ExactIndex, exactIndex } from './exact-index';
import type { VectorIndex, VectorTruth } from './vector-index';
import type { VectorSearch } from './vector-search';

export interface PlannedSearchOptions {
  /** The dimensions of the store's space; undefined while it has no vectors. */
  dimensions(): number | undefined;
  readonly truth: VectorTruth;
  readonly memoryBytes: number;
}

/** Searches exactly, from memory. */
export class PlannedSearch implements VectorSearch {
  readonly #options: PlannedSearchOptions;
  #exact: ExactIndex | undefined;

  constructor(options: PlannedSearchOptions) {
    this.#options = options;
  }

  get behind(): number {
    return 0;
  }

  index(): VectorIndex | undefined {
    const dimensions = this.#options.dimensions();
    if (dimensions === undefined) return undefined;
    this.#exact ??= exactIndex({ dimensions, memoryBytes: this.#options.memoryBytes, truth: this.#options.truth });
    return this.#exact;
  }

  applied(_entry: number, rows: readonly number[]): void {
    void this.#exact?.refresh(rows);
  }

  async settled(): Promise<void> {}
  async check(): Promise<readonly string[]> {
    return [];
  }
  async rebuild(): Promise<void> {}

  async close(): Promise<void> {
    await this.#exact?.close();
  }
}
