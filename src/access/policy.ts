import {
  type Ceiling,
  canonicalText,
  type Group,
  isCeiling,
  isClearance,
  isGroup,
  isRetention,
  isRole,
  isRule,
  type Retention,
  refersTo,
  type StoredDeclaration,
} from '../domain/declaration';
import type { SourceChannel } from '../domain/memory';
import type { Namespace } from '../domain/namespace';
import { type Actor, isRoot, type Party, partiesOf } from '../domain/principal';
import { type Action, actions, builtInRoles, type Member } from '../domain/rule';
import { type TrustLevel, trustLevelOf } from '../domain/trust';

/** Values for principals, by kind and then by id. */
type ByParty<T> = Readonly<Record<Party['kind'], Map<string, T>>>;

interface Contents {
  readonly declared: ReadonlyMap<string, StoredDeclaration>;
  readonly roles: ReadonlyMap<string, readonly Action[]>;
  readonly everyone: SubjectRules;
  readonly byParty: ByParty<SubjectRules>;
  readonly byGroup: ReadonlyMap<string, SubjectRules>;
  readonly byChannel: ReadonlyMap<SourceChannel, SubjectRules>;
  /** See `ceilingsText`. */
  readonly ceilingsText: string;
  /** See `retentions`. */
  readonly retentions: readonly DeclaredRetention[];
  readonly groupsOf: ByParty<readonly string[]>;
}

const [reported, standard, verified] = [1, 2, 3] as const satisfies readonly TrustLevel[];

/** The channels whose content was said by somebody else than the writer. */
const reportingChannels: ReadonlySet<SourceChannel> = new Set(['tool', 'document', 'import']);

/** A retention in force. */
export type DeclaredRetention = StoredDeclaration & { readonly declaration: Retention };

/** The ceiling of a party for which none is declared. */
export const defaultCeiling: TrustLevel = standard;

/** The ceiling of a channel for which none is declared. */
export function defaultChannelCeiling(channel: SourceChannel): TrustLevel {
  return reportingChannels.has(channel) ? reported : verified;
}

/**
 * All rules, clearances, ceilings, retentions, roles and groups in force. A policy is immutable: a change makes a new policy with a higher version. The new
 * policy reuses the objects about subjects that the change does not concern.
 */
export class Policy {
  /** Increases with each command that adds or ends declarations. */
  readonly version: number;
  readonly #contents: Contents;
  /** Contains only principals that a rule or a group names. Lookups of other ids do not add entries, so it cannot grow without limit. */
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
      byChannel: new Map(),
      ceilingsText: '',
      retentions: [],
      groupsOf: { agent: new Map(), user: new Map(), service: new Map() },
    };
    return new Policy(0, empty).changed(version, declared, []);
  }

  /** The declarations in force by id, oldest first. */
  get declared(): ReadonlyMap<string, StoredDeclaration> {
    return this.#contents.declared;
  }

  /**
   * Returns the rules for a party: those about everyone, about the party itself and about its groups. While these rules do not change, it
   * returns the same objects.
   */
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

  /** Returns the actions of a role, or the given actions. */
  actionsOf(roleOrActions: string | readonly Action[]): readonly Action[] {
    return typeof roleOrActions === 'string' ? resolved(this.#contents.roles, roleOrActions) : roleOrActions;
  }

  /** Describes all ceilings in force and the groups that they name. Policies with the same text have the same ceilings. '' without any. */
  get ceilingsText(): string {
    return this.#contents.ceilingsText;
  }

  /** All retentions in force, oldest first. While none of them changes, it is the same list. */
  get retentions(): readonly DeclaredRetention[] {
    return this.#contents.retentions;
  }

  /** The highest trust of what an actor writes in a namespace: the lowest ceiling of its parties. Root has no ceiling. */
  ceilingOf(actor: Actor, namespace: Namespace): TrustLevel {
    if (isRoot(actor)) return verified;
    if (this.ceilingsText === '') return defaultCeiling;
    return lowest(partiesOf(actor).map((party) => declaredCeiling(this.rulesFor(party), namespace) ?? defaultCeiling));
  }

  /**
   * Returns whether the rules know a party at a namespace: one there or above allows an action to the party itself or to a group that it is
   * in. What is allowed to everyone says nothing about who is meant, and anybody can make up more names.
   */
  isNamed(party: Party, namespace: Namespace): boolean {
    const { everyone } = this.#contents;
    return this.rulesFor(party).some((rules) => rules !== everyone && rules.allowsAt(namespace));
  }

  /** The highest trust of what comes through a channel into a namespace. */
  channelCeiling(channel: SourceChannel, namespace: Namespace): TrustLevel {
    const rules = this.#contents.byChannel.get(channel);
    return (rules && declaredCeiling([rules], namespace)) ?? defaultChannelCeiling(channel);
  }

  /** Makes a new policy with declarations added and ended. */
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
      ceilingsText: touched.some(({ declaration }) => isCeiling(declaration) || isGroup(declaration))
        ? describeCeilings(declared.values())
        : before.ceilingsText,
      retentions: touched.some(isStoredRetention)
        ? [...declared.values()].filter(isStoredRetention)
        : before.retentions,
    };
    // If a role changes, every rule that names it changes too.
    const naming =
      roles.length === 0
        ? []
        : [...declared.values()].filter(({ declaration }) => roles.some((role) => refersTo(declaration, role)));
    return new Policy(version, rulesChanged(contents, new Set([...touched, ...naming])));
  }
}

