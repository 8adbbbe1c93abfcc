import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readTranscript, type Turn } from './transcript';

/** One conversation between one customer and one agent. */
export interface Session {
  id: string;
  agent: string;
  customer: string;
  /** The customer's name. */
  name: string;
  turns: Turn[];
  startsAt: Date;
  endsAt: Date;
}

const folder = fileURLToPath(new URL('./transcripts', import.meta.url));

/** Reads the sessions of the week, oldest first. */
export async function loadSessions(): Promise<Session[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.jsonl')).sort();
  const transcripts = await Promise.all(
    files.map((file) =>
      readTranscript(join(folder, file), ({ agent, customer }) => ({
        agent: String(agent),
        customer: String(customer),
      })),
    ),
  );
  const sessions = transcripts.flatMap((turns) => {
    const ids = [...new Set(turns.map(({ session }) => session))];
    return ids.map((id) => sessionOf(turns.filter(({ session }) => session === id)));
  });
  return sessions.sort((a, b) => a.startsAt.getTime() - b.startsAt.getTime());
}

function sessionOf(turns: (Turn & { agent: string; customer: string })[]): Session {
  const first = turns[0] as (typeof turns)[number];
  const last = turns.at(-1) as Turn;
  return {
    id: first.session,
    agent: first.agent,
    customer: first.customer,
    name: first.speaker,
    turns,
    startsAt: new Date(first.time),
    endsAt: new Date(last.time),
  };
}
