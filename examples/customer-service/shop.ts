import { allow, type MemoryHandle, MemoryStore, type NewMemory } from 'multi-agent-memory';
import { notes } from './agent-notes';
import type { Session } from './sessions';

/** The namespace that the shop's agents share. */
export const namespace = ['support'];

/** A clock that shows the time of the story. So recency counts as it did in that week. */
export interface StoryClock {
  /** Milliseconds since 1970. */
  at: number;
}

/** Opens the shop's store. All its agents may read and write in the shared namespace. */
export function openShop(folder: string, clock: StoryClock): Promise<MemoryStore> {
  return MemoryStore.open(folder, { access: [allow('everyone', 'writer', namespace)], clock: { now: () => clock.at } });
}

/** The handle of one agent. */
export function agentOf(store: MemoryStore, agentId: string): MemoryHandle {
  return store.as({ agentId }, { namespace });
}

/** Stores the turns of a session and the notes of its agent. */
export async function rememberSession(
  store: MemoryStore,
  session: Session,
): Promise<{ turns: number; notes: number; tookMs: number }> {
  const agent = agentOf(store, session.agent).within({ userId: session.customer, sessionId: session.id });
  const started = performance.now();
  const turns = await agent.rememberMany(session.turns.map((turn) => turnMemory(session, turn)));
  if (turns.failed > 0) throw new Error(`${turns.failed} turns of ${session.id} were not stored.`);
  const sessionNotes = notes.filter((note) => note.session === session.id);
  for (const { text, supersedes, key, ...fields } of sessionNotes) {
    const old =
      supersedes === undefined ? undefined : await agentOf(store, session.agent).get({ namespace, key: supersedes });
    // A note may replace a fact of an earlier session, which is outside the scope of this session's handle.
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
  return { turns: turns.stored + turns.duplicates, notes: sessionNotes.length, tookMs: performance.now() - started };
}

function turnMemory(session: Session, turn: Session['turns'][number]): NewMemory {
  const isCustomer = turn.speaker === session.name;
  return {
    text: `${turn.speaker}: ${turn.text}`,
    kind: 'episodic',
    priority: isCustomer ? 0.5 : 0.4,
    tags: ['chat'],
    validFrom: turn.time,
    source: { channel: isCustomer ? 'user' : 'agent', ref: `${session.id}#${turn.line}` },
  };
}
