import { MemoryStore } from 'multi-agent-memory';
import { analyze } from '../../src/keyword-index/analyzer';
import { stopWords } from '../../src/keyword-index/stop-words';
import { shareFound } from './figures';
import type { Conversation } from './locomo';
import type { TurnFact } from './locomo-facts';

/** What recalls among facts give for each question of a conversation. All figures are shares, from 0 to 1. */
export interface FactQuality {
  /** Of the turns that contain the answer: those that one of the first ten hits names. One figure for each question. */
  readonly evidence: readonly number[];
  /** Of the words of the answer: those in the first hits with their days, up to 400 tokens. One figure for each question with an answer. */
  readonly answer: readonly number[];
  /** The same with the turns of the hits in place of the hits. */
  readonly drilled: readonly number[];
}

const contextTokens = 400;
const charactersPerToken = 4;
const day = { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' } as const;
const hitsForContext = 60;

/** Stores the facts, and asks the questions of the conversation. */
export async function factQuality(
  { name, turns, questions }: Conversation,
  facts: readonly TurnFact[],
): Promise<FactQuality> {
  const byId = new Map(turns.map((turn) => [turn.id, turn]));
  const now = Math.max(...turns.map(({ at }) => at.getTime())) + 24 * 60 * 60 * 1000;
  await using store = await MemoryStore.inMemory<{ turns: readonly string[] }>({ clock: { now: () => now } });
  const handle = store.admin.within({ namespace: ['locomo', name] });
  await handle.rememberMany(
    facts.map(({ text, session, at, turns }) => ({ text, sessionId: session, validFrom: at, metadata: { turns } })),
  );
  const quality = { evidence: [] as number[], answer: [] as number[], drilled: [] as number[] };
  for (const { text, evidence, answer } of questions) {
    const hits = await handle.recall(text, { topK: hitsForContext });
    quality.evidence.push(
      shareFound(
        evidence,
        hits.slice(0, 10).flatMap(({ metadata }) => metadata.turns),
      ),
    );
    if (answer === undefined) continue;
    const wanted = [...new Set(analyze(answer))].filter((word) => !stopWords.has(word));
    if (wanted.length === 0) continue;
    const sources = [...new Set(hits.flatMap(({ metadata }) => metadata.turns))].map((id) => byId.get(id)!);
    quality.answer.push(shareFound(wanted, wordsOfContext(hits.map((hit) => ({ text: hit.text, at: hit.validFrom })))));
    quality.drilled.push(shareFound(wanted, wordsOfContext(sources)));
  }
  return quality;
}

/** The words of the first texts, each with its day, as far as they fit in the context. */
function wordsOfContext(texts: readonly { text: string; at: Date }[]): readonly string[] {
  let context = '';
  for (const { text, at } of texts) {
    const line = `${at.toLocaleDateString('en-GB', day)}: ${text}\n`;
    if (context.length + line.length > contextTokens * charactersPerToken) break;
    context += line;
  }
  return analyze(context);
}
