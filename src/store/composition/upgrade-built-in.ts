import { MemoryError } from '../../domain/errors';
import { type BuiltIns, isSame } from '../../embedding/space-embedder';
import { unpaced } from '../../reembedding/pace';
import { defaultBatchSize } from '../../reembedding/reembedding';
import type { Options } from '../open-options';
import type { Engine } from './engine';

/**
 * Moves a store from the built-in model of an earlier release to that of this one, in the background; searches use the old one
 * until the new one is complete, whose vectors are then dropped: they can be made again at any time. Never rejects.
 */
export async function upgradeBuiltIn(engine: Engine, builtIns: BuiltIns, options: Options): Promise<void> {
  const { interning } = engine.state;
  const signal = new AbortController().signal;
  const isOld = (role: 'current' | 'previous') => {
    const name = interning.spaceInRole(role)?.name;
    return name !== undefined && builtIns.previous.some(({ space }) => isSame(space, name));
  };
  try {
    if (isOld('current')) {
      const { onProgress } = options;
      await engine.moves.reembed(engine.embedder.of(builtIns.current.space) ?? builtIns.current, {
        ...{ batchSize: defaultBatchSize, pace: unpaced, signal, onProgress },
      });
    }
    if (isOld('previous')) await engine.moves.dropUnused(signal);
  } catch (error) {
    if (!MemoryError.is(error)) throw error;
    if (error.code === 'STORE_CLOSED') return;
    engine.environment.logger.warn('The store could not be moved to the built-in model of this release.', { error });
    engine.events.emit('degraded', { part: 'embedder', error });
  }
}
