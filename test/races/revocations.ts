import { allow, type Declaration, type Namespace, type Principal } from 'multi-agent-memory';
import type { Arena } from './arena';

export type Ability = 'read' | 'write' | 'update' | 'forget' | 'share';

/** The setting of one race: a reader, its own namespace, and the memories there. */
export interface Ground {
  readonly reader: Principal;
  readonly namespace: Namespace;
  /**
   * The ids of the memories, by name. `plain` and `keyed` are ordinary shared memories, `tagged` has the access tag `pii`, and some
   * revocations move or hide `moving`.
   */
  readonly memories: Readonly<Record<Target, string>>;
}

export type Target = 'plain' | 'keyed' | 'tagged' | 'moving';

/** One way to revoke access. */
export interface Revocation {
  readonly name: string;
  /** The memories that the reader may not read afterwards. If it may not read at all, these are all memories. */
  readonly hides: readonly Target[];
  /** The actions that the reader may not take in the namespace afterwards. */
  readonly ends: readonly Ability[];
  /** True if the reader may not write memories with the access tag `pii` afterwards. */
  readonly endsTag?: boolean;
  readonly needsFolder?: boolean;
  /** Grants the access that will be revoked, and returns the function that revokes it. */
  prepare(arena: Arena, ground: Omit<Ground, 'memories'>): Promise<(ground: Ground) => Promise<unknown>>;
}

const everything: readonly Target[] = ['plain', 'keyed', 'tagged', 'moving'];
const all: readonly Ability[] = ['read', 'write', 'update', 'forget', 'share'];

type Half = { agentId: string };

function agentOf(reader: Principal): Half {
  return { agentId: (reader as Half).agentId };
}

async function give(arena: Arena, { reader, namespace }: Omit<Ground, 'memories'>) {
  const { access } = arena.store.admin;
  const rule = await access.allow(agentOf(reader), 'curator', namespace);
  const clearance = await access.clear(agentOf(reader), 'pii', namespace);
  if (reader.onBehalfOf !== undefined) {
    await access.allow(reader.onBehalfOf, 'curator', namespace);
    await access.clear(reader.onBehalfOf, 'pii', namespace);
  }
  return { rule, clearance, access };
}

export const revocations: readonly Revocation[] = [
  {
    name: 'reading is denied',
    hides: everything,
    ends: ['read', 'update', 'forget', 'share'],
    async prepare(arena, ground) {
      const { access } = await give(arena, ground);
      return ({ reader, namespace }) => access.deny(agentOf(reader), ['read'], namespace);
    },
  },
  {
    name: 'writing is denied',
    hides: [],
    ends: ['write'],
    async prepare(arena, ground) {
      const { access } = await give(arena, ground);
      return ({ reader, namespace }) => access.deny(agentOf(reader), ['write'], namespace);
    },
  },
  {
    name: 'everything is denied above',
    hides: everything,
    ends: all,
    async prepare(arena, ground) {
      const { access } = await give(arena, ground);
      return ({ reader }) => access.deny(agentOf(reader), 'curator', []);
    },
  },
  {
    name: 'the user it acts for is denied',
    hides: everything,
    ends: all,
    async prepare(arena, ground) {
      const { access } = await give(arena, ground);
      return ({ reader, namespace }) => access.deny(reader.onBehalfOf ?? agentOf(reader), 'curator', namespace);
    },
  },
  {
    name: 'what allowed it is ended',
    hides: everything,
    ends: all,
    async prepare(arena, ground) {
      const { access, rule } = await give(arena, ground);
      return () => access.end(rule.id);
    },
  },
  {
    name: 'its group shrinks',
    hides: everything,
    ends: all,
    async prepare(arena, ground) {
      const { access, rule } = await give(arena, ground);
      const group = `group ${ground.namespace}`;
      await access.group(group, [agentOf(ground.reader), { agentId: 'stays' }]);
      await access.allow({ group }, 'curator', ground.namespace);
      await access.end(rule.id);
      return () => access.group(group, [{ agentId: 'stays' }]);
    },
  },
  {
    name: 'its role is made anew',
    hides: [],
    ends: ['write', 'update', 'forget', 'share'],
    async prepare(arena, ground) {
      const { access, rule } = await give(arena, ground);
      const role = `role ${ground.namespace}`;
      await access.role(role, all);
      await access.allow(agentOf(ground.reader), role, ground.namespace);
      await access.end(rule.id);
      return () => access.role(role, ['read']);
    },
  },
  {
    name: 'a clearance is ended',
    hides: ['tagged'],
    ends: [],
    endsTag: true,
    async prepare(arena, ground) {
      const { access, clearance } = await give(arena, ground);
      return () => access.end(clearance.id);
    },
  },
  {
    name: 'a memory is shared away',
    hides: ['moving'],
    ends: [],
    async prepare(arena, ground) {
      await give(arena, ground);
      const { admin } = arena.store;
      return ({ memories: { moving } }) => admin.share(moving, { namespace: ['away'] });
    },
  },
  {
    name: 'a memory gets an access tag',
    hides: ['moving'],
    ends: [],
    async prepare(arena, ground) {
      await give(arena, ground);
      const { admin } = arena.store;
      return ({ memories: { moving } }) => admin.share(moving, { accessTags: ['secret'] });
    },
  },
  {
    name: 'its author makes a memory private',
    hides: ['moving'],
    ends: [],
    async prepare(arena, ground) {
      await give(arena, ground);
      const { admin } = arena.store;
      return ({ memories: { moving } }) => admin.share(moving, { visibility: 'private' });
    },
  },
  {
    name: 'the folder is opened again without the rule',
    hides: everything,
    ends: all,
    needsFolder: true,
    async prepare(arena, ground) {
      const { access, rule } = await give(arena, ground);
      const declared: Declaration[] = [allow(agentOf(ground.reader), 'curator', ground.namespace)];
      await arena.declare(declared);
      await access.end(rule.id);
      return () => arena.declare([]);
    },
  },
];
