/** A field that narrows a call cannot be lost: `undefined` and unknown names do not compile. This file is compiled and never run. */
import type { Filter, MemoryStore, Selection } from 'multi-agent-memory';

export async function scopes(
  store: MemoryStore,
  session: { userId?: string },
  userId: string | undefined,
): Promise<void> {
  const agent = store.as({ agentId: 'billing', onBehalfOf: { userId: 'u1' } }, { namespace: ['support'] });
  await agent.recall('query', { userId: 'u1', sessionId: 's1', tags: ['refund'], topK: 5 });
  // @ts-expect-error an undefined user must not turn into a search for all users
  await agent.recall('query', { userId });
  // @ts-expect-error the same
  await agent.list({ userId: session.userId });
  // @ts-expect-error the same
  store.as({ agentId: 'billing' }, { userId });
  // @ts-expect-error the same
  agent.within({ namespace: undefined });
  // @ts-expect-error the same
  await agent.forgetWhere({ userId }, { dryRun: true });
  // @ts-expect-error the same
  await agent.count({ filter: { kind: undefined } });
  // @ts-expect-error unknown field of a scope
  await agent.recall('query', { user: 'u1' });
  // @ts-expect-error `limit` is an option of `list`; `recall` has `topK`
  await agent.recall('query', { limit: 5 });
}

export function principals(store: MemoryStore): void {
  store.as({ userId: 'u1' });
  store.as({ serviceId: 'nightly' });
  // @ts-expect-error a principal needs an id
  store.as({});
  // @ts-expect-error `onBehalfOf` takes only a user
  store.as({ agentId: 'billing', onBehalfOf: { agentId: 'other' } });
}

export const filters = [
  { kind: 'episodic', priority: { gte: 0.5, lt: 1 }, createdAt: { gt: new Date(0) } },
  { tags: { contains: 'refund' }, key: { exists: false }, agentId: { nin: ['billing'] } },
  { or: [{ sessionId: 's1' }, { not: { userId: { ne: 'u1' } } }] },
  { text: { contains: 'refund' }, id: { startsWith: '0198c0de' } },
  { namespace: ['support'], not: { namespace: { startsWith: ['support', 'eu'], in: [['a'], ['b']] } } },
] satisfies Filter[];

export const notFilters = [
  // @ts-expect-error unknown field
  { priorty: 1 },
  // @ts-expect-error unknown operator
  { priority: { atLeast: 0.5 } },
  // @ts-expect-error a text is searched with `contains`
  { text: 'refund' },
  // @ts-expect-error a namespace is never a joined string
  { namespace: 'support/eu' },
  // @ts-expect-error metadata keys belong below `metadata`
  { order: 'A-1182' },
] satisfies Filter[];

export const selections = [
  { asOf: '2026-03-01T00:00:00Z', include: ['expired', 'superseded'] },
  { asOf: 1_772_323_200_000, namespace: [] },
  // @ts-expect-error unknown state
  { include: ['deleted'] },
] satisfies Selection[];
