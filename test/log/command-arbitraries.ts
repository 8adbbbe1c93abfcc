import fc, { type Arbitrary } from 'fast-check';
import type {
  Change,
  ChunkVectors,
  Command,
  Content,
  ContentPatch,
  Idempotency,
  MemoryDraft,
  NamedDeclaration,
  NewFact,
  SpaceName,
  Stamp,
} from '../../src/domain/command';
import type { Declaration } from '../../src/domain/declaration';
import type { Json, Metadata } from '../../src/domain/json';
import { memoryKinds, sourceChannels } from '../../src/domain/memory';
import { type Actor, type Party, root } from '../../src/domain/principal';
import { actions, type Member, type Subject } from '../../src/domain/rule';
import { minTrusts, trustLevels } from '../../src/domain/trust';

/** Makes an object with any of its optional fields left out. */
function record<T extends object, R extends keyof T>(
  fields: { readonly [K in keyof T]-?: Arbitrary<Exclude<T[K], undefined>> },
  requiredKeys: readonly R[],
): Arbitrary<T> {
  return fc.record(fields as never, {
    requiredKeys: requiredKeys as never,
    noNullPrototype: true,
  }) as unknown as Arbitrary<T>;
}

/** Makes an object with all of its fields. */
function every<T extends object>(fields: { readonly [K in keyof T]: Arbitrary<T[K]> }): Arbitrary<T> {
  return fc.record(fields, { noNullPrototype: true }) as Arbitrary<T>;
}

/** Any string of JavaScript: also with halves of surrogate pairs, and longer than a short string. */
const text = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 6 }).map((codes) => String.fromCharCode(...codes)),
  fc.constantFrom('', '\ufeff', '\ufffd', '\ud800', 'a\udfffb', '__proto__', 'é'.repeat(20)),
);
const texts = fc.array(text, { maxLength: 3 });
const number = fc.oneof(fc.double({ noNaN: true }), fc.constantFrom(-0, 0, Number.MAX_SAFE_INTEGER), fc.integer());
const id = fc.uuid();

const json: Arbitrary<Json> = fc.letrec<{ value: Json; object: Metadata }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    number,
    text,
    fc.array(tie('value'), { maxLength: 3 }),
    tie('object'),
  ),
  object: objectOf(tie('value')),
})).value;

/** An object whose keys are in any order. An assignment of `__proto__` would change the prototype. */
function objectOf(value: Arbitrary<Json>): Arbitrary<Metadata> {
  return fc.array(fc.tuple(fc.oneof(text, fc.nat(20).map(String)), value), { maxLength: 5 }).map(Object.fromEntries);
}

const metadata = objectOf(json);
const party = record<Party, 'kind' | 'id'>({ kind: fc.constantFrom('agent', 'user', 'service'), id: text }, [
  'kind',
  'id',
]);
const actor: Arbitrary<Actor> = fc.oneof(
  fc.constant(root),
  record<Actor, 'party'>({ party, onBehalfOf: party }, ['party']),
);
const quota = record<NonNullable<Stamp['quotas']>['general'], never>(
  { memories: number, bytes: number, namespaces: number, tags: number, watches: number },
  [],
);
const scope = record<Stamp['scope'], never>(
  {
    ...{ namespace: texts, userId: text, agentId: text, sessionId: text, tags: texts },
    minTrust: fc.constantFrom(...minTrusts),
  },
  [],
);

const stamp = record<Stamp, 'at' | 'by' | 'scope' | 'seed'>(
  {
    at: number,
    by: actor,
    scope,
    seed: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    quotas: every({ general: quota, others: fc.array(every({ actor, quota }), { maxLength: 3 }) }),
    request: every({ client: text, number, answered: number }),
  },
  ['at', 'by', 'scope', 'seed'],
);

const space: Arbitrary<SpaceName> = every({ model: text, dimensions: fc.nat(), normalized: fc.boolean() });
/** Any bits: also NaN with any payload, which a vector keeps as it is. */
const vector = fc
  .array(fc.integer({ min: 0, max: 2 ** 32 - 1 }), { maxLength: 12 })
  .map((bits) => new Float32Array(Uint32Array.from(bits).buffer));
