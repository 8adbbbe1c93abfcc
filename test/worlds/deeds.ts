import fc from 'fast-check';
import type { NewMemory, RecallOptions, Selection } from 'multi-agent-memory';
import { type Cast, hiddenSubjects, hiders, type Place } from './cast';

type Fields = Omit<NewMemory, 'text' | 'namespace' | 'visibility' | 'accessTags' | 'supersedes'>;

/** A deed that writes, changes or forgets. `target` selects an earlier memory, a visible one for visible deeds, otherwise a hidden one. */
interface Written {
  readonly text: string;
  readonly fields: Fields;
  readonly place: Place;
  readonly target: number;
}

/** A deed by the reader, or with results that the reader may see. It runs in both worlds. */
export type SeenDeed = Written & {
  readonly seen: true;
  readonly kind:
    | ('remember' | 'remember-many' | 'supersede' | 'supersede-unseen' | 'update' | 'forget' | 'forget-where')
    | ('share' | 'close' | 'look' | 'try' | 'consolidate' | 'undo-consolidation' | 'endorse');
  readonly byReader: boolean;
  readonly look: Look;
};

/** A deed by another principal that affects nothing that the reader may see. It runs only in the second world. */
export type HiddenDeed = Written & {
  readonly seen: false;
  readonly kind:
    | ('remember' | 'remember-many' | 'supersede' | 'update' | 'forget' | 'forget-where' | 'share' | 'search')
    | ('rule' | 'clear' | 'group' | 'role' | 'ceiling' | 'end' | 'hold');
  /** The index in `hiders` of the principal that acts, or the host. */
  readonly by: number | 'root';
  /** The index in `hiddenSubjects` of the subject that the deed is about. */
  readonly about: number;
  /** What a new memory is made from: hidden memories, or also visible ones. */
  readonly derives: 'nothing' | 'hidden' | 'both';
  /** If set, the deed is done in this place, which the reader may read, with memories that the reader does not trust. */
  readonly low?: Place | undefined;
  /** The channel of memories that the reader does not trust. */
  readonly channel: 'agent' | 'tool' | 'document';
};

export type Deed = SeenDeed | HiddenDeed;

/** The reads that the reader makes at one moment of the script. */
export interface Look {
  readonly query: string;
  readonly recall: RecallOptions;
  readonly selection: Selection;
  readonly limit: number;
  readonly orderBy: 'createdAt' | 'validFrom';
  readonly order: 'newest' | 'oldest';
}

const words = ['apple', 'banana', 'cherry', 'damson'];
const text = fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 4 }).map((list) => list.join(' '));

