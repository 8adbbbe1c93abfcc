import { equal } from 'node:assert/strict';
import type { Library } from '../worlds/library';
import { governingPromises } from './governing-promises';
import { incidentPromises } from './incident-promises';
import { access, listening, type Promised, quotas } from './promise';
import { readingPromises } from './reading-promises';
import { trustPromises } from './trust-promises';
import { writingPromises } from './writing-promises';

/** Every promise. */
export const promised: readonly Promised[] = [
  ...readingPromises,
  ...writingPromises,
  ...governingPromises,
  ...incidentPromises,
  ...trustPromises,
];

/** Runs each by itself; throws with the name of the first that does not hold. */
export async function keepPromises({ inMemory }: Library, promises = promised): Promise<void> {
  for (const { name, run } of promises) {
    const embedded: string[] = [];
    const store = await inMemory({ access, quotas, embedder: listening(embedded) });
    try {
      await run({ store, ann: store.as({ agentId: 'ann' }), wes: store.as({ agentId: 'wes' }), embedded });
      equal((await store.stats()).recheckRejected, 0, 'recheckRejected');
    } catch (error) {
      throw new Error(`${name}: ${(error as Error).message.split('\n').slice(0, 3).join(' ')}`, { cause: error });
    } finally {
      await store.close();
    }
  }
}
