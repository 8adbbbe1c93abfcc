/** The arguments and results of the calls of a handle and of a store. This file is compiled and never run. */
import {
  allow,
  deny,
  type Hit,
  type Memory,
  type MemoryChange,
  MemoryError,
  MemoryStore,
  toContext,
} from 'multi-agent-memory';
import type { Same } from './same.js';

export async function opening(): Promise<void> {
  await using store = await MemoryStore.open('./memory', {
    access: [allow('everyone', 'writer', ['support']), deny({ agentId: 'trainee' }, ['read'], ['support', 'vip'])],
    readOnly: true,
  });
  const unsubscribe = store.on('committed', ({ changeSeq, ids }) => {
    true satisfies Same<[typeof changeSeq, typeof ids], [number, string[]]>;
  });
  true satisfies Same<typeof unsubscribe, () => void>;
  // @ts-expect-error unknown event
  store.on('stored', () => {});
  // @ts-expect-error a store comes from `open`, not from its constructor
  new MemoryStore();
  // @ts-expect-error a rule needs a namespace
  allow('everyone', 'writer');
  // @ts-expect-error unknown action
  allow('everyone', ['delete'], []);
}

export async function writing(store: MemoryStore): Promise<void> {
  const agent = store.as({ agentId: 'billing' }, { namespace: ['support'] });
  const { outcome } = await agent.remember('text', {
    key: 'k',
    validFrom: '2026-03-01T00:00:00Z',
    expiresAt: new Date(),
  });
  true satisfies Same<typeof outcome, 'stored' | 'revised' | 'duplicate' | 'disputed'>;
  // @ts-expect-error the text is the first argument
  await agent.remember('text', { text: 'other' });
  // @ts-expect-error unknown kind
  await agent.remember('text', { kind: 'fact' });

  const { results } = await agent.rememberMany([{ text: 'one' }], {
    atomic: true,
    onProgress: ({ done }) => void done,
  });
  for (const result of results) {
    if (result.ok) true satisfies Same<typeof result.id, string>;
    else true satisfies Same<typeof result.error, MemoryError>;
  }
  // @ts-expect-error a memory needs a text
  await agent.rememberMany([{ tags: ['a'] }]);

  await agent.update('id', { text: 'new', validTo: null, tags: null }, { ifRevision: 1 });
  // @ts-expect-error a text can be replaced, but not cleared
  await agent.update('id', { text: null });
  // @ts-expect-error `share` changes the visibility
  await agent.update('id', { visibility: 'private' });
  // @ts-expect-error `forgetWhere` needs `dryRun`
  await agent.forgetWhere({ userId: 'u1' }, {});
}

export async function reading(store: MemoryStore, signal: AbortSignal): Promise<void> {
  const agent = store.as({ agentId: 'billing' });
  const hits = await agent.recall('query', { mode: 'hybrid', threshold: 0.2, explain: true, signal });
  true satisfies Same<typeof hits, Hit[]>;
  const { text, used, omitted } = toContext(hits, { maxTokens: 500 });
  true satisfies Same<[typeof text, typeof used, typeof omitted], [string, Hit[], number]>;
  // @ts-expect-error unknown mode
  await agent.recall('query', { mode: 'vector' });

  const page = await agent.list({ limit: 10, orderBy: 'validFrom', order: 'oldest' });
  true satisfies Same<(typeof page)['items'], Memory[]>;
  for await (const memory of agent.list()) true satisfies Same<typeof memory, Memory>;
  for await (const change of agent.watch({ since: 'start' })) true satisfies Same<typeof change, MemoryChange>;
  await agent.get({ namespace: ['support'], key: 'k' });
  // @ts-expect-error a key is unique only within a namespace
  await agent.get({ key: 'k' });
}

export function failing(error: unknown): string | undefined {
  if (!MemoryError.is(error)) return undefined;
  // @ts-expect-error unknown code
  if (error.code === 'GONE') return undefined;
  return error.code === 'INVALID_INPUT'
    ? error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join()
    : error.code;
}
