import { createRequire } from 'node:module';

/** Memories to fill a peer with: texts and vectors of length 1, in the order of their numbers. */
export interface PeerCorpus {
  readonly texts: readonly string[];
  readonly vectors: readonly Float32Array[];
  /** Questions to choose settings with. They are not among those that are measured. */
  readonly calibration: readonly Float32Array[];
}

/** A filled index of a peer. */
export interface PeerIndex {
  /** The setting that it was made with, for the name of its rows. */
  readonly setting?: string;
  /** The numbers of the ten nearest memories. It takes what the peer takes, so that no conversion is measured. */
  prepare(question: Float32Array, number: number): () => number[] | Promise<number[]>;
  close(): void;
}

/** Another library that stores vectors and finds the nearest. */
export interface SearchPeer {
  readonly name: string;
  /** Peers that compare every vector in JavaScript are not asked about more memories than this. */
  readonly mostMemories: number;
  /** The number of questions at full size. Slow peers get fewer. */
  readonly questions: number;
  /** @throws PeerUnavailable */
  fill(corpus: PeerCorpus, folder: string): Promise<PeerIndex>;
}

/** A peer that this machine cannot run, with the reason and what to do. */
export class PeerUnavailable extends Error {}

const load = createRequire(import.meta.url);

/**
 * Loads a package that is installed in `bench/peers`.
 *
 * @throws PeerUnavailable
 */
export function loadPeer<T>(name: string): T {
  try {
    return load(name) as T;
  } catch (error) {
    const [reason] = String((error as Error).message).split('\n');
    const isAbsent = (error as { code?: unknown }).code === 'MODULE_NOT_FOUND';
    throw new PeerUnavailable(
      isAbsent ? `${name} is not installed. Run the benchmark with --peers.` : `${name} cannot be loaded: ${reason}`,
    );
  }
}
