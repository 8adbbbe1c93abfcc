import type { Hit, MemoryHandle, RecallOptions } from 'multi-agent-memory';
import type { Screen } from '../screen';
import { printHit, took } from './hits';

/** Hits that are shown, and among which an expected answer must be. */
const shown = 3;

/** What the story claims about the memory. A claim that fails makes the program fail. */
export interface Claims {
  readonly failed: string[];
  /** How long each question took. */
  readonly tookMs: number[];
  /** Prints whether something that the story relies on holds, and keeps what does not. */
  check(holds: boolean, what: string): void;
}

export function claimsOn(screen: Screen): Claims {
  const failed: string[] = [];
  const check = (holds: boolean, what: string) => {
    if (!holds) failed.push(what);
    screen.print(`  ${holds ? screen.style('green', '✔') : screen.style('red', '✘')} ${what}`);
  };
  return { failed, tookMs: [], check };
}

export interface Asking {
  /** Who asks, and through which handle. */
  agentId: string;
  agent: MemoryHandle;
  question: string;
  options: RecallOptions;
  /** What one of the first three hits must say, and who must have written it. */
  expect: RegExp;
  from: string;
}

/** Asks the memory, prints the first hits with who, when, score and time, and claims that the answer is among them. */
export async function ask(screen: Screen, claims: Claims, asking: Asking): Promise<Hit[]> {
  const { agentId, agent, question, options, expect, from } = asking;
  const started = performance.now();
  const hits = await agent.recall(question, { ...options, topK: shown });
  const tookMs = performance.now() - started;
  claims.tookMs.push(tookMs);
  screen.print();
  screen.print(
    `  ${screen.style('cyan', agentId)} asks: ${screen.style('bold', question)}  ${screen.style('dim', took(tookMs))}`,
  );
  const answer = hits.findIndex((hit) => expect.test(hit.text) && hit.agentId === from);
  for (const [index, hit] of hits.entries()) printHit(screen, index + 1, hit, index === answer);
  if (answer === -1) {
    claims.check(false, `"${question}" should have found ${expect} by ${from} among the first ${shown} hits`);
  }
  return hits;
}
