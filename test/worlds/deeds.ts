import fc from 'fast-check';
import type { NewMemory, RecallOptions, Selection } from 'multi-agent-memory';
import { type Cast, hiddenSubjects, hiders, type Place } from './cast';

type Fields = Omit<NewMemory, 'text' | 'namespace' | 'visibility' | 'accessTags' | 'supersedes'>;

/** Something is written, changed or forgotten. `target` names an earlier memory of the same half of the world. */
interface Written {
  readonly text: string;
  readonly fields: Fields;
  readonly place: Place;
  readonly target: number;
}

/** A deed that the reader does itself, or whose results it may see. It is done in both worlds. */
export type SeenDeed = Written & {
  readonly seen: true;
  readonly kind:
    | ('remember' | 'remember-many' | 'supersede' | 'supersede-unseen' | 'update' | 'forget' | 'forget-where')
    | ('share' | 'close' | 'look' | 'try');
  readonly byReader: boolean;
  readonly look: Look;
};

/** A deed of somebody else that touches nothing the reader may see. It is done in the second world alone. */
export type HiddenDeed = Written & {
  readonly seen: false;
  readonly kind:
    | ('remember' | 'remember-many' | 'supersede' | 'update' | 'forget' | 'forget-where' | 'share' | 'search')
    | ('rule' | 'clear' | 'group' | 'role' | 'end');
  /** Which of `hiders`, or the host. */
  readonly by: number | 'root';
  /** Which of `hiddenSubjects`. */
  readonly about: number;
};

export type Deed = SeenDeed | HiddenDeed;

/** What the reader asks in the midst of all. */
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
    asOf: fc.constantFrom(Date.UTC(2025, 10, 15), Date.UTC(2026, 0, 1, 0, 0, 10)),
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
  query: text,
  recall: fc.record(
    {
      mode: fc.constantFrom('hybrid' as const, 'semantic' as const, 'keyword' as const),
      topK: fc.constantFrom(1, 3, 50),
      threshold: fc.constantFrom(0, 0.3),
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
        ...{ 'forget-where': 1, share: 1, close: 1, look: 4, try: 3 },
      }),
      byReader: fc.boolean(),
      look,
      ...written(open),
    })
    .chain((deed) => {
      // What the writer keeps to itself would be hidden from the reader.
      const places = deed.byReader ? [...open, ...own] : open;
      return fc.constantFrom(...places).map((place) => ({ ...deed, place }));
    });
}

function hiddenDeed({ closed }: Cast): fc.Arbitrary<HiddenDeed> {
  return fc.record({
    seen: fc.constant(false as const),
    kind: mostly({
      ...{ remember: 10, 'remember-many': 2, supersede: 2, update: 2, forget: 2, 'forget-where': 1, share: 3 },
      ...{ search: 2, rule: 2, clear: 1, group: 1, role: 1, end: 1 },
    }),
    by: fc.oneof(fc.nat(hiders.length - 1), fc.constant('root' as const)),
    about: fc.nat(hiddenSubjects.length - 1),
    ...written(closed),
  });
}

/** What happens, in order: about as much that the reader may see as not. */
export function script(cast: Cast): fc.Arbitrary<readonly Deed[]> {
  return fc.array(fc.oneof<fc.Arbitrary<Deed>[]>(seenDeed(cast), hiddenDeed(cast)), { minLength: 8, maxLength: 32 });
}
