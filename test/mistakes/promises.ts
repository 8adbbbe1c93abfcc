import { equal } from 'node:assert/strict';
import { fakeClock } from 'multi-agent-memory/testing';
import type { Library } from '../worlds/library';
import { erasurePromises } from './erasure-promises';
import { governingPromises } from './governing-promises';
import { incidentPromises } from './incident-promises';
import { access, listening, type Promised, quotas } from './promise';
import { readingPromises } from './reading-promises';
import { retentionPromises } from './retention-promises';
import { trustPromises } from './trust-promises';
import { writingPromises } from './writing-promises';

/** Every promise. */
export const promised: readonly Promised[] = [
  ...readingPromises,
  ...writingPromises,
  ...governingPromises,
  ...incidentPromises,
  ...trustPromises,
  ...retentionPromises,
  ...erasurePromises,
];

/** Runs each by itself; throws with the name of the first that does not hold. */
export async function keepPromises({ inMemory }: Library, promises = promised): Promise<void> {
  for (const { name, run } of promises) {
    const embedded: string[] = [];
    const clock = fakeClock();
    const store = await inMemory({ access, quotas, clock, embedder: listening(embedded) });
    try {
      const [ann, wes] = [store.as({ agentId: 'ann' }), store.as({ agentId: 'wes' })];
      await run({ store, ann, wes, embedded, advance: (ms) => clock.advance(ms) });
      equal((await store.stats()).recheckRejected, 0, 'recheckRejected');
    } catch (error) {
      throw new Error(`${name}: ${(error as Error).message.split('\n').slice(0, 3).join(' ')}`, { cause: error });
    } finally {
      await store.close();
    }
  }
}
