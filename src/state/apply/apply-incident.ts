import type { Command, Outcome } from '../../domain/command';
import { applyContain, applyRelease } from './apply-containment';
import type { ApplyContext } from './apply-context';
import { applyRevert } from './apply-revert';

/** The commands about incidents. */
export type IncidentCommand = Extract<Command, { type: 'contain' | 'release' | 'revert' }>;

/** Applies a command about an incident. */
export function applyIncident(context: ApplyContext, command: IncidentCommand): Outcome {
  const { type, stamp } = command;
  switch (type) {
    case 'contain':
      return { ok: true, type, incident: applyContain(context, command, stamp) };
    case 'release':
      return { ok: true, type, released: applyRelease(context, command, stamp) };
    case 'revert':
      return { ok: true, type, reverted: applyRevert(context, command, stamp) };
  }
}
