import { type Group, isGroup, isRole, refersTo, type StoredDeclaration } from '../domain/declaration';
import type { Party } from '../domain/principal';
import { type Action, builtInRoles, type Member, type Subject } from '../domain/rule';
import { SubjectRules } from './subject-rules';

/** A value for each principal, by kind and then by id. */
type ByParty<T> = Readonly<Record<Party['kind'], Map<string, T>>>;

interface Contents {
  readonly declared: ReadonlyMap<string, StoredDeclaration>;
  readonly roles: ReadonlyMap<string, readonly Action[]>;
  readonly everyone: SubjectRules;
  readonly byParty: ByParty<SubjectRules>;
  readonly byGroup: ReadonlyMap<string, SubjectRules>;
  readonly groupsOf: ByParty<readonly string[]>;
}

/**
 * Every rule, clearance, role and group in force. Immutable: a change makes a new policy with a higher version, which shares
 * with the old one everything about other subjects.
 */
export class Policy {
  /** Rises with each command that changes what is in force. */
  readonly version: number;
  readonly #contents: Contents;
  /** Only principals that a rule or a group names, so that lookups of unknown ids never fill it. */
  readonly #named: ByParty<readonly SubjectRules[]> = { agent: new Map(), user: new Map(), service: new Map() };
  readonly #others: readonly SubjectRules[];

  private constructor(version: number, contents: Contents) {
    this.version = version;
    this.#contents = contents;
    this.#others = [contents.everyone];
  }

  static of(version: number, declared: readonly StoredDeclaration[]): Policy {
    const empty: Contents = {
      declared: new Map(),
      roles: new Map(Object.entries(builtInRoles)),
      everyone: new SubjectRules([], () => []),
      byParty: { agent: new Map(), user: new Map(), service: new Map() },
      byGroup: new Map(),
      groupsOf: { agent: new Map(), user: new Map(), service: new Map() },
    };
    return new Policy(0, empty).changed(version, declared, []);
  }

  /** The declarations in force by id, oldest first. */
  get declared(): ReadonlyMap<string, StoredDeclaration> {
    return this.#contents.declared;
  }

  /** The rules of a party: those about everyone, about the party itself and about its groups. The same objects while nothing changed. */
  rulesFor({ kind, id }: Party): readonly SubjectRules[] {
    const known = this.#named[kind].get(id);
    if (known !== undefined) return known;
    const { everyone, byParty, byGroup, groupsOf } = this.#contents;
    const own = byParty[kind].get(id);
    const groups = groupsOf[kind].get(id);
    if (own === undefined && groups === undefined) return this.#others;
    const ofGroups = (groups ?? []).map((group) => byGroup.get(group));
    const rules = [everyone, own, ...ofGroups].filter((each) => each !== undefined);
    this.#named[kind].set(id, rules);
    return rules;
  }

  /** The actions of a role, or the given actions. */
  actionsOf(roleOrActions: string | readonly Action[]): readonly Action[] {
    return typeof roleOrActions === 'string' ? resolved(this.#contents.roles, roleOrActions) : roleOrActions;
  }

  /** A new policy with declarations added and ended. */
  changed(version: number, added: readonly StoredDeclaration[], ended: readonly string[]): Policy {
    const before = this.#contents;
    const declared = new Map(before.declared);
    const touched = [...added, ...ended.flatMap((id) => declared.get(id) ?? [])];
    for (const id of ended) declared.delete(id);
    for (const each of added) declared.set(each.id, each);
    const roles = touched.flatMap(({ declaration }) => (isRole(declaration) ? [declaration] : []));
    const contents = {
      ...before,
      declared,
      roles: roles.length === 0 ? before.roles : rolesIn(declared.values()),
      groupsOf: touched.some(({ declaration }) => isGroup(declaration)) ? groupsIn(declared.values()) : before.groupsOf,
    };
    // A changed role changes every rule that names it.
    const naming =
      roles.length === 0
        ? []
        : [...declared.values()].filter(({ declaration }) => roles.some((role) => refersTo(declaration, role)));
    return new Policy(version, rulesChanged(contents, new Set([...touched, ...naming])));
  }
}

function rolesIn(all: Iterable<StoredDeclaration>): ReadonlyMap<string, readonly Action[]> {
  const roles = new Map<string, readonly Action[]>(Object.entries(builtInRoles));
  for (const { declaration } of all) if (isRole(declaration)) roles.set(declaration.role, declaration.actions);
  return roles;
}

function groupsIn(all: Iterable<StoredDeclaration>): ByParty<readonly string[]> {
  const groupsOf: ByParty<string[]> = { agent: new Map(), user: new Map(), service: new Map() };
  for (const { declaration } of all) {
    if (isGroup(declaration)) for (const party of membersOf(declaration)) addTo(groupsOf, party, declaration.group);
  }
  return groupsOf;
}

/** The contents, with the rules rebuilt of each subject that the touched declarations are about. */
function rulesChanged(contents: Contents, touched: ReadonlySet<StoredDeclaration>): Contents {
  const { byParty, declared, roles } = contents;
  const parties = { agent: new Map(byParty.agent), user: new Map(byParty.user), service: new Map(byParty.service) };
  const byGroup = new Map(contents.byGroup);
  const actionsOf = (rule: string | readonly Action[]) => (typeof rule === 'string' ? resolved(roles, rule) : rule);
  let { everyone } = contents;
  for (const [subject, removed, added] of bySubject(declared, touched)) {
    const rulesOf = (known: SubjectRules | undefined) =>
      new SubjectRules([...(known?.declared ?? []).filter(({ id }) => !removed.has(id)), ...added], actionsOf);
    if (subject === 'everyone') everyone = rulesOf(everyone);
    else if ('group' in subject) byGroup.set(subject.group, rulesOf(byGroup.get(subject.group)));
    else {
      const { kind, id } = partyOf(subject);
      parties[kind].set(id, rulesOf(parties[kind].get(id)));
    }
  }
  return { ...contents, everyone, byParty: parties, byGroup };
}

/** The touched declarations by subject: the ids to remove, and the declarations to add. */
function bySubject(declared: ReadonlyMap<string, StoredDeclaration>, touched: ReadonlySet<StoredDeclaration>) {
  // JSON of a subject is injective: two subjects never share a key.
  const subjects = new Map<string, [Subject, removed: Set<string>, added: StoredDeclaration[]]>();
  for (const each of touched) {
    if (!('to' in each.declaration)) continue;
    const { to } = each.declaration;
    const key = JSON.stringify(to);
    const found = subjects.get(key) ?? [to, new Set<string>(), []];
    subjects.set(key, found);
    found[1].add(each.id);
    if (declared.has(each.id)) found[2].push(each);
  }
  return subjects.values();
}

function addTo(groupsOf: ByParty<string[]>, { kind, id }: Party, group: string): void {
  const groups = groupsOf[kind].get(id) ?? [];
  if (!groups.includes(group)) groupsOf[kind].set(id, [...groups, group]);
}

function membersOf({ members }: Group): Party[] {
  return members.map(partyOf);
}

/** A member of a rule or a group as a party. */
export function partyOf(member: Member): Party {
  if ('agentId' in member) return { kind: 'agent', id: member.agentId };
  if ('userId' in member) return { kind: 'user', id: member.userId };
  return { kind: 'service', id: member.serviceId };
}

function resolved(roles: ReadonlyMap<string, readonly Action[]>, role: string): readonly Action[] {
  const found = roles.get(role);
  if (found === undefined)
    throw new Error(`Unknown role ${JSON.stringify(role)}: it should have been rejected before it reached a policy.`);
  return found;
}
