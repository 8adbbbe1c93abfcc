import { MemoryError } from '../../domain/errors';
import { type BuiltIns, isSameSpace } from '../../embedding/space-embedder';
import { unpaced } from '../../reembedding/pace';
import { defaultBatchSize } from '../../reembedding/reembedding-run';
import { isEarlierBuiltIn } from '../../reembedding/space-switch';
import type { Options } from '../open-options';
import type { Engine } from './engine';

type Upgradable = Pick<Engine, 'state' | 'spaces' | 'embedder' | 'environment' | 'events'>;

/** Whether `upgradeBuiltIn` has something to do. */
export function isUpgradeDue(engine: Pick<Upgradable, 'state'>, builtIns: BuiltIns, { embedder }: Options): boolean {
  if (embedder !== undefined && !isSameSpace(embedder.space, builtIns.current.space)) return false;
  const { interning } = engine.state;
  const roles = ['current', 'previous'] as const;
  return roles.some((role) => isEarlierBuiltIn(builtIns, interning.spaceInRole(role)?.name));
}

/**
 * Moves a store from an earlier release's built-in model to this release's model, in the background. Searches use the earlier vectors
 * until all new vectors exist. Then the earlier vectors are deleted, because they can be made again at any time. It does nothing if
 * the store is opened with another embedder than the built-in one. Never rejects.
 */
export async function upgradeBuiltIn(
  engine: Upgradable,
  builtIns: BuiltIns,
  { embedder, onProgress }: Options,
): Promise<void> {
  const { space } = builtIns.current;
  if (embedder !== undefined && !isSameSpace(embedder.space, space)) return;
  const { interning } = engine.state;
  const { signal } = new AbortController();
  const isOutdated = (role: 'current' | 'previous') => isEarlierBuiltIn(builtIns, interning.spaceInRole(role)?.name);
  try {
    if (isOutdated('current')) {
      const options = { batchSize: defaultBatchSize, pace: unpaced, signal, onProgress };
      const known = engine.embedder.of(space);
      if (known !== undefined) await engine.spaces.reembed(known, options);
    }
    if (isOutdated('previous')) await engine.spaces.dropUnused(signal);
  } catch (error) {
    if (!MemoryError.is(error)) throw error;
    if (error.code === 'STORE_CLOSED') return;
    engine.environment.logger.warn('The move to the built-in model of this release failed.', { error });
    engine.events.emit('degraded', { part: 'embedder', error });
  }
}
