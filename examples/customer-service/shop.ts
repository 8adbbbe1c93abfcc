import { allow, type MemoryHandle, MemoryStore, type NewMemory } from 'multi-agent-memory';
import { notes } from './notes';
import type { Session } from './sessions';

/** Where the shop's agents keep what they know. */
export const namespace = ['support'];

/** A clock that stands where the story is, in epoch milliseconds, so that recency counts as it did in that week. */
export interface StoryClock {
  at: number;
}

/** The shop's store: everybody who works here may read and write what the support team knows. */
export function openShop(folder: string, clock: StoryClock): Promise<MemoryStore> {
  return MemoryStore.open(folder, { access: [allow('everyone', 'writer', namespace)], clock: { now: () => clock.at } });
}

/** How one agent sees the store. */
export function agentOf(store: MemoryStore, agentId: string): MemoryHandle {
  return store.as({ agentId }, { namespace });
}

/** The agent of a session remembers what was said, turn by turn, and the notes that it took. */
export async function rememberSession(
  store: MemoryStore,
  session: Session,
): Promise<{ turns: number; notes: number; tookMs: number }> {
  const agent = agentOf(store, session.agent).within({ userId: session.customer, sessionId: session.id });
  const started = performance.now();
  const turns = await agent.rememberMany(session.turns.map((turn) => turnMemory(session, turn)));
  if (turns.failed > 0) throw new Error(`${turns.failed} turns of ${session.id} were not stored.`);
  const taken = notes.filter((note) => note.session === session.id);
  for (const { text, supersedes, key, ...fields } of taken) {
    const old =
      supersedes === undefined ? undefined : await agentOf(store, session.agent).get({ namespace, key: supersedes });
    // Not through the handle of this session: a fact of an earlier one lies outside its scope.
    await agentOf(store, session.agent).remember(text, {
      userId: session.customer,
      sessionId: session.id,
      kind: 'semantic',
      priority: fields.priority,
      tags: fields.tags,
      validFrom: session.endsAt,
      source: { channel: 'agent', ref: session.id },
      ...(key === undefined ? {} : { key }),
      ...(old === undefined ? {} : { supersedes: old.id }),
    });
  }
  return { turns: turns.stored + turns.duplicates, notes: taken.length, tookMs: performance.now() - started };
}

function turnMemory(session: Session, turn: Session['turns'][number]): NewMemory {
  const saidByCustomer = turn.speaker === session.name;
  return {
    text: `${turn.speaker}: ${turn.text}`,
    kind: 'episodic',
    priority: saidByCustomer ? 0.5 : 0.4,
    tags: ['chat'],
    validFrom: turn.time,
    source: { channel: saidByCustomer ? 'user' : 'agent', ref: `${session.id}#${turn.line}` },
  };
}
