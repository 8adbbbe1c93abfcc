import { agentHandle, agents, callsOf, type Due, runCrowd } from './shared/crowd-calls';
import { type Asked, hybridRecall, ticketsOf } from './shared/exhaustive';
import { quantile } from './shared/figures';
import { type Question, samples } from './shared/question';
import { row } from './shared/row';
import { copyOfLoaded, openStore } from './shared/store';
import { calm, eventLoopDelayP99 } from './shared/timing';

const perSecond = 250;

/** A thousand agents with random arrival times. No call waits for an earlier one. */
export const crowd: Question = {
  name: 'crowd',
  asks: 'With 1,000 handles, 150 recalls and 100 writes a second for 30 s: does everything succeed, and how long does it take?',
  async run(setting) {
    const folder = await copyOfLoaded(setting);
    const store = await openStore(folder);
    await store.settled();
    const handles = Array.from({ length: agents }, (_, i) => agentHandle(store, i));
    const { memories } = setting;
    const calls = callsOf({ memories, perSecond, seconds: samples(setting, 30_000) / 1_000, before: 0 });
    await calm();
    let times: Awaited<ReturnType<typeof runCrowd>> | undefined;
    const delay = await eventLoopDelayP99(async () => {
      times = await runCrowd(calls, handles);
    });
    const { recallMs = [], writeMs = [], errors = [] } = times ?? {};
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

function askedBy({ agent, words, vector }: Extract<Due, { words: string }>): Asked {
  return { words, vector, as: (store) => agentHandle(store, agent) };
}
