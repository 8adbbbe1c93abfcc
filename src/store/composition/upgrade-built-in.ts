import type { SpaceName } from '../../domain/command';
import { MemoryError } from '../../domain/errors';
import { type BuiltIns, isSame } from '../../embedding/space-embedder';
import { unpaced } from '../../reembedding/pace';
import { defaultBatchSize } from '../../reembedding/reembedding';
import type { Options } from '../open-options';
import type { Engine } from './engine';

/** Whether a space is that of the built-in model of an earlier release. */
export function isEarlierBuiltIn({ previous }: BuiltIns, name: SpaceName | undefined): boolean {
  return name !== undefined && previous.some(({ space }) => isSame(space, name));
}

/**
 * Moves a store from the built-in model of an earlier release to the model of this release, in the background. Searches use the
 * earlier space until the new one is complete. Then the earlier vectors are dropped, because they can be made again at any time.
 * Does nothing for a store that is opened with an embedder other than the built-in one. Never rejects.
 */
export async function upgradeBuiltIn(engine: Engine, builtIns: BuiltIns, options: Options): Promise<void> {
  const { embedder, onProgress } = options;
  if (embedder !== undefined && !isSame(embedder.space, builtIns.current.space)) return;
  const { interning } = engine.state;
  const signal = new AbortController().signal;
  const isOld = (role: 'current' | 'previous') => isEarlierBuiltIn(builtIns, interning.spaceInRole(role)?.name);
  try {
    if (isOld('current')) {
      await engine.moves.reembed(engine.embedder.of(builtIns.current.space) ?? builtIns.current, {
        batchSize: defaultBatchSize,
        pace: unpaced,
        signal,
        onProgress,
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
