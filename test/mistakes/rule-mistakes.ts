import { type Mistake, mistake } from './mistake';

/** Decisions that come out wrong everywhere. */
export const ruleMistakes: readonly Mistake[] = [
  mistake(
    'namespaces: compared as joined strings',
    'domain/namespace.ts',
    'return outer.length <= inner.length && outer.every((label, depth) => label === inner[depth]);',
    "return inner.join('/').startsWith(outer.join('/'));",
  ),
  mistake(
    'namespaces of rules: a label matches what begins with it',
    'access/subject-rules.ts',
    'allowed |= place.allowed;\n      place = depth < namespace.length ? place.below.get(namespace[depth] as string) : undefined;',
    'allowed |= place.allowed;\n      place = depth < namespace.length ? [...place.below].find(([label]) => namespace[depth]?.startsWith(label))?.[1] : undefined;',
  ),
  mistake(
    'a pair: what either half may do',
    'access/authorise.ts',
    "if (one === 'silent') decision = 'silent';",
    "if (rules.every((each) => decideFor(each, action, namespace) === 'silent')) decision = 'silent';",
  ),
  mistake(
    'a pair: only the agent is looked at',
    'domain/principal.ts',
    'return actor.onBehalfOf === undefined ? [actor.party] : [actor.party, actor.onBehalfOf];',
    'return [actor.party];',
  ),
  mistake(
    'a pair: a deny of one half is not heard',
    'access/authorise.ts',
    "const one = decideFor(ofParty, action, namespace);\n    if (one === 'deny') return 'deny';",
    "const one = decideFor(ofParty, action, namespace);\n    if (rules.every((each) => decideFor(each, action, namespace) === 'deny')) return 'deny';",
  ),
  mistake(
    'deny: ignored',
    'access/subject-rules.ts',
    "if ((place.denied & action) !== 0) return 'deny';",
    "if ((place.denied & action) > 2 ** 20) return 'deny';",
  ),
  mistake(
    'deny: an allow of another subject overrides it',
    'access/authorise.ts',
    "const one = each.decide(action, namespace);\n    if (one === 'deny') return 'deny';\n",
    "const one = each.decide(action, namespace);\n    if (one === 'deny') decision = 'deny';\n",
  ),
  mistake(
    'clearance: one half of a pair is enough',
    'access/authorise.ts',
    'rules.every((ofParty) => ofParty.some(',
    'rules.some((ofParty) => ofParty.some(',
  ),
  mistake(
    'clearance: one of the access tags is enough',
    'access/authorise.ts',
    'return accessTags.every((tag) => rules.every(',
    'return accessTags.length === 0 || accessTags.some((tag) => rules.every(',
  ),
  mistake(
    'clearance: reads where no rule allows it',
    'access/authorise.ts',
    "return isCleared(policy, actor, accessTags, namespace) && mayIn(policy, actor, 'read', namespace);",
    "return isCleared(policy, actor, accessTags, namespace) && (accessTags.length > 0 || mayIn(policy, actor, 'read', namespace));",
  ),
  mistake(
    'groups: members by id, whatever their kind',
    'access/policy.ts',
    'const groups = groupsOf[kind].get(id);',
    'const groups = groupsOf.agent.get(id) ?? groupsOf.user.get(id) ?? groupsOf.service.get(id);',
  ),
  mistake(
    'rules: principals by id, whatever their kind',
    'access/policy.ts',
    'const own = byParty[kind].get(id);',
    'const own = byParty.agent.get(id) ?? byParty.user.get(id) ?? byParty.service.get(id);',
  ),
  mistake(
    'authors: one agent for two users is one author',
    'domain/principal.ts',
    'if (a.onBehalfOf === undefined || b.onBehalfOf === undefined) return a.onBehalfOf === b.onBehalfOf;\n  return sameParty(a.onBehalfOf, b.onBehalfOf);',
    'return true;',
  ),
  mistake(
    'authors: numbered without their user',
    'state/tables/interning.ts',
    "['root'] : [party.kind, party.id, onBehalfOf?.id ?? null]);",
    "['root'] : [party.kind, party.id, onBehalfOf?.id === undefined ? null : null]);",
  ),
  mistake(
    'private: read by whoever may read the namespace',
    'access/authorise.ts',
    '  if (labels.privateTo !== undefined && !sameActor(labels.privateTo, actor)) return false;\n',
    '',
  ),
  mistake(
    'private: read by its author whatever the rules',
    'access/authorise.ts',
    '  if (labels.privateTo !== undefined && !sameActor(labels.privateTo, actor)) return false;\n',
    '  if (labels.privateTo !== undefined) return sameActor(labels.privateTo, actor);\n',
  ),
  mistake(
    'own memories: changed although that is denied',
    'access/authorise.ts',
    "if (decision !== 'silent') return decision === 'allow';",
    "if (decision === 'allow') return true;",
  ),
  mistake(
    'own memories: changed without write',
    'access/authorise.ts',
    "sameActor(labels.author, actor) && mayIn(policy, actor, 'write', labels.namespace);",
    'sameActor(labels.author, actor);',
  ),
  mistake(
    'a group made anew: those it had keep what they had',
    'access/policy.ts',
    'touched.some(({ declaration }) => isGroup(declaration)) ? groupsIn',
    'before.groupsOf.agent.size + before.groupsOf.user.size === 0 ? groupsIn',
  ),
  mistake(
    'a role made anew: its rules stay as they were',
    'access/policy.ts',
    'filter(({ declaration }) => roles.some((role) => refersTo(declaration, role)));',
    'filter(() => false);',
  ),
  mistake(
    'an ended rule: goes on',
    'access/policy.ts',
    'filter(({ id }) => !gone.has(id)), ...come]',
    'filter(({ id }) => !gone.has(id) || come.length === 0), ...come]',
  ),
  mistake(
    'govern: gives what it has not',
    'access/govern.ts',
    'some.every((action) => mayIn(policy, actor, action, at)) &&',
    "mayIn(policy, actor, 'administer', at) &&",
  ),
  mistake(
    'govern: gives where it is denied below',
    'access/govern.ts',
    'rules.deniesBelow(bits, at)',
    'rules.deniesBelow(bits & 0, at)',
  ),
  mistake(
    'govern: clears for access tags that it has not',
    'access/govern.ts',
    ' && isCleared(policy, governor.actor, [clear], at);',
    ' && clear !== undefined;',
  ),
  {
    name: 'govern: beyond the scope of the handle, seen and made',
    edits: [
      {
        file: 'access/govern.ts',
        from: '  if (!isInBound(scope, at)) return false;\n',
        to: '  if (scope === undefined) return false;\n',
      },
      {
        file: 'access/govern.ts',
        from: "return isInBound(scope, at) && mayIn(policy, actor, 'administer', at);",
        to: "return mayIn(policy, actor, 'administer', at);",
      },
    ],
  },
  mistake(
    'govern: roles made anew give what it has not',
    'access/govern.ts',
    'const own = isRole(declaration) ? declaration.actions : [];',
    "if (declaration !== undefined) return holds(policy, governor, ['administer'], everywhere);\n  const own: Action[] = [];",
  ),
  mistake(
    'govern: rules are shown to whoever administers nothing',
    'access/govern.ts',
    "return isInBound(scope, at) && mayIn(policy, actor, 'administer', at);",
    "return isInBound(scope, at) && (mayIn(policy, actor, 'administer', at) || actor !== undefined);",
  ),
  mistake(
    'explain: to whoever asks',
    'store/access-handle.ts',
    "isInBound(scope, namespace) && mayIn(this.#engine.state.policy, actor, 'administer', namespace)",
    'isInBound(scope, namespace) && actor !== undefined',
  ),
];
