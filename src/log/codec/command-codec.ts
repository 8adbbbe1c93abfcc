import type {
  Change,
  ChangeOf,
  ChunkVectors,
  Command,
  ContentPatch,
  Idempotency,
  LabelChange,
  MemoryDraft,
  NamedDeclaration,
  NewFact,
  RestoredText,
  RowEmbedding,
  SourceRevision,
  SpaceName,
  Stamp,
  WriteRequest,
} from '../../domain/command';
import {
  type Ceiling,
  type Clearance,
  type Declaration,
  type Group,
  isCeiling,
  isClearance,
  isGroup,
  isRetention,
  isRole,
  isRule,
  type Retention,
  type Role,
} from '../../domain/declaration';
import type { ErasureSubject } from '../../domain/erasure';
import type { ParsedIncidentSelection } from '../../domain/incident';
import type { MemoryKind, MemorySource, SourceChannel, Visibility } from '../../domain/memory';
import type { Actor, Party, PrincipalKind } from '../../domain/principal';
import type { ParsedQuotas, Quota } from '../../domain/quota';
import type { Action, Member, Rule, Subject } from '../../domain/rule';
import type { ParsedScope } from '../../domain/scope';
import type { Spending, SpendingLimit } from '../../domain/spending';
import type { MinTrust, Trust } from '../../domain/trust';
import { type ByteReader, newerEntry } from './byte-reader';
import type { ByteWriter } from './byte-writer';
import {
  bytes,
  type Codec,
  constant,
  type Fields,
  flag,
  list,
  nullable,
  number,
  optional,
  struct,
  text,
  union,
  variant,
  vector,
  word,
} from './fields';
import { metadata } from './json-codec';

// The order of fields and all numbers are part of the format of the log. A change needs a new version of the frame.

const texts = list(text);
const visibility = word<Visibility>({ shared: 0, private: 1 });
const kind = word<MemoryKind>({ episodic: 0, semantic: 1, procedural: 2, summary: 3 });
const channel = word<SourceChannel>({ user: 0, agent: 1, tool: 2, document: 3, import: 4, consolidation: 5 });
const action = word<Action>({
  read: 0,
  write: 1,
  update: 2,
  forget: 3,
  share: 4,
  consolidate: 5,
  export: 6,
  erase: 7,
  audit: 8,
  administer: 9,
  endorse: 10,
});

const party = struct<Party>({ kind: word<PrincipalKind>({ agent: 0, user: 1, service: 2 }), id: text });
const actor = struct<Actor>({
  party: union<Party | 'root'>(
    variant(0, (value) => value === 'root', constant<'root'>('root')),
    variant(1, (value) => value !== 'root', party),
  ),
  onBehalfOf: optional(party),
});

const minTrust = word<MinTrust>({ reported: 1, standard: 2, verified: 3 });

const scope = struct<ParsedScope>({
  namespace: optional(texts),
  userId: optional(text),
  agentId: optional(text),
  sessionId: optional(text),
  tags: optional(texts),
  minTrust: optional(minTrust),
});

const quota = struct<Quota>({
  memories: optional(number),
  bytes: optional(number),
  namespaces: optional(number),
  tags: optional(number),
  watches: optional(number),
});
const quotas = struct<ParsedQuotas>({
  general: quota,
  others: list(struct<ParsedQuotas['others'][number]>({ actor, quota })),
});

const stamp = struct<Stamp>({
  at: number,
  by: actor,
  scope,
  seed: bytes,
  quotas: optional(quotas),
  request: optional(struct<WriteRequest>({ client: text, number, answered: number })),
});

const space = struct<SpaceName>({ model: text, dimensions: number, normalized: flag });
const vectors = list(vector);
const embedded = struct<ChunkVectors>({ space, vectors });

const trust = word<Trust>({ untrusted: 0, reported: 1, standard: 2, verified: 3 });

