import fc from 'fast-check';
import type { Declaration, Member, Principal } from 'multi-agent-memory';
import { declarationsFor, policiesFor } from './policies';
import { halfOf, type Who } from './reference';
import { actors, keys, mostly, namespace, principals, tags } from './vocabulary';

/** The author and the options with which a memory is written. */
export interface Seed {
  readonly author: Who;
  readonly namespace: readonly string[];
  readonly visibility: 'shared' | 'private';
  readonly accessTags: readonly string[];
  readonly key?: string;
  /** True if it supersedes the memory before it. */
  readonly replaces: boolean;
}

const accessTags = fc.oneof(
  { weight: 9, arbitrary: fc.constant<string[]>([]) },
  { weight: 2, arbitrary: mostly(tags).map((tag) => [tag]) },
  { weight: 1, arbitrary: fc.subarray([...tags], { minLength: 2, maxLength: 3 }) },
);
const visibility = fc.oneof(
  { weight: 9, arbitrary: fc.constant('shared' as const) },
  { weight: 4, arbitrary: fc.constant('private' as const) },
);

/** Generates memories. Most are written by the readers of the case. */
function memoriesOf(readers: readonly Who[]): fc.Arbitrary<readonly Seed[]> {
  const author = fc.oneof(
    { weight: 19, arbitrary: fc.constantFrom(...readers) },
    { weight: 1, arbitrary: fc.constantFrom(...actors) },
  );
  const replaces = fc.oneof({ weight: 6, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) });
  return fc.array(
    fc.record(
      { author, namespace, visibility, accessTags, key: mostly(keys), replaces },
      { requiredKeys: ['author', 'namespace', 'visibility', 'accessTags', 'replaces'] },
    ),
    { minLength: 6, maxLength: 12 },
  );
}

/** A call that an actor makes. Memories are chosen by a number, modulo the number of memories. */
export type Step = { readonly who: Who; readonly bound?: readonly string[] } & (
  | { readonly type: 'remember'; readonly item: Item }
  | { readonly type: 'rememberMany'; readonly items: readonly Item[]; readonly atomic: boolean }
  | { readonly type: 'update' | 'forget'; readonly memory: number; readonly stale: boolean }
  | { readonly type: 'forgetWhere'; readonly within: readonly string[]; readonly dryRun: boolean }
  | { readonly type: 'share'; readonly memory: number; readonly change: Relabelled; readonly stale: boolean }
  | { readonly type: 'declare'; readonly declaration: Declaration }
  | { readonly type: 'end'; readonly declaration: number }
  /** Repeats an earlier `remember` that had an idempotency key. */
  | { readonly type: 'replay'; readonly earlier: number }
);
export interface Item {
  readonly namespace: readonly string[];
  readonly visibility: 'shared' | 'private';
  readonly accessTags: readonly string[];
  readonly key?: string;
  readonly idempotencyKey?: string;
  readonly supersedes?: number;
}
export type Relabelled = Partial<Pick<Item, 'namespace' | 'visibility' | 'accessTags'>>;

const number = fc.nat({ max: 40 });
const item: fc.Arbitrary<Item> = fc
  .record({
    labels: fc.record({ namespace, visibility, accessTags }),
    name: fc.oneof(fc.record({}), fc.record({ key: mostly(keys) }), fc.record({ supersedes: number })),
    once: fc.oneof(fc.record({}), fc.record({ idempotencyKey: fc.constantFrom('i', 'j') })),
  })
  .map(({ labels, name, once }) => ({ ...labels, ...name, ...once }));
const change = fc
  .record({ namespace, visibility, accessTags }, { requiredKeys: [] })
  .filter((given) => Object.keys(given).length > 0);
const stale = fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) });

function stepsOf(readers: readonly Who[], halves: readonly Member[]): fc.Arbitrary<readonly Step[]> {
  const what = fc.oneof(
    { weight: 3, arbitrary: fc.record({ type: fc.constant('remember' as const), item }) },
    {
      weight: 1,
      arbitrary: fc.record({
        type: fc.constant('rememberMany' as const),
        items: fc.array(item, { minLength: 1, maxLength: 3 }),
        atomic: fc.boolean(),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ type: fc.constantFrom('update' as const, 'forget' as const), memory: number, stale }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ type: fc.constant('forgetWhere' as const), within: namespace, dryRun: fc.boolean() }),
    },
    { weight: 3, arbitrary: fc.record({ type: fc.constant('share' as const), memory: number, change, stale }) },
    {
      weight: 3,
      arbitrary: fc.record({ type: fc.constant('declare' as const), declaration: declarationsFor(halves) }),
    },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('end' as const), declaration: number }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('replay' as const), earlier: number }) },
  );
  const who = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...readers) },
    { weight: 1, arbitrary: fc.constantFrom(...actors) },
    { weight: 1, arbitrary: fc.constant<Who>('root') },
  );
  return fc.array(
    fc
      .tuple(who, bound, what)
      .map(([by, within, rest]) => ({ who: by, ...(within === undefined ? {} : { bound: within }), ...rest })),
    { minLength: 6, maxLength: 12 },
  );
}

const bound = fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: namespace });

/** One test case: a policy, the memories that exist before it, the calls that are made under it, and the readers. */
export interface Case {
  readonly policy: readonly Declaration[];
  /** True if the policy is passed to `open`, false if it is made at run time. */
  readonly atOpen: boolean;
  readonly memories: readonly Seed[];
  readonly steps: readonly Step[];
  readonly readers: readonly Principal[];
  /** The namespace in the scope of the first reader's handle. */
  readonly bound: readonly string[] | undefined;
}

export const cases: fc.Arbitrary<Case> = fc
  .uniqueArray(fc.constantFrom(...principals), { minLength: 2, maxLength: 2 })
  .chain((readers) => {
    const halves = [...new Map(readers.flatMap(halvesOf).map((half) => [JSON.stringify(half), half])).values()];
    return fc.record({
      policy: policiesFor(halves),
      atOpen: fc.oneof({ weight: 11, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
      memories: memoriesOf(readers),
      steps: stepsOf(readers, halves),
      readers: fc.constant(readers),
      bound,
    });
  });

function halvesOf(who: Principal): Member[] {
  return who.onBehalfOf === undefined ? [halfOf(who)] : [halfOf(who), who.onBehalfOf];
}