const vectors = fc.array(vector, { maxLength: 3 });
const embedded: Arbitrary<ChunkVectors> = every({ space, vectors });
const idempotency = record<Idempotency, 'key' | 'digest'>(
  { key: text, digest: text, earlierKeys: texts, earlierDigests: texts },
  ['key', 'digest'],
);
const content = {
  text,
  kind: fc.constantFrom(...memoryKinds),
  tags: texts,
  priority: number,
  metadata,
  validFrom: number,
  validTo: number,
  expiresAt: number,
  pinned: fc.boolean(),
} satisfies { [K in keyof Content]-?: Arbitrary<Exclude<Content[K], undefined>> };
const visibility = fc.constantFrom('shared' as const, 'private' as const);
const source = record<MemoryDraft['source'], 'channel'>({ channel: fc.constantFrom(...sourceChannels), ref: text }, [
  'channel',
]);
const requiredOfDraft = [
  ...(['id', 'namespace', 'visibility', 'accessTags', 'source', 'text', 'kind', 'tags', 'priority'] as const),
  ...(['metadata', 'validFrom'] as const),
];
const draft = record<MemoryDraft, (typeof requiredOfDraft)[number]>(
  {
    ...content,
    id,
    namespace: texts,
    visibility,
    accessTags: texts,
    key: text,
    userId: text,
    sessionId: text,
    source,
    supersedes: id,
    embedded,
    idempotency,
    tokenCount: fc.nat(),
    derivedFrom: texts,
    maxTrust: fc.constantFrom(...trustLevels),
  },
  requiredOfDraft,
);
const patch = record<ContentPatch, never>(
  {
    ...content,
    embedded,
    validTo: fc.option(number),
    expiresAt: fc.option(number),
    tokenCount: fc.nat(),
    maxTrust: fc.constantFrom(...trustLevels),
  },
  [],
);

const member: Arbitrary<Member> = fc.oneof(
  every({ agentId: text }),
  every({ userId: text }),
  every({ serviceId: text }),
);
const subject: Arbitrary<Subject> = fc.oneof(fc.constant('everyone' as const), member, every({ group: text }));
const actionList = fc.array(fc.constantFrom(...actions), { maxLength: 4 });
const declaration: Arbitrary<Declaration> = fc.oneof(
  every({
    effect: fc.constantFrom('allow' as const, 'deny' as const),
    to: subject,
    actions: fc.oneof(text, actionList),
    at: texts,
  }),
  every({ clear: text, to: subject, at: texts }),
  every({ role: text, actions: actionList }),
  every({ group: text, members: fc.array(member, { maxLength: 3 }) }),
  every({
    ceiling: fc.constantFrom(...trustLevels),
    to: fc.oneof(subject, every({ channel: fc.constantFrom(...sourceChannels) })),
    at: texts,
  }),
  record(
    {
      retain: fc.constantFrom('forget' as const, 'consolidate' as const),
      at: texts,
      kind: fc.constantFrom(...memoryKinds),
      maxAgeDays: fc.nat(),
      maxMemories: fc.nat(),
    },
    ['retain', 'at'],
  ),
);
const named: Arbitrary<NamedDeclaration> = every({ id, declaration });