function lowest(levels: readonly TrustLevel[]): TrustLevel {
  return Math.min(...levels) as TrustLevel;
}

function declaredCeiling(rules: readonly SubjectRules[], namespace: Namespace): TrustLevel | undefined {
  const found = Math.min(...rules.map((each) => each.ceilingAt(namespace)));
  return found === noCeiling ? undefined : (found as TrustLevel);
}

function describeCeilings(all: Iterable<StoredDeclaration>): string {
  const declarations = [...all].map(({ declaration }) => declaration);
  const ceilings = declarations.filter(isCeiling);
  if (ceilings.length === 0) return '';
  const groups = declarations.filter((each) => isGroup(each) && ceilings.some((ceiling) => refersTo(ceiling, each)));
  return JSON.stringify([...ceilings, ...groups].map(canonicalText).sort());
}

function isStoredRetention(each: StoredDeclaration): each is DeclaredRetention {
  return isRetention(each.declaration);
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

/** Makes new contents. Rebuilds the rules about each subject of the touched declarations (those that were added, ended or changed). */
function rulesChanged(contents: Contents, touched: ReadonlySet<StoredDeclaration>): Contents {
  const { byParty, declared, roles } = contents;
  const byChannel = new Map(contents.byChannel);
  const parties = { agent: new Map(byParty.agent), user: new Map(byParty.user), service: new Map(byParty.service) };
  const byGroup = new Map(contents.byGroup);
  const actionsOf = (rule: string | readonly Action[]) => (typeof rule === 'string' ? resolved(roles, rule) : rule);
  let { everyone } = contents;
  for (const [subject, removed, added] of bySubject(declared, touched)) {
    const rulesOf = (known: SubjectRules | undefined) =>
      new SubjectRules([...(known?.declared ?? []).filter(({ id }) => !removed.has(id)), ...added], actionsOf);
    if (subject === 'everyone') everyone = rulesOf(everyone);
    else if ('channel' in subject) byChannel.set(subject.channel, rulesOf(byChannel.get(subject.channel)));
    else if ('group' in subject) byGroup.set(subject.group, rulesOf(byGroup.get(subject.group)));
    else {
      const { kind, id } = partyOf(subject);
      parties[kind].set(id, rulesOf(parties[kind].get(id)));
    }
  }
  return { ...contents, everyone, byParty: parties, byGroup, byChannel };
}

/** Groups the touched declarations by subject: the ids to remove, and the declarations to add. */
function bySubject(declared: ReadonlyMap<string, StoredDeclaration>, touched: ReadonlySet<StoredDeclaration>) {
  // Two different subjects never have the same JSON, so JSON can be the key.
  const subjects = new Map<string, [Ceiling['to'], removed: Set<string>, added: StoredDeclaration[]]>();
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

/** Converts a member of a rule or a group to a party. */
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

/** A set of actions, with one bit for each action. */
export type ActionBits = number;

const bitOf = new Map(actions.map((action, i) => [action, 1 << i]));

export function bitsOf(some: Iterable<Action>): ActionBits {
  let bits = 0;
  for (const action of some) bits |= bitOf.get(action) as number;
  return bits;
}

/** Stands for no declared ceiling. It is higher than every level. */
const noCeiling = 4;

/** The declarations at one namespace. */
interface LabelNode {
  /** The lowest ceiling, or `noCeiling`. */
  ceiling: number;
  allowed: ActionBits;
  denied: ActionBits;
  readonly cleared: Set<string>;
  readonly declared: StoredDeclaration[];
  readonly children: Map<string, LabelNode>;
}

/**
 * The declarations about one subject, as a tree of namespace labels. A decision follows the labels of a namespace, so its cost does not
 * depend on the number of rules. Objects of this class are immutable: while the subject's rules do not change, the object is the same.
 */
export class SubjectRules {
  readonly #root = newNode();
  readonly declared: readonly StoredDeclaration[];

  /** @param actionsOf Returns the actions of a rule, with its role resolved. */
  constructor(
    declared: readonly StoredDeclaration[],
    actionsOf: (rule: string | readonly Action[]) => readonly Action[],
  ) {
    this.declared = declared;
    for (const each of declared) {
      const { declaration } = each;
      if (!isRule(declaration) && !isClearance(declaration) && !isCeiling(declaration)) continue;
      const node = this.#nodeAt(declaration.at);
      node.declared.push(each);
      if (isCeiling(declaration)) node.ceiling = Math.min(node.ceiling, trustLevelOf(declaration.ceiling));
      else if (isClearance(declaration)) node.cleared.add(declaration.clear);
      else if (declaration.effect === 'allow') node.allowed |= bitsOf(actionsOf(declaration.actions));
      else node.denied |= bitsOf(actionsOf(declaration.actions));
    }
  }

  /** Decides about an action: 'deny' if a rule at the namespace or above denies it, 'allow' if a rule allows it and none denies it. */
  decide(action: ActionBits, namespace: Namespace): 'allow' | 'deny' | 'undecided' {
    let node: LabelNode | undefined = this.#root;
    let allowed = 0;
    for (let depth = 0; node !== undefined; depth++) {
      if ((node.denied & action) !== 0) return 'deny';
      allowed |= node.allowed;
      node = depth < namespace.length ? node.children.get(namespace[depth] as string) : undefined;
    }
    return (allowed & action) === 0 ? 'undecided' : 'allow';
  }

  /** The lowest ceiling that is declared at the namespace or above, or `noCeiling`. */
  ceilingAt(namespace: Namespace): number {
    let node: LabelNode | undefined = this.#root;
    let ceiling = noCeiling;
    for (let depth = 0; node !== undefined; depth++) {
      ceiling = Math.min(ceiling, node.ceiling);
      node = depth < namespace.length ? node.children.get(namespace[depth] as string) : undefined;
    }
    return ceiling;
  }

  /** Checks whether a rule at the namespace or above allows any action. */
  allowsAt(namespace: Namespace): boolean {
    let node: LabelNode | undefined = this.#root;
    for (let depth = 0; node !== undefined; depth++) {
      if (node.allowed !== 0) return true;
      node = depth < namespace.length ? node.children.get(namespace[depth] as string) : undefined;
    }
    return false;
  }

  isCleared(accessTag: string, namespace: Namespace): boolean {
    let node: LabelNode | undefined = this.#root;
    for (let depth = 0; node !== undefined; depth++) {
      if (node.cleared.has(accessTag)) return true;
      node = depth < namespace.length ? node.children.get(namespace[depth] as string) : undefined;
    }
    return false;
  }

  /** Checks whether a rule at the namespace or below denies one of these actions. */
  deniesBelow(some: ActionBits, namespace: Namespace): boolean {
    let node: LabelNode | undefined = this.#root;
    for (const label of namespace) node = node?.children.get(label);
    return node !== undefined && deniesSome(node, some);
  }

  /** Lists the declarations at the namespace or above. */
  at(namespace: Namespace): StoredDeclaration[] {
    const found: StoredDeclaration[] = [];
    this.#walk(namespace, (node) => {
      for (const each of node.declared) found.push(each);
    });
    return found;
  }

  #walk(namespace: Namespace, visit: (node: LabelNode) => void): void {
    let node: LabelNode | undefined = this.#root;
    visit(node);
    for (const label of namespace) {
      node = node.children.get(label);
      if (node === undefined) return;
      visit(node);
    }
  }

  #nodeAt(namespace: Namespace): LabelNode {
    let node = this.#root;
    for (const label of namespace) {
      const next = node.children.get(label) ?? newNode();
      node.children.set(label, next);
      node = next;
    }
    return node;
  }
}

function newNode(): LabelNode {
  return { ceiling: noCeiling, allowed: 0, denied: 0, cleared: new Set(), declared: [], children: new Map() };
}

function deniesSome(node: LabelNode, some: ActionBits): boolean {
  if ((node.denied & some) !== 0) return true;
  for (const child of node.children.values()) if (deniesSome(child, some)) return true;
  return false;
}
