import { join } from 'node:path';
import { buildLanceTable } from './lance-build';
import { LanceIndex } from './lance-index';
import { describeFiles, differences, readSeal, removeUnsealed, type Seal, sealFormat, writeSeal } from './seal';
import type { VectorTruth } from './vector-index';

export interface GenerationsOptions {
  /** Absolute. Nothing else may be in it. */
  readonly folder: string;
  readonly space: string;
  readonly dimensions: number;
  readonly truth: VectorTruth;
  /** A name for a new generation that was never used before. */
  newId(): string;
}

/** An index that is complete, with its seal. */
export interface Generation {
  readonly index: LanceIndex;
  readonly seal: Seal;
}

/** The approximate indexes in a folder: each is built whole, sealed, and never changed. One at a time has a seal. */
export class Generations {
  readonly #options: GenerationsOptions;

  constructor(options: GenerationsOptions) {
    this.#options = options;
  }

  /**
   * The sealed generation. Where there is none that is of use, why: no reasons where none was ever built, for this space and
   * this truth.
   */
  async open(): Promise<Generation | readonly string[]> {
    const { folder, space, dimensions, truth } = this.#options;
    const seal = await readSeal(folder);
    if (seal?.space !== space || seal.dimensions !== dimensions || seal.indexedThrough > truth.entry()) return [];
    if (seal.lastChange !== truth.fingerprint(seal.indexedThrough)) return [];
    const problems = await differences(join(folder, seal.generation), seal);
    if (problems.length > 0) return problems;
    try {
      return await this.#load(seal);
    } catch (error) {
      return [`LanceDB cannot open it: ${error instanceof Error ? error.message : String(error)}`];
    }
  }

  /** Builds a generation from what the truth holds now, and seals it in place of the one before, which stays until `tidy`. */
  async build(signal: AbortSignal): Promise<Generation> {
    const { folder, space, dimensions, truth } = this.#options;
    const indexedThrough = truth.entry();
    const lastChange = truth.fingerprint(indexedThrough);
    const rows = truth.rows();
    const generation = this.#options.newId();
    const path = join(folder, generation);
    const probes = await buildLanceTable({ folder: path, dimensions, truth, rows, signal });
    const files = await describeFiles(path);
    signal.throwIfAborted();
    const seal = { format: sealFormat, space, dimensions, generation, indexedThrough, lastChange, probes, files };
    await writeSeal(folder, seal);
    return this.#load(seal);
  }

  /** In what the files of a generation differ from its seal, a sentence each. */
  async problems({ seal }: Generation): Promise<string[]> {
    const { folder } = this.#options;
    const found = await differences(join(folder, seal.generation), seal);
    const written = await readSeal(folder);
    if (written?.generation !== seal.generation) found.push('The seal is missing or damaged.');
    return found;
  }

  /** Removes all but the sealed generation. What cannot be removed is left for the next time. */
  async tidy(): Promise<void> {
    const { folder } = this.#options;
    await removeUnsealed(folder, await readSeal(folder)).catch(() => undefined);
  }

  async #load(seal: Seal): Promise<Generation> {
    const { folder, dimensions, truth } = this.#options;
    const index = await LanceIndex.open({
      folder: join(folder, seal.generation),
      dimensions,
      truth,
      probes: seal.probes,
    });
    return { index, seal };
  }
}
