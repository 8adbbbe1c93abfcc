import type { MemoryHandle } from 'multi-agent-memory';
import type { Ticket } from './shared/corpus';
import { agentHandle, agents, callsOf, recallShare, runCrowd } from './shared/crowd-calls';
import { quantile } from './shared/figures';
import { type Question, type Setting, samples } from './shared/question';
import { row } from './shared/row';
import { copyOfLoaded, openStore } from './shared/store';
import { calm } from './shared/timing';

/** The 95th percentile of a recall, in milliseconds, that the rate must keep. */
const mostP95 = 45;
const firstPerSecond = 250;
const step = 1.3;
const leastPerSecond = 10;
const mostPerSecond = 20_000;
/** With four halvings of a step of 1.3 the figure is exact to 2 %. */
const halvings = 4;
/** A call that takes longer shows that the store has fallen behind. The trial then ends. */
const mostBehindMs = 1_000;

/** The highest rate of arrivals at which recalls stay fast. Short trials at rising or falling rates bracket it, then halve the bracket. */
export const crowdRate: Question = {
  name: 'crowd-rate',
  asks: 'With 1,000 handles and three recalls to two writes: at how many calls a second does the p95 of a recall stay within 45 ms?',
  async run(setting) {
    const store = await openStore(await copyOfLoaded(setting));
    await store.settled();
    const trials = new Trials(
      setting,
      Array.from({ length: agents }, (_, i) => agentHandle(store, i)),
    );
    await trials.p95At(firstPerSecond / 2);
    const { kept, p95 } = await highestRate((perSecond) => trials.p95At(perSecond));
    await store.close();
    return [
      row({ name: 'crowd-rate, recalls and writes a second', value: kept, unit: 'calls/s' }),
      row({ name: 'crowd-rate, recalls of these', value: kept * recallShare, unit: 'calls/s' }),
      row({ name: 'crowd-rate, recall p95 at this rate', value: p95, unit: 'ms', goal: { atMost: mostP95 } }),
    ];
  },
};

/** Trials on one store. Each makes other calls than the earlier ones. */
class Trials {
  readonly #setting: Setting;
  readonly #handles: readonly MemoryHandle<Ticket>[];
  #before = 0;

  constructor(setting: Setting, handles: readonly MemoryHandle<Ticket>[]) {
    this.#setting = setting;
    this.#handles = handles;
  }

  /** The 95th percentile of a recall at a rate. Infinite if the store fell behind. */
  async p95At(perSecond: number): Promise<number> {
    const { memories } = this.#setting;
    const seconds = samples(this.#setting, 8_000) / 1_000;
    const calls = callsOf({ memories, perSecond, seconds, before: this.#before });
    this.#before += calls.length;
    await calm();
    const { recallMs, errors, isComplete } = await runCrowd(calls, this.#handles, mostBehindMs);
    if (errors.length > 0) throw new AggregateError(errors, `${errors.length} calls failed.`);
    return isComplete ? quantile(recallMs, 0.95) : Number.POSITIVE_INFINITY;
  }
}

/** Finds the highest rate whose p95 is within the limit. The rate is 0 if even the lowest is not. */
export async function highestRate(
  p95At: (perSecond: number) => Promise<number>,
): Promise<{ kept: number; p95: number }> {
  let kept = 0;
  let p95 = Number.POSITIVE_INFINITY;
  let failed = Number.POSITIVE_INFINITY;
  const tried = async (perSecond: number) => {
    const measured = await p95At(perSecond);
    if (measured <= mostP95) [kept, p95] = [perSecond, measured];
    else failed = perSecond;
  };
  await tried(firstPerSecond);
  while (kept === 0 && failed > leastPerSecond) await tried(failed / step);
  while (kept > 0 && failed === Number.POSITIVE_INFINITY && kept < mostPerSecond) await tried(kept * step);
  if (kept === 0 || failed === Number.POSITIVE_INFINITY) return { kept, p95 };
  for (let i = 0; i < halvings; i++) await tried((kept + failed) / 2);
  return { kept, p95 };
}
