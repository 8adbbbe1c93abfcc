import type { Hit, MemoryHandle, RecallOptions } from 'multi-agent-memory';
import type { Screen } from '../screen';
import { duration, printHit } from './hit-lines';

/** The number of hits that are printed. The expected answer must be one of them. */
const maxHits = 3;

/** Claims about the memory. The program fails if one does not hold. */
export interface Claims {
  readonly failed: string[];
  /** The duration of each search. */
  readonly durationsMs: number[];
  /** Prints a claim and whether it holds. Keeps it in `failed` if not. */
  check(holds: boolean, what: string): void;
}

export function claimsOn(screen: Screen): Claims {
  const failed: string[] = [];
  const check = (holds: boolean, what: string) => {
    if (!holds) failed.push(what);
    screen.print(`  ${holds ? screen.style('green', '✔') : screen.style('red', '✘')} ${what}`);
  };
  return { failed, durationsMs: [], check };
}

/** A search and its expected answer. */
export interface Search {
  /** The agent that searches, and its handle. */
  agentId: string;
  agent: MemoryHandle;
  question: string;
  options: RecallOptions;
  /** What one of the first hits must contain, and the agent that must have written it. */
  expect: RegExp;
  from: string;
}

/** Searches the memory, prints the first hits, and claims that the expected answer is among them. */
export async function ask(screen: Screen, claims: Claims, search: Search): Promise<Hit[]> {
  const { agentId, agent, question, options, expect, from } = search;
  const started = performance.now();
  const hits = await agent.recall(question, { ...options, topK: maxHits });
  const tookMs = performance.now() - started;
  claims.durationsMs.push(tookMs);
  screen.print();
  screen.print(
    `  ${screen.style('cyan', agentId)} asks: ${screen.style('bold', question)}  ${screen.style('dim', duration(tookMs))}`,
  );
  const answer = hits.findIndex((hit) => expect.test(hit.text) && hit.agentId === from);
  for (const [index, hit] of hits.entries()) printHit(screen, index + 1, hit, index === answer);
  if (answer === -1) {
    claims.check(false, `"${question}" should have found ${expect} by ${from} among the first ${maxHits} hits`);
  }
  return hits;
}
