import { availableParallelism } from 'node:os';

// LanceDB trains an index in the threads of Rayon, which reads it once, when one is first trained or opened.
const threadsVariable = 'RAYON_NUM_THREADS';

/**
 * Runs what may start those threads, so that they leave a processor to searches while an index is trained: with two processors,
 * 95 % of searches took up to 3.2 times as long meanwhile, and take up to 1.7 times. Where the variable is set, what it says stands.
 */
export async function withProcessorToSpare<T>(run: () => Promise<T>): Promise<T> {
  if (process.env[threadsVariable] !== undefined) return run();
  process.env[threadsVariable] = String(Math.max(1, availableParallelism() - 1));
  try {
    return await run();
  } finally {
    delete process.env[threadsVariable];
  }
}