const draft = struct<MemoryDraft>({
  id: text,
  text,
  namespace: texts,
  visibility,
  accessTags: texts,
  kind,
  tags: texts,
  priority: number,
  metadata,
  source: struct<MemorySource>({ channel, ref: optional(text) }),
  validFrom: number,
  validTo: optional(number),
  expiresAt: optional(number),
  key: optional(text),
  userId: optional(text),
  sessionId: optional(text),
  supersedes: optional(text),
  embedded: optional(embedded),
  idempotency: optional(
    struct<Idempotency>({ key: text, digest: text, earlierKeys: optional(texts), earlierDigests: optional(texts) }),
  ),
  tokenCount: optional(number),
  pinned: optional(flag),
  derivedFrom: optional(texts),
  maxTrust: optional(trust),
});

const patch = struct<ContentPatch>({
  text: optional(text),
  embedded: optional(embedded),
  kind: optional(kind),
  tags: optional(texts),
  priority: optional(number),
  metadata: optional(metadata),
  validFrom: optional(number),
  validTo: optional(nullable(number)),
  expiresAt: optional(nullable(number)),
  tokenCount: optional(number),
  pinned: optional(flag),
  maxTrust: optional(trust),
});

const labelChange = struct<LabelChange>({
  visibility: optional(visibility),
  namespace: optional(texts),
  accessTags: optional(texts),
});

type WithAgent = Extract<Member, { agentId: string }>;
type WithUser = Extract<Member, { userId: string }>;
type WithService = Extract<Member, { serviceId: string }>;

const member = union<Member>(
  variant(0, (value): value is WithAgent => 'agentId' in value, struct<WithAgent>({ agentId: text })),
  variant(1, (value): value is WithUser => 'userId' in value, struct<WithUser>({ userId: text })),
  variant(2, (value): value is WithService => 'serviceId' in value, struct<WithService>({ serviceId: text })),
);

type NamedGroup = Extract<Subject, { group: string }>;

const subject = union<Subject>(
  variant(0, (value) => value === 'everyone', constant<'everyone'>('everyone')),
  variant(1, isGroupSubject, struct<NamedGroup>({ group: text })),
  variant(2, (value): value is Member => value !== 'everyone' && !isGroupSubject(value), member),
);

function isGroupSubject(value: Subject): value is NamedGroup {
  return typeof value === 'object' && 'group' in value;
}

const roleOrActions = union<Rule['actions']>(
  variant(0, (value) => typeof value === 'string', text),
  variant(1, (value) => typeof value !== 'string', list(action)),
);

type ChannelSubject = Exclude<Ceiling['to'], Subject>;

const ceilingSubject = union<Ceiling['to']>(
  variant(0, (value): value is Subject => !isChannelSubject(value), subject),
  variant(1, isChannelSubject, struct<ChannelSubject>({ channel })),
);

function isChannelSubject(value: Ceiling['to']): value is ChannelSubject {
  return typeof value === 'object' && 'channel' in value;
}

const declaration = union<Declaration>(
  variant(
    0,
    isRule,
    struct<Rule>({
      effect: word<Rule['effect']>({ allow: 0, deny: 1 }),
      to: subject,
      actions: roleOrActions,
      at: texts,
    }),
  ),
  variant(1, isClearance, struct<Clearance>({ clear: text, to: subject, at: texts })),
  variant(2, isRole, struct<Role>({ role: text, actions: list(action) })),
  variant(3, isGroup, struct<Group>({ group: text, members: list(member) })),
  variant(4, isCeiling, struct<Ceiling>({ ceiling: trust, to: ceilingSubject, at: texts })),
  variant(
    5,
    isRetention,
    struct<Retention>({
      retain: word<Retention['retain']>({ forget: 0, consolidate: 1 }),
      at: texts,
      kind: optional(kind),
      maxAgeDays: optional(number),
      maxMemories: optional(number),
    }),
  ),
);

const incidentSelection = struct<ParsedIncidentSelection>({
  by: optional(actor),
  since: optional(number),
  ref: optional(text),
  ids: optional(texts),
});
const restoredText = struct<RestoredText>({ id: text, revision: number, vectors: optional(embedded) });

const namedDeclaration = struct<NamedDeclaration>({ id: text, declaration });
const embedding = struct<RowEmbedding>({ row: number, text, vectors });

const sourceRevision = struct<SourceRevision>({ id: text, revision: number });
const newFact = struct<NewFact>({
  id: text,
  text,
  from: list(number),
  embedded: optional(embedded),
  tokenCount: optional(number),
});

