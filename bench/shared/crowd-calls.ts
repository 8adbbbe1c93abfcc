import { performance } from 'node:perf_hooks';
import { setImmediate, setTimeout } from 'node:timers/promises';
import type { MemoryHandle, MemoryStore, NewMemory } from 'multi-agent-memory';
import { memoryOf, questionOf, type Ticket, teamOf } from './corpus';
import { random } from './random';
import { Vectors } from './vectors';

export const agents = 1_000;
/** Of 250 calls, 150 are recalls. */
export const recallShare = 150 / 250;

interface Recall {
  readonly agent: number;
  readonly words: string;
  readonly vector: Float32Array;
}

interface Write {
  readonly agent: number;
  readonly text: string;
  readonly options: Omit<NewMemory<Ticket>, 'text'>;
}

/** A call of an agent, due some milliseconds after the start. */
export type Due = (Recall | Write) & { readonly atMs: number };

/** A time of independent arrivals. */
export interface Arrivals {
  /** Memories in the store before the first arrivals. */
  readonly memories: number;
  readonly perSecond: number;
  readonly seconds: number;
  /** The number of calls that were made before. Each call has its own question or memory. */
  readonly before: number;
}

/** The calls of a crowd: exponentially distributed gaps, random agents, recalls and writes in a fixed mix. */
export function callsOf({ memories, perSecond, seconds, before }: Arrivals): Due[] {
  const vectors = new Vectors(memories);
  const chance = random(8, before);
  const calls: Due[] = [];
  for (let atMs = 0; atMs < seconds * 1_000; atMs += (-Math.log(1 - chance.uniform()) / perSecond) * 1_000) {
    const number = before + calls.length;
    const agent = chance.whole(agents);
    if (chance.uniform() < recallShare) {
      calls.push({ atMs, agent, ...questionOf(vectors, number) });
    } else {
      const { text, ...options } = memoryOf(vectors, memories + number);
      calls.push({ atMs, agent, text, options: { ...options, namespace: teamOf(agent) } });
    }
  }
  return calls;
}

/** Every other agent sees only the memories of its team, 5 % of all, which are searched exactly. The others are searched by the index. */
export function agentHandle(store: MemoryStore<Ticket>, agent: number): MemoryHandle<Ticket> {
  const namespace = agent % 2 === 0 ? ['support'] : teamOf(agent);
  return store.as({ agentId: `agent-${agent}` }, { namespace });
}

/** What a crowd measured, in milliseconds from the time when each call was due, so that waiting behind a slow call counts. */
export interface CrowdTimes {
  readonly recallMs: number[];
  readonly writeMs: number[];
  readonly errors: unknown[];
  /** False if calls were left out because the store had fallen behind by more than the limit. */
  readonly isComplete: boolean;
}

/**
 * Makes every call at its due time, and waits for all calls. No call waits for an earlier one.
 *
 * @param mostBehindMs Stops starting calls once one took longer than this.
 */
export async function runCrowd(
  calls: readonly Due[],
  handles: readonly MemoryHandle<Ticket>[],
  mostBehindMs = Number.POSITIVE_INFINITY,
): Promise<CrowdTimes> {
  const [recallMs, writeMs, errors]: [number[], number[], unknown[]] = [[], [], []];
  let isBehind = false;
  const make = async (call: Due, due: number) => {
    const handle = handles[call.agent];
    try {
      if ('words' in call) await handle?.recall(call.words, { vector: call.vector });
      else await handle?.remember(call.text, call.options);
      const tookMs = performance.now() - due;
      ('words' in call ? recallMs : writeMs).push(tookMs);
      isBehind ||= tookMs > mostBehindMs;
    } catch (error) {
      errors.push(error);
    }
  };
  const start = performance.now();
  const made: Promise<void>[] = [];
  for (const call of calls) {
    if (isBehind) break;
    const due = start + call.atMs;
    const early = due - performance.now();
    // Each call starts in its own turn of the event loop, like calls from outside, even when the loop is late.
    await (early > 0 ? setTimeout(early) : setImmediate());
    made.push(make(call, due));
  }
  await Promise.all(made);
  return { recallMs, writeMs, errors, isComplete: made.length === calls.length };
}
