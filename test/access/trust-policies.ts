import { deepEqual, equal } from 'node:assert/strict';
import fc from 'fast-check';
import {
  allow,
  type Ceiling,
  ceiling,
  type Declaration,
  group,
  type MemoryHandle,
  type MemoryStore,
} from 'multi-agent-memory';
import { library as direct, type Library } from '../worlds/library';
import type { Who } from './reference';
import { TrustCedar } from './trust-cedar';
import { type Channel, type Level, levels, type TrustedNote, TrustReference } from './trust-reference';
import { actors, groupNames, members, mostly, namespace } from './vocabulary';

type Step =
  | { readonly type: 'add'; readonly added: Ceiling }
  | { readonly type: 'end'; readonly at: number }
  | {
      readonly type: 'remember';
      readonly author: Who;
      readonly namespace: readonly string[];
      readonly channel: Channel;
      readonly from: readonly number[];
    };

/** Groups and ceilings, and writes and changes of ceilings under them. */
export interface TrustCase {
  readonly declared: readonly Declaration[];
  readonly steps: readonly Step[];
}

const channel = mostly<Channel>(['agent', 'tool', 'document', 'user', 'import']);
// 'verified' reaches a memory only if all that it depends on is.
const level = mostly([...levels].reverse());
const principal = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...members) },
  { weight: 2, arbitrary: fc.constantFrom(...groupNames.map((name) => ({ group: name }))) },
  { weight: 1, arbitrary: fc.constant('everyone' as const) },
);
const anyCeiling = fc
  .tuple(
    fc.oneof({ weight: 3, arbitrary: principal }, { weight: 1, arbitrary: channel.map((each) => ({ channel: each })) }),
    level,
    namespace,
  )
  .map(([to, trust, at]) => ceiling(to, trust, at));
const write = fc.record({
  type: fc.constant('remember' as const),
  ...{ author: fc.oneof(mostly([...actors]), fc.constant<Who>('root')), namespace, channel },
  from: fc.array(fc.nat({ max: 20 }), { maxLength: 2 }),
});
const change = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant('add' as const), added: anyCeiling }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('end' as const), at: fc.nat({ max: 20 }) }) },
);

export const trustCases: fc.Arbitrary<TrustCase> = fc.record({
  declared: fc
    .tuple(
      fc.tuple(
        ...groupNames.map((name) =>
          fc.subarray([...members], { minLength: 1, maxLength: 3 }).map((list) => group(name, list)),
        ),
      ),
      fc.array(anyCeiling, { maxLength: 3 }),
    )
    .map(([groups, ceilings]) => [...groups, ...ceilings]),
  steps: fc.array(fc.oneof({ weight: 3, arbitrary: write }, { weight: 2, arbitrary: change }), {
    minLength: 6,
    maxLength: 14,
  }),
});

/** How often memories had each level of trust, and how many requests Cedar has answered. */
export interface TrustFigures {
  readonly trust: [number, number, number, number];
  cedarRequests: number;
}

/**
 * Plays a case. After each change of the ceilings every read, for each least trust, must return what the reference says, and Cedar must agree.
 *
 * @throws an AssertionError at the first difference
 */
export async function playTrust(
  { declared, steps }: TrustCase,
  kind = TrustReference,
  { inMemory }: Pick<Library, 'inMemory'> = direct,
): Promise<TrustFigures> {
  const figures: TrustFigures = { trust: [0, 0, 0, 0], cedarRequests: 0 };
  const store = await inMemory({ access: [allow('everyone', 'curator', []), ...declared] });
  try {
    const course = new TrustCourse(store, declared, kind, figures);
    for (const step of steps) await course.step(step);
    await course.compare();
    return figures;
  } finally {
    await store.close();
  }
}

class TrustCourse {
  readonly #store: MemoryStore;
  readonly #kind: typeof TrustReference;
  readonly #figures: TrustFigures;
  readonly #notes: TrustedNote[] = [];
  readonly #added: { readonly id: string; readonly declaration: Ceiling }[] = [];
  #reference: TrustReference;

