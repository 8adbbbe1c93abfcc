import type { Probes } from './probes';

/** The first message from the host process to the index builder. */
export interface BuildTask {
  /** The absolute path of an empty folder. */
  readonly folder: string;
  readonly dimensions: number;
  /** The sample queries for `measureProbes`. */
  readonly queries: readonly Float32Array[];
}

/** The second message, after the host has written all vectors to the builder's standard input. */
export interface BuildInput {
  readonly vectors: number;
}

/** The only message from the index builder to the host process. */
export type BuilderAnswer =
  | { readonly kind: 'built'; readonly probes: Probes }
  /** LanceDB cannot be loaded. */
  | { readonly kind: 'unavailable'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string };

/** The folder for temporary files, within the folder of the task. The host removes it. */
export const scratchName = 'scratch';

/**
 * Computes how many bytes one vector takes on the standard input: row and chunk as 32-bit integers, then the components as 32-bit
 * floats.
 */
export function recordBytes(dimensions: number): number {
  return (2 + dimensions) * Float32Array.BYTES_PER_ELEMENT;
}

/** Parses the answer in a message. Returns undefined if the message is not an answer. */
export function parseAnswer(message: unknown): BuilderAnswer | undefined {
  if (typeof message !== 'object' || message === null || !('kind' in message)) return undefined;
  if (message.kind === 'built') {
    return 'probes' in message && isProbes(message.probes) ? { kind: 'built', probes: message.probes } : undefined;
  }
  const isFailure = message.kind === 'unavailable' || message.kind === 'failed';
  if (!isFailure || !('reason' in message) || typeof message.reason !== 'string') return undefined;
  return { kind: message.kind as 'unavailable' | 'failed', reason: message.reason };
}

function isProbes(value: unknown): value is Probes {
  if (typeof value !== 'object' || value === null) return false;
  const { partitions, curve } = value as Partial<Probes>;
  const isCount = (count: unknown) => Number.isSafeInteger(count) && (count as number) > 0;
  return (
    isCount(partitions) &&
    Array.isArray(curve) &&
    curve.length > 0 &&
    curve.every((point: Partial<Probes['curve'][number]>) => isCount(point?.depth) && isCount(point?.probes))
  );
}
