import type { SourceGroup, Summarizer, SummarySource } from 'multi-agent-memory';
import { analyze } from '../../src/keyword-index/analyzer';
import type { Conversation, Turn } from './locomo';

/** A text that stands for turns: the turn itself, or a fact made of several. */
export interface TurnFact {
  readonly text: string;
  readonly session: string;
  readonly at: Date;
  /** The ids of the turns. */
  readonly turns: readonly string[];
}

/** The turns themselves, each as a fact of its own. */
export function unchanged({ turns }: Conversation): TurnFact[] {
  return turns.map(({ id, text, session, at }) => ({ text, session, at, turns: [id] }));
}

/** The facts that a summarizer makes of each session. */
export async function summarized(
  conversation: Conversation,
  summarizer: Summarizer,
  ratio: number,
): Promise<TurnFact[]> {
  const facts: TurnFact[] = [];
  for (const { turns, group } of groupsOf(conversation)) {
    const summary = await summarizer.summarize(group, { ratio });
    for (const { text, from } of summary.facts) {
      const sources = from.map((n) => turns[n - 1]!);
      facts.push({ text, session: turns[0]!.session, at: sources.at(-1)!.at, turns: sources.map(({ id }) => id) });
    }
  }
  return facts;
}

/** The facts that a language model made, which come with LoCoMo. */
export function observed({ turns, observations }: Conversation): TurnFact[] {
  const at = new Map(turns.map((turn) => [turn.session, turn.at]));
  return observations.map((observation) => ({ ...observation, at: at.get(observation.session)! }));
}

/** One group for each session, as consolidation makes them. */
export function groupsOf({ turns }: Conversation): { turns: readonly Turn[]; group: SourceGroup }[] {
  const frequencies = new Map<string, number>();
  for (const { text } of turns)
    for (const word of new Set(analyze(text))) frequencies.set(word, (frequencies.get(word) ?? 0) + 1);
  const sessions = new Map<string, Turn[]>();
  for (const turn of turns) sessions.set(turn.session, [...(sessions.get(turn.session) ?? []), turn]);
  return [...sessions.values()].map((inSession) => ({
    turns: inSession,
    group: {
      sources: inSession.map(({ text, at }, i): SummarySource => ({ n: i + 1, text, at, by: 'chat' })),
      documents: turns.length,
      documentFrequency: (word) => frequencies.get(word) ?? 0,
    },
  }));
}