  constructor(
    store: MemoryStore,
    declared: readonly Declaration[],
    kind: typeof TrustReference,
    figures: TrustFigures,
  ) {
    this.#store = store;
    this.#kind = kind;
    this.#figures = figures;
    this.#reference = new kind(declared);
  }

  async step(step: Step): Promise<void> {
    if (step.type === 'remember') return this.#remember(step);
    const { access } = this.#store.admin;
    const { declarations } = this.#reference;
    if (step.type === 'add') {
      const { to, ceiling: trust, at } = step.added;
      this.#added.push({ id: (await access.ceiling(to, trust, at)).id, declaration: step.added });
      this.#reference = new this.#kind([...declarations, step.added]);
    } else {
      const [ended] = this.#added.splice(step.at % Math.max(1, this.#added.length), 1);
      if (ended === undefined) return;
      equal(await access.end(ended.id), true);
      const at = declarations.indexOf(ended.declaration);
      this.#reference = new this.#kind(declarations.filter((_, i) => i !== at));
    }
    await this.compare();
  }

  async #remember({
    author,
    namespace: within,
    channel: source,
    from,
  }: Extract<Step, { type: 'remember' }>): Promise<void> {
    const readable = this.#notes.filter((note) => this.#reference.trustOf(note) >= 1);
    const sources =
      readable.length === 0 ? [] : [...new Set(from.map((n) => readable[n % readable.length] as TrustedNote))];
    const { id } = await this.#handle(author).remember(`note ${this.#notes.length}`, {
      ...{ namespace: within, embed: false, source: { channel: source } },
      ...(sources.length === 0 ? {} : { derivedFrom: sources.map((each) => each.id) }),
    });
    const note = { id, author, namespace: within, channel: source, stored: 3 as Level, sources };
    this.#notes.push({ ...note, stored: this.#reference.trustOf(note) });
  }

  /** Compares every way to read, for each least trust. */
  async compare(): Promise<void> {
    const trusts = new Map(this.#notes.map((note) => [note.id, this.#reference.trustOf(note)]));
    const cedar = new TrustCedar(this.#reference);
    for (const note of this.#notes) {
      const trust = trusts.get(note.id) as Level;
      this.#figures.trust[trust]++;
      equal(cedar.trustOf(note), trust, `Cedar about ${JSON.stringify(note)}`);
    }
    this.#figures.cedarRequests += cedar.requests;
    for (const [least, minTrust] of [undefined, 'standard' as const, 'verified' as const].entries()) {
      const expected = this.#notes.filter(({ id }) => (trusts.get(id) as Level) > least).map(({ id }) => id);
      const scope = minTrust === undefined ? {} : { minTrust };
      await compareReads(this.#store.as({ agentId: 'ann' }, scope), expected, trusts, `least trust ${minTrust}`);
    }
  }

  #handle(who: Who): MemoryHandle {
    return who === 'root' ? this.#store.admin : this.#store.as(who);
  }
}

async function compareReads(
  handle: MemoryHandle,
  expected: readonly string[],
  trusts: ReadonlyMap<string, Level>,
  what: string,
): Promise<void> {
  const listed = (await handle.list({ limit: 100, order: 'oldest' })).items;
  deepEqual(
    listed.map(({ id }) => id),
    expected,
    `list, ${what}`,
  );
  deepEqual(
    listed.map(({ trust }) => trust),
    expected.map((id) => levels[trusts.get(id) as Level]),
    `trust, ${what}`,
  );
  equal(await handle.count(), expected.length, `count, ${what}`);
  equal(await handle.count({ filter: { text: { contains: 'note' } } }), expected.length, `count in SQL, ${what}`);
  const hits = await handle.recall('note', { mode: 'keyword', topK: 100, maxPerSource: 100 });
  deepEqual(hits.map(({ id }) => id).sort(), [...expected].sort(), `recall, ${what}`);
  for (const id of trusts.keys())
    equal((await handle.get(id)) !== undefined, expected.includes(id), `get ${id}, ${what}`);
}
