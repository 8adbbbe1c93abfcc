import type { Embedder, NewMemory } from 'multi-agent-memory';
import { textOf, wordsOf } from './texts';
import { dimensions, type Vectors } from './vectors';

/** The metadata of a memory of the benchmark: its number, which identifies it among hits. */
export interface Ticket extends Record<string, number> {
  readonly ticket: number;
}

/** The teams are below `support`, where everyone may read and write. */
export const teams = 20;

const customers = 5_000;
const sessions = 20_000;
// The same for all memories, like the priority, so that a semantic search ranks by cosine alone.
const validFrom = new Date('2026-01-01T00:00:00Z');

/** The namespace of a team. */
export function teamOf(number: number): string[] {
  return ['support', `team-${number % teams}`];
}

/** A typical memory of an agent: about 600 bytes, with customer, session and vector. */
export function memoryOf(vectors: Vectors, ticket: number): NewMemory<Ticket> & { vector: Float32Array } {
  return {
    text: textOf(ticket, vectors.topicOf(ticket)),
    namespace: teamOf(ticket),
    userId: `customer-${ticket % customers}`,
    sessionId: `session-${ticket % sessions}`,
    metadata: { ticket },
    validFrom,
    vector: vectors.of(ticket),
  };
}

/** A query of 3 to 6 words with a vector, close to one of the memories. */
export function questionOf(vectors: Vectors, number: number): { words: string; vector: Float32Array } {
  const topic = vectors.topicOf(vectors.memoryOf(number));
  return { words: wordsOf(number, topic), vector: vectors.ofQuestion(number) };
}

/** The embedder of the benchmark. It embeds nothing: every call passes its vector, so that no model is measured. */
export const givenVectors: Embedder = {
  space: { model: 'given by the benchmark', dimensions, normalized: true },
  maxTokens: 256,
  embedDocuments: refuse,
  embedQuery: refuse,
};

async function refuse(): Promise<never> {
  throw new Error('The call has no vector.');
}
