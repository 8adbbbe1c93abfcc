import { type Mistake, mistake } from './mistake';

/** Each makes a decision of the rules wrong on every path. */
export const ruleMistakes: readonly Mistake[] = [
  mistake(
    'namespaces: compared as joined strings',
    'domain/namespace.ts',
    'return outer.length <= inner.length && outer.every((label, depth) => label === inner[depth]);',
    "return inner.join('/').startsWith(outer.join('/'));",
  ),
  mistake(
    'names: compared in the form in which they are given',
    'domain/parse/shapes.ts',
    'return shape.transform(normalName);',
    'return shape;',
  ),
  {
    name: 'names: converted to their normal form only when a memory is written',
    edits: [
      { file: 'domain/parse/shapes.ts', from: 'return shape.transform(normalName);', to: 'return shape;' },
      {
        file: 'domain/parse/parse-memory.ts',
        from: 'namespace: namespace(limits).optional(),',
        to: "namespace: namespace(limits).transform((labels) => labels.map((label) => label.normalize('NFC'))).optional(),",
      },
    ],
  },
  mistake(
    'names: not converted in the namespaces of rules',
    'domain/parse/parse-declaration.ts',
    '    actions: roleOrActions,\n    at: namespace(limits),',
    '    actions: roleOrActions,\n    at: z.array(z.string()),',
  ),
  mistake(
    'names: not converted in the ids of principals',
    'domain/parse/parse-principal.ts',
    'agentId: id,',
    'agentId: z.string().optional(),',
  ),
  mistake(
    'rules: a label matches labels that begin with it',
    'access/policy.ts',
    'allowed |= node.allowed;\n      node = depth < namespace.length ? node.children.get(namespace[depth] as string) : undefined;',
    'allowed |= node.allowed;\n      node = depth < namespace.length ? [...node.children].find(([label]) => namespace[depth]?.startsWith(label))?.[1] : undefined;',
  ),
  mistake(
    'agent on behalf of a user: may do what either may do',
    'access/authorise.ts',
    "if (one === 'undecided') decision = 'undecided';",
    "if (rules.every((each) => decideFor(each, action, namespace) === 'undecided')) decision = 'undecided';",
  ),
  mistake(
    'agent on behalf of a user: ignores the rules of the user',
    'domain/principal.ts',
    'return actor.onBehalfOf === undefined ? [actor.party] : [actor.party, actor.onBehalfOf];',
    'return [actor.party];',
  ),
  mistake(
    'agent on behalf of a user: ignores a deny of one of them',
    'access/authorise.ts',
    "const one = decideFor(ofParty, action, namespace);\n    if (one === 'deny') return 'deny';",
    "const one = decideFor(ofParty, action, namespace);\n    if (rules.every((each) => decideFor(each, action, namespace) === 'deny')) return 'deny';",
  ),
  mistake(
    'deny: ignored',
    'access/policy.ts',
    "if ((node.denied & action) !== 0) return 'deny';",
    "if ((node.denied & action) > 2 ** 20) return 'deny';",
  ),
  mistake(
    'deny: an allow of another subject overrides it',
    'access/authorise.ts',
    "const one = each.decide(action, namespace);\n    if (one === 'deny') return 'deny';\n",
    "const one = each.decide(action, namespace);\n    if (one === 'deny') decision = 'deny';\n",
  ),
  mistake(
    'clearance: one party of an actor is enough',
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
    'clearance: allows to read without a rule',
    'access/authorise.ts',
    "return isCleared(policy, actor, accessTags, namespace) && mayIn(policy, actor, 'read', namespace);",
    "return isCleared(policy, actor, accessTags, namespace) && (accessTags.length > 0 || mayIn(policy, actor, 'read', namespace));",
  ),
  mistake(
    'groups: compare members by id, and not by kind',
    'access/policy.ts',
    'const groups = groupsOf[kind].get(id);',
    'const groups = groupsOf.agent.get(id) ?? groupsOf.user.get(id) ?? groupsOf.service.get(id);',
  ),
  mistake(
    'rules: compare principals by id, and not by kind',
    'access/policy.ts',
    'const own = byParty[kind].get(id);',
    'const own = byParty.agent.get(id) ?? byParty.user.get(id) ?? byParty.service.get(id);',
  ),
  mistake(
    'authors: an agent on behalf of two users is one author',
    'domain/principal.ts',
    'if (a.onBehalfOf === undefined || b.onBehalfOf === undefined) return a.onBehalfOf === b.onBehalfOf;\n  return sameParty(a.onBehalfOf, b.onBehalfOf);',
    'return true;',
  ),
  mistake(
    'authors: stored without their user',
    'state/tables/interning.ts',
    "['root'] : [party.kind, party.id, onBehalfOf?.id ?? null]);",
    "['root'] : [party.kind, party.id, onBehalfOf?.id === undefined ? null : null]);",
  ),
  mistake(
    'private: readable by every reader of the namespace',
    'access/authorise.ts',
    '  if (labels.privateTo !== undefined && !sameActor(labels.privateTo, actor)) return false;\n',
    '',
  ),
  mistake(
    'private: readable by its author against the rules',
    'access/authorise.ts',
    '  if (labels.privateTo !== undefined && !sameActor(labels.privateTo, actor)) return false;\n',
    '  if (labels.privateTo !== undefined) return sameActor(labels.privateTo, actor);\n',
  ),
  mistake(
    'own memories: changed against a deny rule',
    'access/authorise.ts',
    "if (decision !== 'undecided') return decision === 'allow';",
    "if (decision === 'allow') return true;",
  ),
  mistake(
    'own memories: changed without write',
    'access/authorise.ts',
    "sameActor(labels.author, actor) && mayIn(policy, actor, 'write', labels.namespace);",
    'sameActor(labels.author, actor);',
  ),
  mistake(
    'changed group: former members keep its rights',
    'access/policy.ts',
    'touched.some(({ declaration }) => isGroup(declaration)) ? groupsIn',
    'before.groupsOf.agent.size + before.groupsOf.user.size === 0 ? groupsIn',
  ),
  mistake(
    'changed role: its rules keep the old actions',
    'access/policy.ts',
    'filter(({ declaration }) => roles.some((role) => refersTo(declaration, role)));',
    'filter(() => false);',
  ),
  mistake(
    'ended rule: stays in force',
    'access/policy.ts',
    'filter(({ id }) => !removed.has(id)), ...added]',
    'filter(({ id }) => !removed.has(id) || added.length === 0), ...added]',
  ),
  mistake(
    'rule administration: grants actions that the administrator lacks',
    'access/rule-administration.ts',
    'actions.every((action) => mayIn(policy, actor, action, at)) &&',
    "mayIn(policy, actor, 'administer', at) &&",
  ),
  mistake(
    'rule administration: grants an action that is denied below',
    'access/rule-administration.ts',
    'rules.deniesBelow(bits, at)',
    'rules.deniesBelow(bits & 0, at)',
  ),
  mistake(
    'rule administration: clears for access tags that the administrator lacks',
    'access/rule-administration.ts',
    ' && isCleared(policy, caller.actor, [clear], at);',
    ' && clear !== undefined;',
  ),
  {
    name: 'rule administration: beyond the scope of the handle',
    edits: [
      {
        file: 'access/rule-administration.ts',
        from: '  if (!coversNamespace(scope, at)) return false;\n',
        to: '  if (scope === undefined) return false;\n',
      },
      {
        file: 'access/rule-administration.ts',
        from: "return coversNamespace(scope, at) && mayIn(policy, actor, 'administer', at);",
        to: "return mayIn(policy, actor, 'administer', at);",
      },
    ],
  },
  mistake(
    'rule administration: a changed role grants actions that the administrator lacks',
    'access/rule-administration.ts',
    'const own = isRole(declaration) ? declaration.actions : [];',
    "if (declaration !== undefined) return mayGrant(policy, caller, ['administer'], wholeStore);\n  const own: Action[] = [];",
  ),
  mistake(
    'rule administration: rules are shown to principals that administer nothing',
    'access/rule-administration.ts',
    "return coversNamespace(scope, at) && mayIn(policy, actor, 'administer', at);",
    "return coversNamespace(scope, at) && (mayIn(policy, actor, 'administer', at) || actor !== undefined);",
  ),
  mistake(
    'explain: answers principals that do not administer the namespace',
    'store/access-handle.ts',
    "coversNamespace(scope, namespace) && mayIn(this.#engine.state.policy, actor, 'administer', namespace)",
    'coversNamespace(scope, namespace) && actor !== undefined',
  ),
];
