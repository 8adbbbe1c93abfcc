import { join } from 'node:path';
import { messageOf } from '../domain/realms';
import { BuilderFailed, type BuilderOptions, buildTable } from './build-process';
import {
  describeFiles,
  differences,
  generationName,
  type IndexManifest,
  manifestFormat,
  readManifest,
  removeIndex,
  removeUnlisted,
  writeManifest,
} from './index-manifest';
import { LanceIndex } from './lance-index';
import { LanceUnavailable } from './lance-library';
import type { VectorSource } from './vector-index';

export interface GenerationsOptions {
  /** The absolute path of a folder that contains nothing else. */
  readonly folder: string;
  /** Whether only the user of this process may read the index. If false, it gets the permissions of the folder that contains it. */
  readonly isPrivate?: boolean | undefined;
  /** Identifies the embedding space and the store. */
  readonly space: string;
  readonly dimensions: number;
  readonly source: VectorSource;
  /** Returns a name for a generation that was never used before. */
  newId(): string;
  readonly builder?: BuilderOptions | undefined;
}

/** A complete index and its manifest, which lists its files. A later build makes a new generation. */
export interface Generation {
  readonly index: LanceIndex;
  readonly manifest: IndexManifest;
}

/** The result of `Generations.open`. 'absent' means that no index was built for this embedding space and this history of the store. */
export type OpenedGeneration =
  | { readonly kind: 'open'; readonly generation: Generation }
  | { readonly kind: 'absent' }
  | { readonly kind: 'damaged'; readonly problems: readonly string[] }
  | { readonly kind: 'unavailable'; readonly error: LanceUnavailable };

/** The approximate indexes in one folder. An index is built as a whole and never changes. The manifest names the index that is in use. */
export class Generations {
  readonly #options: GenerationsOptions;

  constructor(options: GenerationsOptions) {
    this.#options = options;
  }

  /** Opens the generation that the manifest names, after checking the content of each of its files. */
  async open(): Promise<OpenedGeneration> {
    const { folder, space, dimensions, source } = this.#options;
    const manifest = await readManifest(folder);
    if (manifest?.space !== space || manifest.dimensions !== dimensions) return { kind: 'absent' };
    const { indexedThrough, lastChange } = manifest;
    if (indexedThrough > source.lastChangeSeq() || lastChange !== source.fingerprint(indexedThrough))
      return { kind: 'absent' };
    const problems = await differences(join(folder, manifest.generation), manifest);
    if (problems.length > 0) return { kind: 'damaged', problems };
    try {
      return { kind: 'open', generation: await this.#load(manifest) };
    } catch (error) {
      if (error instanceof LanceUnavailable) return { kind: 'unavailable', error };
      const reason = messageOf(error);
      return { kind: 'damaged', problems: [`LanceDB cannot open it: ${reason}`] };
    }
  }

  /**
   * Builds a generation from the vectors that the source contains now, and names it in the manifest. The earlier generation stays on
   * disk until `tidy`.
   *
   * @throws the reason of the signal, LanceUnavailable, BuilderFailed, or the error of LanceDB or of the file system.
   */
  async build(signal: AbortSignal): Promise<Generation> {
    const { folder, isPrivate, space, dimensions, source, builder } = this.#options;
    const indexedThrough = source.lastChangeSeq();
    const lastChange = source.fingerprint(indexedThrough);
    const rows = source.rows();
    const generation = generationName(this.#options.newId());
    const path = join(folder, generation);
    const { probes, vectors } = await buildTable({
      folder: path,
      isPrivate,
      dimensions,
      source,
      rows,
      signal,
      builder,
    });
    const files = await describeFiles(path);
    signal.throwIfAborted();
    const manifest = {
      format: manifestFormat,
      space,
      dimensions,
      generation,
      indexedThrough,
      lastChange,
      probes,
      files,
    };
    const built = await this.#load(manifest);
    try {
      const { size } = built.index;
      if (size !== vectors) throw new BuilderFailed(`The index builder stored ${size} of ${vectors} vectors.`);
      await writeManifest(folder, manifest);
      return built;
    } catch (error) {
      await built.index.close();
      throw error;
    }
  }

  /** Describes how the files of a generation differ from its manifest, one sentence for each difference. */
  async problems({ manifest }: Generation): Promise<string[]> {
    const { folder } = this.#options;
    const found = await differences(join(folder, manifest.generation), manifest);
    const written = await readManifest(folder);
    if (written?.generation !== manifest.generation) found.push('The manifest is missing or damaged.');
    return found;
  }

  /** Removes every file except the manifest and the generation that it names. What cannot be removed stays until the next call. */
  async tidy(): Promise<void> {
    const { folder } = this.#options;
    await removeUnlisted(folder, await readManifest(folder)).catch(() => undefined);
  }

  /** Removes the index with all its files. */
  remove(): Promise<void> {
    return removeIndex(this.#options.folder);
  }

  async #load(manifest: IndexManifest): Promise<Generation> {
    const { folder, dimensions, source } = this.#options;
    const path = join(folder, manifest.generation);
    const index = await LanceIndex.open({ folder: path, dimensions, source, probes: manifest.probes });
    return { index, manifest };
  }
}
