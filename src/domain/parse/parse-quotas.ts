import type { Limits } from '../limits';
import { sameActor } from '../principal';
import type { ParsedQuotas, QuotaKind } from '../quota';
import { principalShape } from './parse-principal';
import { addIssue, fields, integer, list, present } from './shapes';

// `present` rejects undefined: a lost variable must not lift a limit.
const limit = present(integer(0));
const quotaFields = {
  memories: limit,
  bytes: limit,
  namespaces: limit,
  tags: limit,
  watches: limit,
} satisfies Record<QuotaKind, unknown>;

// Each write looks for the entry of its author. With this many that takes a few microseconds.
const maxPrincipals = 1_000;

/** Makes the schema for the quotas of a store. */
export function quotasShape(limits: Limits) {
  const ofPrincipal = fields({ ...quotaFields, principal: principalShape(limits) });
  const principalList = list(ofPrincipal, 'an array of quotas, each with its principal', [maxPrincipals, 'principals']);
  return fields({ ...quotaFields, principals: present(principalList) }).transform(
    ({ principals = [], ...general }, ctx): ParsedQuotas => {
      for (const [i, { principal }] of principals.entries()) {
        if (principals.findIndex((each) => sameActor(each.principal, principal)) === i) continue;
        const message = 'expected one entry for each principal, got another one for the same principal.';
        addIssue(ctx, message, principals, ['principals', i]);
      }
      return { general, others: principals.map(({ principal, ...quota }) => ({ actor: principal, quota })) };
    },
  );
}
