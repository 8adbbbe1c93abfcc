import {
  allow,
  clear,
  type Declaration,
  deny,
  group,
  type Member,
  type MemoryHandle,
  type MemoryStore,
  type Principal,
  role,
  type Subject,
} from 'multi-agent-memory';
import type { Ticket } from './corpus';
import { type Random, random } from './random';
import { breadth, clearedForAll, placeOf, tagAt } from './scopes';

const rulesPerPrincipal = 10;
const groups = 64;
const groupsOfEach = 3;
const staff = { group: 'staff' };
const someRoles = {
  keeper: ['read', 'write', 'update'],
  proofreader: ['read', 'update'],
  sharer: ['read', 'share'],
} as const;
const roleNames = Object.keys(someRoles);

/**
 * Principals with ten rules each, clearances included: their own rules and those of their groups. Half of them are staff: they read
 * and write everywhere except in a few projects that are denied to them. The others see what their rules and groups allow.
 */
export class CrowdRules {
  readonly principals: number;

  constructor(principals: number) {
    this.principals = principals;
  }

  /** Roles, groups, and ten rules for each principal. */
  get declarations(): Declaration[] {
    const rules = new Map<string, Declaration>();
    const add = (some: readonly Declaration[]) => some.forEach((each) => void rules.set(JSON.stringify(each), each));
    for (let i = 0; i < this.principals; i++) add(ownRulesOf(this.#member(i), i));
    for (let tenant = 0; tenant < breadth; tenant++) add([allow(staff, 'writer', placeOf(tenant))]);
    add(clearedForAll(staff));
    // Equal rules count once.
    for (let i = 0; rules.size < this.principals * rulesPerPrincipal; i++) {
      add([groupRule(i % groups, Math.floor(i / groups))]);
    }
    return [...this.#named(), ...rules.values()];
  }

  /** The handle of a principal of the staff, or of the others. Every tenth is an agent on behalf of a user. */
  handle(store: MemoryStore<Ticket>, kind: 'staff' | 'others', number: number): MemoryHandle<Ticket> {
    const i = (number * 2 + (kind === 'staff' ? 0 : 1)) % this.principals;
    const member = this.#member(i);
    const another = this.#member((i + 2) % this.principals);
    const isPair = i % 20 < 2 && 'agentId' in member && 'userId' in another;
    return store.as((isPair ? { ...member, onBehalfOf: another } : member) as Principal);
  }

  #named(): Declaration[] {
    const members = Array.from({ length: this.principals }, (_, i) => this.#member(i));
    const of = (isMember: (i: number) => boolean) => members.filter((_, i) => isMember(i));
    return [
      ...Object.entries(someRoles).map(([name, actions]) => role(name, actions)),
      group(staff.group, of(isStaff)),
      ...Array.from({ length: groups }, (_, g) =>
        group(
          groupName(g),
          of((i) => !isStaff(i) && groupsOf(i).includes(g)),
        ),
      ),
    ];
  }

  /** Agents and users alternate in pairs, so that the staff contains both kinds. */
  #member(i: number): Member {
    return i % 4 < 2 ? { agentId: `agent-${i}` } : { userId: `user-${i}` };
  }
}

function isStaff(i: number): boolean {
  return i % 2 === 0;
}

function groupsOf(i: number): number[] {
  const chance = random(11, i);
  return Array.from({ length: groupsOfEach }, () => chance.whole(groups));
}

function groupName(g: number): string {
  return `group-${g}`;
}

function ownRulesOf(to: Subject, i: number): Declaration[] {
  const chance = random(12, i);
  return [
    allow(to, 'curator', team(chance)),
    allow(to, ['read', 'write'], team(chance)),
    allow(to, roleNames[chance.whole(roleNames.length)] as string, project(chance)),
    allow(to, 'writer', project(chance)),
    deny(to, ['read'], project(chance)),
    deny(to, ['forget'], project(chance)),
    deny(to, ['share', 'export'], team(chance)),
    clear(to, tagAt(chance.whole(3)), placeOf(chance.whole(breadth))),
  ];
}

function groupRule(g: number, number: number): Declaration {
  const chance = random(13, g, number);
  const to = { group: groupName(g) };
  // Each group may read one tenant and has a clearance for one tag everywhere. Exceptions and additions follow.
  if (number === 0) return allow(to, 'reader', placeOf(chance.whole(breadth)));
  if (number === 1) return clear(to, tagAt(g), []);
  switch (number % 5) {
    case 0:
      return allow(to, 'writer', team(chance));
    case 1:
      return allow(to, roleNames[chance.whole(roleNames.length)] as string, team(chance));
    case 2:
      return deny(to, 'reader', project(chance));
    case 3:
      return deny(to, ['update', 'forget'], team(chance));
    default:
      return clear(to, tagAt(chance.whole(3)), team(chance));
  }
}

function team(chance: Random): string[] {
  return placeOf(chance.whole(breadth), chance.whole(breadth));
}

function project(chance: Random): string[] {
  return [...team(chance), ...placeOf(0, 0, chance.whole(breadth)).slice(2)];
}
