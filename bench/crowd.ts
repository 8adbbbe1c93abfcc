import { performance } from 'node:perf_hooks';
import { setImmediate, setTimeout } from 'node:timers/promises';
import type { MemoryStore, NewMemory } from 'multi-agent-memory';
import { memoryOf, questionOf, type Ticket, teamOf } from './shared/corpus';
import { type Asked, hybridRecall, ticketsOf } from './shared/exhaustive';
import { quantile } from './shared/figures';
import { type Question, type Setting, samples } from './shared/question';
import { random } from './shared/random';
import { row } from './shared/row';
import { copyOfLoaded, openStore } from './shared/store';
import { calm, eventLoopDelayP99 } from './shared/timing';
import { Vectors } from './shared/vectors';

const agents = 1_000;
const recallsPerSecond = 150;
const writesPerSecond = 100;

/** A thousand agents with random arrival times. No call waits for an earlier one. */
export const crowd: Question = {
  name: 'crowd',
  asks: 'With 1,000 handles, 150 recalls and 100 writes a second for 30 s: does everything succeed, and how long does it take?',
  async run(setting) {
    const folder = await copyOfLoaded(setting);
    const store = await openStore(folder);
    await store.settled();
    const handles = Array.from({ length: agents }, (_, i) => handleOf(store, i));
    const calls = callsOf(setting);
    await calm();
    const recallMs: number[] = [];
    const writeMs: number[] = [];
    const errors: unknown[] = [];
    const delay = await eventLoopDelayP99(() =>
      openLoop(calls, async (call, due) => {
        const handle = handles[call.agent];
        try {
          if ('words' in call) await handle?.recall(call.words, { vector: call.vector });
          else await handle?.remember(call.text, call.options);
          // Measured from the due time, so that waiting behind a slow call counts.
          ('words' in call ? recallMs : writeMs).push(performance.now() - due);
        } catch (error) {
          errors.push(error);
        }
      }),
    );
    const asked = calls.flatMap((call) => ('words' in call ? [askedBy(call)] : [])).slice(0, samples(setting, 100));
    const found: number[][] = [];
    for (const { words, vector, as } of asked) found.push(ticketsOf(await as(store).recall(words, { vector })));
    await store.close();
    if (errors.length > 0) throw new AggregateError(errors, `${errors.length} calls failed.`);
    const recall = await hybridRecall(folder, asked, found);
    return [
      row({ name: 'crowd, recall p95', value: quantile(recallMs, 0.95), unit: 'ms', recall, goal: { atMost: 45 } }),
      row({ name: 'crowd, remember p95', value: quantile(writeMs, 0.95), unit: 'ms', goal: { atMost: 30 } }),
      row({ name: 'crowd, event-loop delay p99', value: delay, unit: 'ms', goal: { atMost: 30 } }),
      row({ name: 'crowd, errors', value: errors.length, unit: 'calls', goal: { atMost: 0 } }),
    ];
  },
};

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

type Due = (Recall | Write) & { readonly atMs: number };

/** Every other agent sees only the memories of its team, 5 % of all, which are searched exactly. The others are searched by the index. */
function handleOf(store: MemoryStore<Ticket>, agent: number) {
  const namespace = agent % 2 === 0 ? ['support'] : teamOf(agent);
  return store.as({ agentId: `agent-${agent}` }, { namespace });
}

function askedBy({ agent, words, vector }: Recall): Asked {
  return { words, vector, as: (store) => handleOf(store, agent) };
}

/** Independent arrivals: exponentially distributed gaps. */
function callsOf(setting: Setting): Due[] {
  const vectors = new Vectors(setting.memories);
  const chance = random(8);
  const perSecond = recallsPerSecond + writesPerSecond;
  const seconds = samples(setting, 30_000) / 1_000;
  const calls: Due[] = [];
  for (let atMs = 0; atMs < seconds * 1_000; atMs += (-Math.log(1 - chance.uniform()) / perSecond) * 1_000) {
    const number = calls.length;
    const agent = chance.whole(agents);
    if (chance.uniform() < recallsPerSecond / perSecond) {
      calls.push({ atMs, agent, ...questionOf(vectors, number) });
    } else {
      const { text, ...options } = memoryOf(vectors, setting.memories + number);
      calls.push({ atMs, agent, text, options: { ...options, namespace: teamOf(agent) } });
    }
  }
  return calls;
}

/** Starts every call at its due time, and waits for all calls. */
async function openLoop(calls: readonly Due[], make: (call: Due, due: number) => Promise<void>): Promise<void> {
  const start = performance.now();
  const made: Promise<void>[] = [];
  for (const call of calls) {
    const due = start + call.atMs;
    const early = due - performance.now();
    // Each call starts in its own turn of the event loop, like calls from outside, even when the loop is late.
    await (early > 0 ? setTimeout(early) : setImmediate());
    made.push(make(call, due));
  }
  await Promise.all(made);
}
