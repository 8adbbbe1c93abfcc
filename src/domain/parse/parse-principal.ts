import { z } from 'zod';
import type { Limits } from '../limits';
import type { Actor, Party } from '../principal';
import { fields, name, present, serviceName } from './shapes';

/** A principal as an actor. Exactly one of agentId, userId and serviceId says who acts. */
export function principalShape(limits: Limits) {
  const id = present(name(limits));
  return fields({
    agentId: id,
    userId: id,
    serviceId: present(serviceName(limits)),
    // A half that got lost must not leave the other one to act for itself.
    onBehalfOf: present(fields({ userId: name(limits) })),
  }).transform(({ agentId, userId, serviceId, onBehalfOf }, ctx): Actor => {
    const parties: Party[] = [];
    if (agentId !== undefined) parties.push({ kind: 'agent', id: agentId });
    if (userId !== undefined) parties.push({ kind: 'user', id: userId });
    if (serviceId !== undefined) parties.push({ kind: 'service', id: serviceId });
    const [party] = parties;
    if (party === undefined || parties.length > 1) {
      ctx.issues.push({
        code: 'custom',
        message: 'must name exactly one of agentId, userId and serviceId.',
        input: parties,
      });
      return z.NEVER;
    }
    return onBehalfOf === undefined ? { party } : { party, onBehalfOf: { kind: 'user', id: onBehalfOf.userId } };
  });
}