const fields = fc.record(
  {
    key: fc.constantFrom('k1', 'k2'),
    userId: fc.constantFrom('u1', 'u2'),
    sessionId: fc.constantFrom('s1', 's2'),
    kind: fc.constantFrom('episodic' as const, 'semantic' as const),
    tags: fc.constantFrom<string[]>(['x'], ['x', 'y']),
    priority: fc.constantFrom(0, 0.5, 1),
    metadata: fc.constantFrom({ colour: 'red' }, { colour: 'blue', size: 3 }),
    validFrom: fc.constantFrom(Date.UTC(2025, 10), Date.UTC(2025, 11)),
    expiresAt: fc.constantFrom(Date.UTC(2025, 0), Date.UTC(2026, 0, 1, 0, 0, 12), Date.UTC(2030, 0)),
    idempotencyKey: fc.constantFrom('i1', 'i2'),
    embed: fc.constant(false as const),
    source: fc.constantFrom(
      { channel: 'user' as const },
      { channel: 'tool' as const },
      { channel: 'document' as const },
    ),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<Fields>;

const include = fc.constantFrom<Selection['include']>([], ['superseded'], ['expired', 'superseded', 'quarantined']);
const selection = fc.record(
  {
    namespace: fc.constantFrom(['open'], ['open', 'eu'], ['closed'], ['open', 'vip'], []),
    userId: fc.constant('u1'),
    agentId: fc.constantFrom('ann', 'wes', 'hal'),
    tags: fc.constant(['x']),
    include: include.map((each) => each ?? []),
    minTrust: fc.constantFrom('reported' as const, 'standard' as const, 'verified' as const),
    asOf: fc.constantFrom(Date.UTC(2025, 10, 15), Date.UTC(2026, 0, 1, 0, 0, 10)),
    during: fc.constantFrom({ from: Date.UTC(2025, 10, 15) }, { to: Date.UTC(2026, 0, 1, 0, 0, 10) }),
    filter: fc.constantFrom(
      { priority: { gte: 0.5 } },
      { accessTags: { contains: 'pii' } },
      { visibility: 'private' },
      { not: { metadata: { colour: 'red' } } },
      { or: [{ key: 'k1' }, { supersededBy: { exists: true } }] },
    ),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<Selection>;

const look: fc.Arbitrary<Look> = fc.record({
  // Also a time, which reaches memories by another way than words and vectors.
  query: fc.tuple(text, fc.constantFrom('', '', ' in November 2025', ' yesterday')).map((parts) => parts.join('')),
  recall: fc.record(
    {
      mode: fc.constantFrom('hybrid' as const, 'semantic' as const, 'keyword' as const),
      topK: fc.constantFrom(1, 3, 50),
      threshold: fc.constantFrom(0, 0.3),
      maxPerSource: fc.constantFrom(1, 2),
      distinct: fc.constantFrom('near' as const, 'exact' as const, false as const),
      explain: fc.constant(true),
      context: fc.boolean(),
    },
    { requiredKeys: ['mode'] },
  ),
  selection,
  limit: fc.constantFrom(1, 2, 5),
  orderBy: fc.constantFrom('createdAt' as const, 'validFrom' as const),
  order: fc.constantFrom('newest' as const, 'oldest' as const),
});

function mostly<K extends string>(weights: Readonly<Record<K, number>>): fc.Arbitrary<K> {
  const kinds = Object.entries(weights) as [K, number][];
  return fc.oneof(...kinds.map(([kind, weight]) => ({ weight, arbitrary: fc.constant(kind) })));
}

function written(places: readonly Place[]) {
  return { text, fields, place: fc.constantFrom(...places), target: fc.nat(20) };
}

function seenDeed({ open }: Cast): fc.Arbitrary<SeenDeed> {
  const own: Place[] = open.map((place) => ({ ...place, visibility: 'private' }));
  return fc
    .record({
      seen: fc.constant(true as const),
      kind: mostly({
        ...{ remember: 10, 'remember-many': 1, supersede: 1, 'supersede-unseen': 2, update: 2, forget: 1 },
        ...{ 'forget-where': 1, share: 1, close: 1, look: 4, try: 3, consolidate: 1, 'undo-consolidation': 1 },
        ...{ endorse: 1 },
      }),
      byReader: fc.boolean(),
      look,
      ...written(open),
    })
    .chain((deed) => {
      // The writer's own private memories would be hidden from the reader, so only the reader writes private memories here.
      const places = deed.byReader ? [...open, ...own] : open;
      return fc.constantFrom(...places).map((place) => ({ ...deed, place }));
    });
}

function hiddenDeed({ open, closed }: Cast): fc.Arbitrary<HiddenDeed> {
  return fc.record({
    seen: fc.constant(false as const),
    kind: mostly({
      ...{ remember: 10, 'remember-many': 2, supersede: 2, update: 2, forget: 2, 'forget-where': 1, share: 3 },
      ...{ search: 2, rule: 2, clear: 1, group: 1, role: 1, ceiling: 1, end: 1, hold: 1 },
    }),
    by: fc.oneof(fc.nat(hiders.length - 1), fc.constant('root' as const)),
    about: fc.nat(hiddenSubjects.length - 1),
    derives: mostly({ nothing: 3, hidden: 1, both: 1 }),
    low: fc.option(fc.constantFrom(...open), { nil: undefined, freq: 2 }),
    channel: fc.constantFrom('agent' as const, 'tool' as const, 'document' as const),
    ...written(closed),
  });
}

/** Generates a script: the deeds in order. About half of them are visible to the reader. */
export function script(cast: Cast): fc.Arbitrary<readonly Deed[]> {
  return fc.array(fc.oneof<fc.Arbitrary<Deed>[]>(seenDeed(cast), hiddenDeed(cast)), { minLength: 8, maxLength: 32 });
}
