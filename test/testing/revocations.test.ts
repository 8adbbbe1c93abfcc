import type { MemoryStore } from 'multi-agent-memory';
import { expect, test } from 'vitest';
import { revoke } from './revocations';
import { codeOf, opened } from './tested-cluster';

// `revocations.slow.test.ts` makes more.
test('no node serves a memory that was taken away from the reader, also one that is cut off', async () => {
  const { leaks, refused, hidden, readable } = await revoke(15, 1);
  expect(leaks).toEqual([]);
  expect(refused + hidden).toBe(45);
  // The node that is cut off has served reads a moment before, and found the memory.
  expect(readable).toBeGreaterThan(10);
});

test('a node that is cut off does not show the audit to a caller whose permission has ended elsewhere', async () => {
  const cluster = await opened();
  const inspector = { userId: 'inspector' };
  const [one, , three] = cluster.nodes as [MemoryStore, MemoryStore, MemoryStore];
  const rule = await one.admin.access.allow(inspector, 'auditor', []);
  await cluster.settle();
  const { audit } = three.as(inspector);
  expect((await audit.query()).items.length).toBeGreaterThan(0);
  const exported = () => audit.export()[Symbol.asyncIterator]();
  const begun = exported();
  expect((await begun.next()).done).toBe(false);
  cluster.partition([2]);
  await cluster.advance(4_000);
  await one.admin.access.end(rule.id);
  expect(await codeOf(audit.query())).toBe('NO_QUORUM');
  expect(await codeOf(exported().next())).toBe('NO_QUORUM');
  expect(await codeOf(begun.next())).toBe('NO_QUORUM');
});

test('a forget that waits for a node that is cut off holds up neither reads nor other writes of its own node', async () => {
  const cluster = await opened();
  const [one] = cluster.nodes as [MemoryStore];
  const place = { namespace: ['ward'] };
  const { id } = await one.admin.remember('secret', place);
  await cluster.settle();
  cluster.partition([2]);
  const order: string[] = [];
  await Promise.all([
    one.admin.forget(id).then((isForgotten) => order.push(`forgot: ${isForgotten}`)),
    one.admin.remember('other', place).then(() => order.push('remembered')),
    one.admin.get(id).then((found) => order.push(`read: ${found?.text}`)),
  ]);
  expect(order.pop()).toBe('forgot: true');
  expect(order.sort()).toEqual(['read: undefined', 'remembered']);
});
