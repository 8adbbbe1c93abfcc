/**
 * Tampers with chains in random ways, and makes random calls of a store:
 * `tsx test/audit/run.ts --tamperings N --calls N --seed S`. Exits with 1 if a tampering is not found or located wrongly, if an
 * intact chain is reported, or if a call leaves no entry.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { MemoryStore } from 'multi-agent-memory';
import { Random } from '../faults/random';
import { access, makeRandomCalls } from './random-calls';
import { tamperingKinds, tamperOnce } from './tampering';

const { values } = parseArgs({
  options: {
    tamperings: { type: 'string', default: '10000' },
    calls: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
  },
});
const [tamperings, calls, seed] = [Number(values.tamperings), Number(values.calls), Number(values.seed)];

async function checkTamperings(): Promise<void> {
  for (const [i, kind] of tamperingKinds.entries()) {
    const startedAt = performance.now();
    for (let n = 0; n < tamperings; n++) {
      await tamperOnce(kind, new Random(seed, i, n)).catch((cause: Error) => {
        throw new Error(`Seed ${seed}, ${kind}, number ${n}: ${cause.message}`, { cause });
      });
    }
    const perSecond = tamperings / ((performance.now() - startedAt) / 1_000);
    console.log(`  ${kind.padEnd(18)} ${tamperings} tamperings, ${Math.round(perSecond)} a second`);
  }
}

async function checkCalls(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'audit-calls-'));
  const store = await MemoryStore.open(join(folder, 'store'), { access });
  const startedAt = performance.now();
  const expected = await makeRandomCalls(store, new Random(seed), calls);
  const perSecond = expected / ((performance.now() - startedAt) / 1_000);
  const last = { changes: 0, access: 0 };
  let found = 0;
  for await (const { chain, seq = 0, by } of store.audit.query({ order: 'oldest', limit: 1_000 })) {
    assert.equal(seq, last[chain] + 1, `no gap in ${chain}`);
    last[chain] = seq;
    if (by !== undefined && 'agentId' in by) found++;
  }
  assert.equal(found, expected, 'one entry for each call');
  const verified = await store.audit.verify({ head: await store.audit.checkpoint() });
  assert.ok(verified.ok && verified.anchored, JSON.stringify(verified));
  await store.close();
  rmSync(folder, { recursive: true });
  console.log(`  ${expected} calls, ${Math.round(perSecond)} a second: one entry each, no gap`);
}

try {
  await checkTamperings();
  await checkCalls();
  console.log(`Passed: ${tamperingKinds.length} kinds of tampering and ${calls} calls with seed ${seed}.`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