const spending = struct<Spending>({ calls: number, inputTokens: number, outputTokens: number });
const spendingLimit = struct<SpendingLimit>({
  calls: optional(number),
  inputTokens: optional(number),
  outputTokens: optional(number),
});

const erasureSubject = struct<ErasureSubject>({
  kind: word<ErasureSubject['kind']>({ user: 0, namespace: 1 }),
  hash: text,
  depth: number,
});

interface ChangeFormat<T extends Change['type']> {
  /** The number of the type. It never changes, and no other type gets it. */
  readonly code: number;
  readonly fields: Fields<Omit<ChangeOf<T>, 'type'>>;
}

/** The format of every type of change. The compiler reports a type that is missing here. */
const formats: { readonly [T in Change['type']]: ChangeFormat<T> } = {
  remember: { code: 1, fields: { drafts: list(draft) } },
  update: { code: 2, fields: { id: text, patch, ifRevision: optional(number) } },
  forget: { code: 3, fields: { ids: texts, ifRevision: optional(number) } },
  share: { code: 4, fields: { id: text, change: labelChange, ifRevision: optional(number) } },
  endorse: { code: 30, fields: { id: text, as: minTrust, ifRevision: optional(number) } },
  'begin-space': { code: 5, fields: { space } },
  embed: { code: 6, fields: { space, memories: list(embedding) } },
  'switch-space': { code: 7, fields: { space, checkedThrough: number } },
  'drop-space': { code: 8, fields: { space: number, after: number, upTo: number, isLast: flag } },
  declare: { code: 9, fields: { declarations: list(namedDeclaration), version: optional(number) } },
  'add-declaration': { code: 10, fields: { added: namedDeclaration } },
  'end-declaration': { code: 11, fields: { id: text } },
  epoch: { code: 12, fields: {} },
  retain: { code: 13, fields: { upTo: number } },
  bootstrap: { code: 14, fields: { storeKey: bytes } },
  contain: { code: 20, fields: { incident: text, selection: incidentSelection, derived: flag } },
  release: { code: 21, fields: { incident: optional(text), ids: optional(texts), reason: optional(text) } },
  revert: { code: 22, fields: { incident: text, texts: list(restoredText) } },
  lease: { code: 15, fields: { chore: text, holder: text, request: number, over: optional(number) } },
  consolidate: { code: 16, fields: { sources: list(sourceRevision), facts: list(newFact), summarizer: text } },
  'undo-consolidation': { code: 17, fields: { id: text } },
  hold: { code: 18, fields: { id: text, matter: text, scope } },
  'release-hold': { code: 19, fields: { id: text } },
  retire: { code: 31, fields: { retention: text, ids: texts } },
  spend: { code: 23, fields: { account: text, day: number, amount: spending, limit: optional(spendingLimit) } },
  erase: {
    code: 24,
    fields: { erasure: text, subject: optional(erasureSubject), reason: optional(text), ids: texts },
  },
  'finish-erasure': { code: 25, fields: { erasure: text } },
  'keep-receipt': { code: 26, fields: { erasure: text, receipt: text } },
};

interface CommandFormat {
  readonly type: Change['type'];
  readonly code: number;
  readonly codec: Codec<Command>;
}

const byType = new Map<string, CommandFormat>();
const byCode = new Map<number, CommandFormat>();
for (const [type, { code, fields }] of Object.entries(formats)) {
  const codec = struct({ type: constant(type), stamp, ...fields } as Fields<object>) as unknown as Codec<Command>;
  const format: CommandFormat = { type: type as Change['type'], code, codec };
  byType.set(type, format);
  byCode.set(code, format);
}

/** Writes the number of a command's type, and its fields. */
export function writeCommand(to: ByteWriter, command: Command): void {
  const format = byType.get(command.type) as CommandFormat;
  to.count(format.code);
  format.codec.write(to, command);
}

/** @throws RECORD_DAMAGED, STORE_NEWER if a newer release has written a command of another type */
export function readCommand(from: ByteReader): Command {
  const code = from.count();
  const format = byCode.get(code);
  if (format === undefined) throw newerEntry(`a command of type ${code}`);
  return format.codec.read(from);
}