/** The commands of each type. The compiler reports a type that is missing here. */
export const commandsByType: { readonly [T in Change['type']]: Arbitrary<Extract<Command, { type: T }>> } = {
  remember: commandOf('remember', { drafts: fc.array(draft, { maxLength: 3 }) }, ['drafts']),
  update: commandOf('update', { id, patch, ifRevision: number }, ['id', 'patch']),
  forget: commandOf('forget', { ids: fc.array(id, { maxLength: 3 }), ifRevision: number }, ['ids']),
  share: commandOf(
    'share',
    { id, change: record({ visibility, namespace: texts, accessTags: texts }, []), ifRevision: number },
    ['id', 'change'],
  ),
  endorse: commandOf('endorse', { id, as: fc.constantFrom(...minTrusts), ifRevision: number }, ['id', 'as']),
  'begin-space': commandOf('begin-space', { space }, ['space']),
  embed: commandOf('embed', { space, memories: fc.array(every({ row: fc.nat(), text, vectors }), { maxLength: 3 }) }, [
    'space',
    'memories',
  ]),
  'switch-space': commandOf('switch-space', { space, checkedThrough: number }, ['space', 'checkedThrough']),
  'drop-space': commandOf('drop-space', { space: number, after: number, upTo: number, isLast: fc.boolean() }, [
    'space',
    'after',
    'upTo',
    'isLast',
  ]),
  declare: commandOf('declare', { declarations: fc.array(named, { maxLength: 3 }), version: number }, ['declarations']),
  'add-declaration': commandOf('add-declaration', { added: named }, ['added']),
  'end-declaration': commandOf('end-declaration', { id }, ['id']),
  epoch: commandOf('epoch', {}, []),
  retain: commandOf('retain', { upTo: number }, ['upTo']),
  lease: commandOf('lease', { chore: text, holder: text, request: number, over: number }, [
    'chore',
    'holder',
    'request',
  ]),
  consolidate: commandOf(
    'consolidate',
    {
      sources: fc.array(every({ id, revision: number }), { maxLength: 3 }),
      facts: fc.array(
        record<NewFact, 'id' | 'text' | 'from'>(
          { id, text, from: fc.array(number, { maxLength: 3 }), embedded, tokenCount: fc.nat() },
          ['id', 'text', 'from'],
        ),
        { maxLength: 3 },
      ),
      summarizer: text,
    },
    ['sources', 'facts', 'summarizer'],
  ),
  spend: commandOf(
    'spend',
    {
      account: text,
      day: number,
      amount: every({ calls: number, inputTokens: number, outputTokens: number }),
      limit: record({ calls: number, inputTokens: number, outputTokens: number }, []),
    },
    ['account', 'day', 'amount'],
  ),
  'undo-consolidation': commandOf('undo-consolidation', { id }, ['id']),
  contain: commandOf(
    'contain',
    {
      incident: text,
      selection: record({ by: actor, since: number, ref: text, ids: fc.array(id, { maxLength: 3 }) }, []),
      derived: fc.boolean(),
    },
    ['incident', 'selection', 'derived'],
  ),
  release: commandOf('release', { incident: text, ids: fc.array(id, { maxLength: 3 }), reason: text }, []),
  revert: commandOf(
    'revert',
    {
      incident: text,
      texts: fc.array(record({ id, revision: number, vectors: embedded }, ['id', 'revision']), { maxLength: 3 }),
    },
    ['incident', 'texts'],
  ),
  retire: commandOf('retire', { retention: id, ids: fc.array(id, { maxLength: 3 }) }, ['retention', 'ids']),
  hold: commandOf('hold', { id, matter: text, scope }, ['id', 'matter', 'scope']),
  'release-hold': commandOf('release-hold', { id }, ['id']),
  erase: commandOf(
    'erase',
    {
      erasure: text,
      subject: every({ kind: fc.constantFrom('user' as const, 'namespace' as const), hash: text, depth: fc.nat() }),
      reason: text,
      ids: fc.array(id, { maxLength: 3 }),
    },
    ['erasure', 'ids'],
  ),
  'finish-erasure': commandOf('finish-erasure', { erasure: text }, ['erasure']),
  'keep-receipt': commandOf('keep-receipt', { erasure: text, receipt: text }, ['erasure', 'receipt']),
  bootstrap: commandOf('bootstrap', { storeKey: fc.uint8Array({ maxLength: 40 }) }, ['storeKey']),
};

/** Makes the commands of one type from the fields of its change. */
function commandOf<T extends Change['type'], C extends Extract<Command, { type: T }>>(
  type: T,
  fields: { readonly [K in Exclude<keyof C, 'type' | 'stamp'>]-?: Arbitrary<Exclude<C[K], undefined>> },
  requiredKeys: readonly Exclude<keyof C, 'type' | 'stamp'>[],
): Arbitrary<C> {
  const all = { type: fc.constant(type), stamp, ...fields };
  return record(all as never, ['type', 'stamp', ...requiredKeys] as never) as Arbitrary<C>;
}

/** Any command of any type. */
export const anyCommand: Arbitrary<Command> = fc.oneof(...Object.values(commandsByType));
