/** A store with a schema has typed metadata in writes, filters and reads. This file is compiled and never run. */
import { type Filter, type Hit, type Memory, MemoryStore, type Metadata } from 'multi-agent-memory';
import { z } from 'zod';
import type { Same } from './same.js';

const schema = z.object({ order: z.string(), amount: z.number().optional() });
type Order = z.infer<typeof schema>;

export async function typedMetadata(): Promise<void> {
  const store = await MemoryStore.open('./memory', { metadata: schema });
  const agent = store.as({ agentId: 'billing' });
  await agent.remember('text', { metadata: { order: 'A-1182' } });
  // @ts-expect-error the schema requires `order`
  await agent.remember('text', { metadata: { amount: 5 } });
  // @ts-expect-error `order` is a string
  await agent.remember('text', { metadata: { order: 5 } });
  // @ts-expect-error the schema has no `color`
  await agent.remember('text', { metadata: { order: 'A-1182', color: 'red' } });

  const hits = await agent.recall('query', { filter: { metadata: { order: { in: ['A-1182'] }, amount: { gte: 5 } } } });
  true satisfies Same<typeof hits, Hit<Order>[]>;
  true satisfies Same<NonNullable<(typeof hits)[0]>['metadata']['order'], string>;
  // @ts-expect-error the schema has no `color`
  await agent.recall('query', { filter: { metadata: { color: 'red' } } });
  // @ts-expect-error neither in a nested filter
  await agent.recall('query', { filter: { and: [{ not: { metadata: { color: 'red' } } }] } });

  const below = await agent.within({ namespace: ['support'] }).get('id');
  true satisfies Same<typeof below, Memory<Order> | undefined>;
}

export async function anyMetadata(): Promise<void> {
  const store = await MemoryStore.inMemory();
  const agent = store.as({ agentId: 'billing' });
  await agent.remember('text', { metadata: { anything: ['is', { fine: null }] } });
  // @ts-expect-error metadata is JSON
  await agent.remember('text', { metadata: { at: new Date() } });
  // @ts-expect-error metadata is an object
  await agent.remember('text', { metadata: 'order' });
  const memory = await agent.get('id');
  true satisfies Same<NonNullable<typeof memory>['metadata'], Metadata>;
  ({ metadata: { anything: 5 } }) satisfies Filter;
}
