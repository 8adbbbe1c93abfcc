import { MemoryError } from '../../domain/errors';
import { messageOf } from '../../domain/realms';
import { schedule, startStopwatch } from '../../environment/timers';
import { RetentionSweep } from '../../lifecycle/retention-sweep';
import { host, submit } from '../../write/submit';
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
    onFailed: (error) => engine.events.emit('degraded', { part: 'retention', error: failureOf(error) }),
  });
}

function failureOf(error: unknown): MemoryError {
  if (MemoryError.is(error)) return error;
  const message = `Not known whether what a retention has reached was forgotten: ${messageOf(error)}`;
  return new MemoryError('OUTCOME_UNKNOWN', message, { cause: error });
}
