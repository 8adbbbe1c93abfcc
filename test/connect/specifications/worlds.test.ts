import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { cases } from '../../access/cases';
import { Distribution } from '../../access/distribution';
import { play } from '../../access/play';
import { casts } from '../../worlds/cast';
import { script } from '../../worlds/deeds';
import { library } from '../../worlds/library';
import { compare } from '../../worlds/pair';

// Imported there, because what this file imports needs it first.
vi.mock('multi-agent-memory', async (original) => {
  const { throughConnect } = await import('../through-connect');
  return throughConnect(await original());
});

describe('through connect', () => {
  test('what a reader may not see changes nothing that it can learn', async () => {
    // Not who audits: when a watch was read is in the audit, and over a socket that depends on the moment.
    const readers = casts.filter(({ audits }) => audits !== true);
    const worlds = fc
      .constantFrom(...readers)
      .chain((cast) => fc.record({ cast: fc.constant(cast), deeds: script(cast) }));
    const property = fc.asyncProperty(worlds, async ({ cast, deeds }) => {
      expect(await compare(library, cast, deeds, {})).toBeUndefined();
    });
    await fc.assert(property, { seed: 3, numRuns: 15, endOnFailure: true });
  }, 180_000);

  test('a store does under any policy what the reference evaluator says, on every path', async () => {
    const distribution = new Distribution();
    const property = fc.asyncProperty(cases, async (given) => {
      await play(given, distribution);
    });
    await fc.assert(property, { seed: 3, numRuns: 15 });
    expect(distribution.shares().allowed).toBeGreaterThan(0.2);
  }, 180_000);
});
