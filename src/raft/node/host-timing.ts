import { nextTurn, type Schedule, schedule, startStopwatch } from '../../environment/timers';

/** The time of a node. */
export interface HostTiming {
  /** The milliseconds since some moment. Never goes back, and goes on while the process stands still. */
  elapsedMs(): number;
  readonly schedule: Schedule;
  /** Resolves in a later turn of the event loop. */
  nextTurn(): Promise<void>;
}

/** The time of the machine, or of the fake timers that are installed. */
export function systemTiming(): HostTiming {
  return { elapsedMs: startStopwatch(), schedule, nextTurn };
}
