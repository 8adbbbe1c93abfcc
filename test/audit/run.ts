/**
 * Tampers with chains in every way, and works a store without a pause, again and again:
 * `tsx test/audit/run.ts --tamperings N --operations N --seed S`. Ends with 1 where a tampering is not found, not located, or
 * found where nothing is, and where an operation leaves no entry.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { MemoryStore } from 'multi-agent-memory';
import { Random } from '../faults/random';
import { access, operate } from './operations';
import { classes, tamperOnce } from './tampering';

const { values } = parseArgs({
  options: {
    tamperings: { type: 'string', default: '10000' },
    operations: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
  },
});
const [tamperings, operations, seed] = [Number(values.tamperings), Number(values.operations), Number(values.seed)];

async function tamper(): Promise<void> {
  for (const [i, kind] of classes.entries()) {
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

async function work(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'audit-operations-'));
  const store = await MemoryStore.open(join(folder, 'store'), { access });
  const startedAt = performance.now();
  const expected = await operate(store, new Random(seed), operations);
  const perSecond = expected / ((performance.now() - startedAt) / 1_000);
  const last = { changes: 0, access: 0 };
  let own = 0;
  for await (const { chain, seq = 0, by } of store.audit.query({ order: 'oldest', limit: 1_000 })) {
    assert.equal(seq, last[chain] + 1, `a gap in ${chain}`);
    last[chain] = seq;
    if (by !== undefined && 'agentId' in by) own++;
  }
  assert.equal(own, expected, 'an entry for each operation');
  const verified = await store.audit.verify({ head: await store.audit.checkpoint() });
  assert.ok(verified.ok && verified.anchored, JSON.stringify(verified));
  await store.close();
  rmSync(folder, { recursive: true });
  console.log(`  ${expected} operations, ${Math.round(perSecond)} a second, as many entries, no gap`);
}

try {
  await tamper();
  await work();
  console.log(`All is well: ${classes.length} classes of tampering and ${operations} operations with seed ${seed}.`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
