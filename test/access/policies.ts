import fc from 'fast-check';
import {
  type Action,
  allow,
  clear,
  type Declaration,
  deny,
  group,
  type Member,
  type Rule,
  role,
  type Subject,
} from 'multi-agent-memory';
import { everyAction } from './reference';
import { groupNames, members, mostly, namespace, namespaces, roleNames, tags } from './vocabulary';

const high = fc.oneof(
  { weight: 24, arbitrary: fc.constant<readonly string[]>([]) },
  { weight: 3, arbitrary: fc.constant<readonly string[]>(['acme']) },
  { weight: 1, arbitrary: namespace },
);
const some = fc.subarray([...everyAction], { minLength: 1, maxLength: 3 });
const actionList = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Action[]>(['read', 'write']) },
  { weight: 2, arbitrary: fc.constant<Action[]>(['read', 'write', 'share']) },
);
const allowedActions: fc.Arbitrary<Rule['actions']> = fc.oneof(
  { weight: 3, arbitrary: mostly(['writer', 'writer', 'administrator', 'curator']) },
  { weight: 3, arbitrary: mostly(roleNames) },
  { weight: 3, arbitrary: actionList },
);
const deniedActions: fc.Arbitrary<Rule['actions']> = fc.oneof(
  { weight: 1, arbitrary: mostly(['reader', 'curator', 'auditor']) },
  { weight: 1, arbitrary: fc.constantFrom(...roleNames) },
  { weight: 3, arbitrary: fc.constant<Action[]>(['read']) },
  { weight: 1, arbitrary: fc.subarray<Action>(['write', 'update', 'forget', 'share'], { minLength: 1, maxLength: 3 }) },
);
const roles = fc.tuple(
  some.map((actions) => role('keeper', [...new Set<Action>(['read', 'write', ...actions])])),
  some.map((actions) => role('ann', [...new Set<Action>(['read', ...actions])])),
);

/** Generates subjects of one kind: everyone, the two groups, or the halves of the readers. */
function subjects(
  halves: readonly Member[],
  weights: { everyone: number; group: number; direct: number },
): fc.Arbitrary<Subject> {
  const direct = fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...halves) },
    { weight: 1, arbitrary: fc.constantFrom(...members) },
  );
  return fc.oneof(
    { weight: weights.everyone, arbitrary: fc.constant<Subject>('everyone') },
    { weight: weights.group, arbitrary: fc.constantFrom(...groupNames.map((name) => ({ group: name }))) },
    { weight: weights.direct, arbitrary: direct },
  );
}

/** Generates one rule about everyone or a group, or a rule about each of several principals, so that both halves of a pair get one. */
function grants(halves: readonly Member[]): fc.Arbitrary<Rule[]> {
  const toMany = fc.oneof<fc.Arbitrary<Subject[]>[]>(
    fc.constant<Subject[]>(['everyone']),
    fc.constantFrom(...groupNames.map((name) => [{ group: name }])),
    fc.subarray([...halves], { minLength: Math.min(3, halves.length) }),
  );
  return fc.tuple(toMany, allowedActions, high).map(([whom, what, where]) => whom.map((to) => allow(to, what, where)));
}

/** Generates two roles, two groups, and about eight rules and clearances. Most of them are about the readers. */
export function policiesFor(halves: readonly Member[]): fc.Arbitrary<readonly Declaration[]> {
  const allowed = subjects(halves, { everyone: 3, group: 8, direct: 6 });
  const refused = subjects(halves, { everyone: 14, group: 18, direct: 25 });
  const groups = fc.tuple(
    ...groupNames.map((name) =>
      fc
        .subarray([...new Map([...halves, ...members].map((m) => [JSON.stringify(m), m])).values()], {
          minLength: 3,
          maxLength: 5,
        })
        .map((list) => group(name, list)),
    ),
  );
  return fc
    .record({
      roles,
      groups,
      grants: grants(halves),
      allows: fc.array(
        fc.tuple(allowed, allowedActions, high).map(([whom, what, where]) => allow(whom, what, where)),
        { minLength: 1, maxLength: 2 },
      ),
      denies: fc.array(
        fc
          .tuple(refused, deniedActions, fc.oneof(namespace, fc.constantFrom(...namespaces.slice(0, 4))))
          .map(([whom, what, where]) => deny(whom, what, where)),
        { minLength: 1, maxLength: 4 },
      ),
      clearances: fc.array(
        fc.tuple(allowed, mostly(tags), high).map(([whom, tag, where]) => clear(whom, tag, where)),
        { maxLength: 2 },
      ),
    })
    .map((parts) => {
      const all = [parts.roles, parts.groups, parts.grants, parts.allows, parts.denies, parts.clearances].flat();
      return [...new Map(all.map((each) => [JSON.stringify(each), each])).values()];
    });
}

/** Generates one declaration that an actor makes at run time. */
export function declarationsFor(halves: readonly Member[]): fc.Arbitrary<Declaration> {
  const to = subjects(halves, { everyone: 1, group: 1, direct: 2 });
  return fc.oneof(
    { weight: 3, arbitrary: fc.tuple(to, allowedActions, namespace).map(([who, what, at]) => allow(who, what, at)) },
    { weight: 2, arbitrary: fc.tuple(to, deniedActions, namespace).map(([who, what, at]) => deny(who, what, at)) },
    { weight: 2, arbitrary: fc.tuple(to, mostly(tags), namespace).map(([who, tag, at]) => clear(who, tag, at)) },
    { weight: 1, arbitrary: some.map((actions) => role('keeper', actions)) },
    { weight: 1, arbitrary: fc.subarray([...members]).map((list) => group('ann', list)) },
  );
}
