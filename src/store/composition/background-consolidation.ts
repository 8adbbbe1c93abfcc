import { defined } from '../../domain/defined';
import { MemoryError } from '../../domain/errors';
import { messageOf } from '../../domain/realms';
import type { SpendingLimit } from '../../domain/spending';
import { schedule, startStopwatch } from '../../environment/timers';
import type { ParsedPolicy } from '../../lifecycle/consolidation-policy';
import { ConsolidationSchedule } from '../../lifecycle/consolidation-schedule';
import { spendingOf } from '../../state/tables/spending';
import { host, submit } from '../../write/submit';
import type { Engine } from './engine';

/** Makes what consolidates the memories of a store in the background. */
export function consolidationSchedule(engine: Engine, policies: readonly ParsedPolicy[]): ConsolidationSchedule {
  const { state, environment, events } = engine;
  const writing = engine.writing();
  // The database does not contain the names of namespaces here.
  const accountOf = ({ at }: ParsedPolicy) => writing.digest(`consolidation ${JSON.stringify(at)}`);
  return new ConsolidationSchedule({
    policies,
    extractive: engine.summarizer,
    context: { reading: () => engine.reading(), writing, author: host },
    now: () => environment.clock.now(),
    elapsedMs: startStopwatch(),
    schedule,
    isAlone: !engine.hasPeers,
    storedSince: (atMost) =>
      state.lastRow - (state.records.lastFactSince(state.lastRow - atMost) ?? state.lastRow - atMost),
    spentBy: (policy) => spendingOf(state.meta, accountOf(policy)),
    spend: async (policy, day, amount, isReturn) => {
      const limit = isReturn ? undefined : limitOf(policy);
      const change = { type: 'spend' as const, account: accountOf(policy), day, amount, ...defined({ limit }) };
      return (await submit(writing, host, change)).isWithin;
    },
    onFailed: (error) => events.emit('degraded', { part: 'consolidation', error: failureOf(error) }),
  });
}

function limitOf({ budget = {} }: ParsedPolicy): SpendingLimit {
  const { callsPerDay, inputTokensPerDay, outputTokensPerDay } = budget;
  return defined({ calls: callsPerDay, inputTokens: inputTokensPerDay, outputTokens: outputTokensPerDay });
}

function failureOf(error: unknown): MemoryError {
  if (MemoryError.is(error)) return error;
  return new MemoryError('CONSOLIDATION_FAILED', `A consolidation has failed: ${messageOf(error)}`, { cause: error });
}
