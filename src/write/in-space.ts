import { MemoryError } from '../domain/errors';
import type { WriteContext } from './write-context';

/** Runs a write; again where the store moved on to another embedding space while its vectors were made. */
export async function inSpace<T>({ embedder }: Pick<WriteContext, 'embedder'>, write: () => Promise<T>): Promise<T> {
  for (;;) {
    const { model, dimensions } = embedder.space;
    try {
      return await write();
    } catch (error) {
      const { space } = embedder;
      const moved = space.model !== model || space.dimensions !== dimensions;
      if (!moved || !MemoryError.is(error) || error.code !== 'EMBEDDER_MISMATCH') throw error;
    }
  }
}
