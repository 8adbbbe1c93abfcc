import type { Command, Outcome } from '../../domain/command';
import type { ApplyContext } from './apply-context';
import { applyErase, applyFinishErasure, applyKeepReceipt, completeErasures } from './apply-erase';
import { applyHold, applyReleaseHold } from './apply-hold';

/** The commands about legal holds and erasures. */
export type LifecycleCommand = Extract<
  Command,
  { type: 'hold' | 'release-hold' | 'erase' | 'finish-erasure' | 'keep-receipt' }
>;

/** Applies a command about a legal hold or an erasure. */
export function applyLifecycle(context: ApplyContext, command: LifecycleCommand): Outcome {
  const { type, stamp } = command;
  switch (type) {
    case 'hold':
      applyHold(context, command, stamp);
      return { ok: true, type };
    case 'release-hold': {
      const released = applyReleaseHold(context, command.id, stamp);
      if (released.released) completeErasures(context, stamp);
      return { ok: true, type, ...released };
    }
    case 'erase':
      return { ok: true, type, ...applyErase(context, command, stamp) };
    case 'finish-erasure':
      return { ok: true, type, ...applyFinishErasure(context, command.erasure, stamp) };
    case 'keep-receipt':
      applyKeepReceipt(context, command, stamp);
      return { ok: true, type };
  }
}
