import {
  type Action,
  allow,
  clear,
  type Declaration,
  deny,
  group,
  type Namespace,
  type Principal,
  role,
  type Subject,
} from 'multi-agent-memory';

/** What a memory is written with that decides who may read it. */
export interface Place {
  readonly namespace: Namespace;
  readonly accessTags?: readonly string[];
  readonly visibility?: 'shared' | 'private';
}

/** Who looks, who else is there, and what lies where it may look and where it may not. */
export interface Cast {
  readonly name: string;
  readonly access: readonly Declaration[];
  readonly reader: Principal;
  /** Whether the reader administers `open` and below. */
  readonly administers: boolean;
  /** Whether the reader audits `open` and below: it sees there also what was done to what it may not read. */
  readonly audits: boolean;
  /** Where what is shared may be read by the reader. */
  readonly open: readonly Place[];
  /** Where nothing may be read by the reader that somebody else wrote. */
  readonly closed: readonly Place[];
}

/** Who else writes where the reader sees it. */
export const writer: Principal = { agentId: 'wes' };
/** Who does what the reader must not notice: others altogether, and some that a careless comparison takes for the reader. */
export const hiders: readonly Principal[] = [
  { agentId: 'hal' },
  { agentId: 'ann', onBehalfOf: { userId: 'bob' } },
  { agentId: 'hal', onBehalfOf: { userId: 'uma' } },
  { serviceId: 'ann' },
  { agentId: 'uma' },
];
/** Nothing that is said about these is about anybody who is seen. */
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

/** Namespaces that only a comparison of joined strings or of prefixes puts into `open`, and labels that only look alike. */
const traps: readonly Place[] = [
  { namespace: ['open-ish'] },
  { namespace: ['ope'] },
  { namespace: ['open/eu'] },
  { namespace: ['open,eu'] },
  { namespace: ['open\u0000eu'] },
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

const all: readonly Action[] = ['read', 'write', 'update', 'forget', 'share'];

export const casts: readonly Cast[] = [
  {
    name: 'an agent with a subtree',
    reader: { agentId: 'ann' },
    access: [...others, ...subtree({ agentId: 'ann' }), allow('everyone', ['write'], ['box'])],
    administers: false,
    audits: false,
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
    open: shelf,
    closed: traps,
  },
  {
    name: 'a user by its group and a role',
    reader: { userId: 'ann' },
    access: [
      ...others,
      role('keeper', all),
      // As the agent of the same name is not.
      group('ann', [{ userId: 'ann' }, { agentId: 'wes' }]),
      group('closed', [{ agentId: 'ann' }, { userId: 'bob' }]),
      allow({ group: 'closed' }, 'keeper', []),
      allow({ group: 'ann' }, 'keeper', ['open']),
      clear({ group: 'ann' }, 'pii', ['open', 'eu']),
      deny({ userId: 'ann' }, ['read'], ['open', 'vip']),
    ],
    administers: false,
    audits: false,
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
    open: shelf,
    closed: traps,
  },
  {
    name: 'an auditor of a subtree',
    reader: { agentId: 'ann' },
    access: [...others, ...subtree({ agentId: 'ann' }), allow({ agentId: 'ann' }, 'auditor', ['open'])],
    administers: false,
    audits: true,
    open: shelf,
    closed: traps.filter(({ namespace }) => namespace[0] !== 'open'),
  },
];
