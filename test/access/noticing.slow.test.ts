import fc from 'fast-check';
import { expect, test } from 'vitest';
import { brokenAboutCommands } from './broken-references';
import { brokenWorlds } from './broken-worlds';
import { cases } from './cases';
import { Distribution } from './distribution';
import { play } from './play';
import { Reference } from './reference';
import { World } from './world';

/** Checks that a wrong evaluator or model is detected: for some generated policy it must differ from the store. */
async function assertNoticed(kind: typeof Reference, worldKind: typeof World): Promise<void> {
  const property = fc.asyncProperty(cases, async (given) => {
    await play(given, new Distribution(), kind, worldKind);
  });
  const { failed, errorInstance } = await fc.check(property, { seed: 2, numRuns: 300, endOnFailure: true });
  expect(failed).toBe(true);
  expect(errorInstance).toHaveProperty('code', 'ERR_ASSERTION');
}

test.each(Object.entries(brokenAboutCommands))(
  'comparing a store with a wrong evaluator finds a difference: %s',
  async (_, kind) => {
    await assertNoticed(kind, World);
  },
  60_000,
);

test.each(Object.entries(brokenWorlds))(
  'comparing a store with a wrong model finds a difference: %s',
  async (_, worldKind) => {
    await assertNoticed(Reference, worldKind);
  },
  60_000,
);
