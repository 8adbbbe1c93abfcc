import { MemoryError } from '../../domain/errors';
import type { Limits } from '../../domain/limits';
import { messageOf } from '../../domain/realms';
import { schedule, startStopwatch } from '../../environment/timers';
import type { ParsedPolicy } from '../../lifecycle/consolidation-policy';
import { RetentionSweep } from '../../lifecycle/retention-sweep';
import { host, submit } from '../../write/submit';
import { policiesShape } from '../consolidation-shapes';
import type { Engine } from './engine';

/** Makes what forgets the memories that retentions have reached. */
export function retentionSweep(engine: Engine): RetentionSweep {
  return new RetentionSweep({
    model: engine.model,
    now: () => engine.environment.clock.now(),
    elapsedMs: startStopwatch(),
    schedule,
    isAlone: !engine.hasPeers && !engine.readOnly,
    retire: async (retention, ids) =>
      (await submit(engine.writing(), host, { type: 'retire', retention, ids })).forgotten,
    consolidate: async (handed, run) => {
      const { consolidationSchedule } = await import('./background-consolidation');
      const schedule = engine.consolidation ?? consolidationSchedule(engine, []);
      const handedOver = { at: handed.at, takes: (row: number) => handed.rows.has(row) };
      return schedule.consolidateHandedOver(handedOver, defaultPolicy(engine.limits), run);
    },
    onFailed: (error) => engine.events.emit('degraded', { part: 'retention', error: failureOf(error) }),
  });
}

/** How memories are consolidated where the host has declared no policy. */
function defaultPolicy(limits: Limits): ParsedPolicy {
  const [policy] = policiesShape(limits).parse({ at: [] });
  return policy as ParsedPolicy;
}

function failureOf(error: unknown): MemoryError {
  if (MemoryError.is(error)) return error;
  const message = `Not known whether what a retention has reached was forgotten: ${messageOf(error)}`;
  return new MemoryError('OUTCOME_UNKNOWN', message, { cause: error });
}
