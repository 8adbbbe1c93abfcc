import { join } from 'node:path';
import {
  describeFiles,
  differences,
  type IndexManifest,
  manifestFormat,
  readManifest,
  removeUnlisted,
  writeManifest,
} from './index-manifest';
import { buildLanceTable } from './lance-build';
import { LanceIndex } from './lance-index';
import type { VectorSource } from './vector-index';

export interface GenerationsOptions {
  /** Absolute. Nothing else may be in it. */
  readonly folder: string;
  readonly space: string;
  readonly dimensions: number;
  readonly source: VectorSource;
  /** A name for a new generation that was never used before. */
  newId(): string;
}

/** An index that is complete, with its seal. */
export interface Generation {
  readonly index: LanceIndex;
  readonly seal: IndexManifest;
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
    const { folder, space, dimensions, source } = this.#options;
    const seal = await readManifest(folder);
    if (seal?.space !== space || seal.dimensions !== dimensions || seal.indexedThrough > source.entry()) return [];
    if (seal.lastChange !== source.fingerprint(seal.indexedThrough)) return [];
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
    const { folder, space, dimensions, source } = this.#options;
    const indexedThrough = source.entry();
    const lastChange = source.fingerprint(indexedThrough);
    const rows = source.rows();
    const generation = this.#options.newId();
    const path = join(folder, generation);
    const probes = await buildLanceTable({ folder: path, dimensions, source, rows, signal });
    const files = await describeFiles(path);
    signal.throwIfAborted();
    const seal = { format: manifestFormat, space, dimensions, generation, indexedThrough, lastChange, probes, files };
    await writeManifest(folder, seal);
    return this.#load(seal);
  }

  /** In what the files of a generation differ from its seal, a sentence each. */
  async problems({ seal }: Generation): Promise<string[]> {
    const { folder } = this.#options;
    const found = await differences(join(folder, seal.generation), seal);
    const written = await readManifest(folder);
    if (written?.generation !== seal.generation) found.push('The seal is missing or damaged.');
    return found;
  }

  /** Removes all but the sealed generation. What cannot be removed is left for the next time. */
  async tidy(): Promise<void> {
    const { folder } = this.#options;
    await removeUnlisted(folder, await readManifest(folder)).catch(() => undefined);
  }

  async #load(seal: IndexManifest): Promise<Generation> {
    const { folder, dimensions, source } = this.#options;
    const index = await LanceIndex.open({
      folder: join(folder, seal.generation),
      dimensions,
      source,
      probes: seal.probes,
    });
    return { index, seal };
  }
}
