import { z } from 'zod';
import { defined } from '../defined';
import type { Limits } from '../limits';
import type { Actor, Party } from '../principal';
import { addIssue, fields, name, present, serviceName } from './shapes';

/** Makes the schema for a principal. The parsed form is an actor. */
export function principalShape(limits: Limits) {
  const id = present(name(limits));
  return fields({
    agentId: id,
    userId: id,
    serviceId: present(serviceName(limits)),
    // `present` rejects undefined. If the user is undefined by mistake, the agent must not act for itself instead.
    onBehalfOf: present(fields({ userId: name(limits) })),
  }).transform(({ agentId, userId, serviceId, onBehalfOf }, ctx): Actor => {
    const parties: Party[] = [];
    if (agentId !== undefined) parties.push({ kind: 'agent', id: agentId });
    if (userId !== undefined) parties.push({ kind: 'user', id: userId });
    if (serviceId !== undefined) parties.push({ kind: 'service', id: serviceId });
    const [party] = parties;
    if (party === undefined || parties.length > 1) {
      addIssue(ctx, `expected exactly one of agentId, userId and serviceId, got ${parties.length}.`, parties);
      return z.NEVER;
    }
    return defined({ party, onBehalfOf: onBehalfOf && { kind: 'user' as const, id: onBehalfOf.userId } });
  });
}
