import {
  type Action,
  allow,
  ceiling,
  clear,
  type Declaration,
  deny,
  group,
  type Namespace,
  type Principal,
  role,
  type Subject,
} from 'multi-agent-memory';

/** The options of `remember` that determine who may read the memory. */
export interface Place {
  readonly namespace: Namespace;
  readonly accessTags?: readonly string[];
  readonly visibility?: 'shared' | 'private';
}

/** A reader, the rules of the store, and places that the reader may read and may not read. */
export interface Cast {
  readonly name: string;
  readonly access: readonly Declaration[];
  readonly reader: Principal;
  /** True if the reader administers `open` and the namespaces below it. */
  readonly administers: boolean;
  /** True if the reader audits `open` and below. There it also sees audit entries about memories that it may not read. */
  readonly audits: boolean;
  /** True if the reader may endorse in `open`, so that it may see untrusted memories there. */
  readonly endorses: boolean;
  /** Places where the reader may read shared memories. */
  readonly open: readonly Place[];
  /** Places where the reader may not read memories by other authors. */
  readonly closed: readonly Place[];
}

/** The principal, apart from the reader, whose memories the reader sees. */
export const writer: Principal = { agentId: 'wes' };
/** The principals that do the hidden deeds. Some of them are similar to the reader, so that a careless comparison would confuse them. */
export const hiders: readonly Principal[] = [
  { agentId: 'hal' },
  { agentId: 'ann', onBehalfOf: { userId: 'bob' } },
  { agentId: 'hal', onBehalfOf: { userId: 'uma' } },
  { serviceId: 'ann' },
  { agentId: 'uma' },
];
/** A principal that writes where the reader may read, but that the host distrusts if it declares `distrust`. */
export const distrusted: Principal = { agentId: 'dora' };
export const distrust: readonly Declaration[] = [
  ceiling({ agentId: 'dora' }, 'untrusted', []),
  ceiling({ channel: 'document' }, 'untrusted', ['open', 'us']),
];
/** Subjects for hidden rules. Rules about them do not concern any principal that is visible to the reader. */
export const hiddenSubjects: readonly Subject[] = [
  { agentId: 'hal' },
  { userId: 'bob' },
  { serviceId: 'ann' },
  { agentId: 'uma' },
  { userId: 'never seen' },
];

const shelf: readonly Place[] = [
  { namespace: ['open'] },
  { namespace: ['open', 'eu'] },
  { namespace: ['open', 'us'] },
  { namespace: ['open', 'eu'], accessTags: ['pii'] },
];

/** Hidden places that are similar to `open`: a comparison of joined strings or prefixes would confuse them with namespaces in `open`. */
const traps: readonly Place[] = [
  { namespace: ['open-ish'] },
  { namespace: ['ope'] },
  { namespace: ['open/eu'] },
  { namespace: ['open,eu'] },
  { namespace: ['open eu'] },
  { namespace: ['Open'] },
  { namespace: ['closed', 'open'] },
  { namespace: ['closed'] },
  { namespace: [] },
  { namespace: ['open', 'vip'] },
  { namespace: ['open', 'vip', 'eu'] },
  { namespace: ['open'], accessTags: ['secret'] },
  { namespace: ['open', 'eu'], accessTags: ['pii', 'secret'] },
  { namespace: ['open', 'us'], accessTags: ['pii'] },
  { namespace: ['open', 'eu'], accessTags: ['pii,secret'] },
  { namespace: ['open'], visibility: 'private' },
  { namespace: ['open', 'eu'], visibility: 'private' },
  { namespace: ['open', 'eu'], visibility: 'private', accessTags: ['pii'] },
];

const others: readonly Declaration[] = [
  allow(writer, 'curator', []),
  allow({ agentId: 'dora' }, 'curator', []),
  allow({ agentId: 'hal' }, 'curator', []),
  allow({ userId: 'bob' }, 'curator', []),
  allow({ serviceId: 'ann' }, 'curator', []),
  allow({ agentId: 'uma' }, 'curator', []),
  ...['pii', 'secret', 'pii,secret'].flatMap((tag) =>
    [writer, { agentId: 'hal' }, { userId: 'bob' }, { serviceId: 'ann' }].map((to) => clear(to as Subject, tag, [])),
  ),
];

function subtree(...whom: readonly Subject[]): Declaration[] {
  return whom.flatMap((to) => [
    allow(to, 'curator', ['open']),
    clear(to, 'pii', ['open', 'eu']),
    deny(to, ['read'], ['open', 'vip']),
  ]);
}

const all: readonly Action[] = ['read', 'write', 'update', 'forget', 'share', 'consolidate'];

export const casts: readonly Cast[] = [
  {
    name: 'an agent with a subtree',
    reader: { agentId: 'ann' },
    access: [...others, ...subtree({ agentId: 'ann' }), allow('everyone', ['write'], ['box'])],
    administers: false,
    audits: false,
    endorses: true,
    open: shelf,
    closed: [...traps, { namespace: ['box'] }],
  },
  {
    name: 'a pair, each half of which may do more',
    reader: { agentId: 'ann', onBehalfOf: { userId: 'uma' } },
    access: [
      ...others,
      allow({ agentId: 'ann' }, all, []),
      clear({ agentId: 'ann' }, 'secret', []),
      clear({ agentId: 'ann' }, 'pii', ['open', 'eu']),
      deny({ agentId: 'ann' }, ['read'], ['open', 'vip']),
      ...[['open'], ['ope']].map((at) => allow({ userId: 'uma' }, 'curator', at)),
      deny({ userId: 'uma' }, ['read'], ['ope']),
      clear({ userId: 'uma' }, 'pii', []),
    ],
    administers: false,
    audits: false,
    endorses: false,
    open: shelf,
    closed: traps,
  },
  {
    name: 'a user by its group and a role',
    reader: { userId: 'ann' },
    access: [
      ...others,
      role('keeper', all),
      // The user `ann` is in this group; the agent with the same name is not.
      group('ann', [{ userId: 'ann' }, { agentId: 'wes' }]),
      group('closed', [{ agentId: 'ann' }, { userId: 'bob' }]),
      allow({ group: 'closed' }, 'keeper', []),
      allow({ group: 'ann' }, 'keeper', ['open']),
      clear({ group: 'ann' }, 'pii', ['open', 'eu']),
      deny({ userId: 'ann' }, ['read'], ['open', 'vip']),
    ],
    administers: false,
    audits: false,
    endorses: false,
    open: shelf,
    closed: traps,
  },
  {
    name: 'an administrator of a subtree',
    reader: { agentId: 'ann' },
    access: [
      ...others,
      ...subtree({ agentId: 'ann' }),
      allow({ agentId: 'ann' }, ['administer', 'export', 'erase'], ['open']),
    ],
    administers: true,
    audits: false,
    endorses: true,
    open: shelf,
    closed: traps,
  },
  {
    name: 'an auditor of a subtree',
    reader: { agentId: 'ann' },
    access: [...others, ...subtree({ agentId: 'ann' }), allow({ agentId: 'ann' }, 'auditor', ['open'])],
    administers: false,
    audits: true,
    endorses: true,
    open: shelf,
    closed: traps.filter(({ namespace }) => namespace[0] !== 'open'),
  },
];
