import fc from 'fast-check';
import { allow, deny, type MemoryHandle, MemoryStore, type Principal, type Rule, type Scope } from 'multi-agent-memory';
import { expect, test } from 'vitest';
import { all, openFolder, openToAll, temporaryFolder } from '../store/stores';

const actors: Principal[] = [{ agentId: 'a' }, { agentId: 'b' }, { agentId: 'a', onBehalfOf: { userId: 'u' } }];
const scopes: Scope[] = [{}, { namespace: ['n'] }, { namespace: ['n', 'm'], tags: ['t'] }];
const ruleSets: Rule[][] = [
  openToAll,
  [],
  [allow('everyone', 'reader', ['n'])],
  [allow('everyone', 'reader', []), deny({ agentId: 'a' }, ['read'], ['n', 'm'])],
];

type Deed = (store: MemoryStore, world: World) => Promise<unknown>;
interface World {
  readonly folder: string;
  readonly ids: string[];
  now: number;
  /** How many namespaces were made up. */
  places: number;
}

const author = fc.constantFrom(...actors, 'root' as const);
const deed: fc.Arbitrary<Deed> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .record({
        by: author,
        namespace: fc.constantFrom<(string[] | 'new')[]>(['n'], ['n', 'm'], ['x'], 'new' as never),
        visibility: fc.constantFrom('shared' as const, 'private' as const),
        lives: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
        tags: fc.constantFrom<string[]>(['t'], []),
        embed: fc.boolean(),
      })
      .map(
        ({ by, namespace, lives, embed, ...rest }): Deed =>
          async (store, world) => {
            const handle = by === 'root' ? store.admin : store.as(by);
            const place = (namespace as unknown) === 'new' ? ['n', `new-${world.places++}`] : (namespace as string[]);
            const options = { ...rest, namespace: place, ...(embed ? {} : { embed: false as const }) };
            const { id } = await handle.remember(
              'apple',
              lives === undefined ? options : { ...options, expiresAt: world.now + lives },
            );
            world.ids.push(id);
          },
      ),
  },
  fc.nat(30).map(
    (i): Deed =>
      (store, { ids }) =>
        store.admin.forget(ids[i % Math.max(1, ids.length)] ?? 'none'),
  ),
  fc.nat(30).map(
    (i): Deed =>
      (store, { ids, now }) =>
        store.admin.update(ids[i % Math.max(1, ids.length)] ?? 'none', {
          text: 'banana apple',
          expiresAt: now + 2,
          tags: ['t'],
        }),
  ),
  fc.nat(30).map(
    (i): Deed =>
      (store, { ids, now }) =>
        store.admin.update(ids[i % Math.max(1, ids.length)] ?? 'none', { expiresAt: null, priority: (now % 10) / 10 }),
  ),
  fc.nat(30).map(
    (i): Deed =>
      (store, { ids }) =>
        store.admin.remember('apple pie', { namespace: ['n'], supersedes: ids[i % Math.max(1, ids.length)] ?? 'none' }),
  ),
  fc.integer({ min: -2, max: 4 }).map(
    (ms): Deed =>
      async (_, world) => {
        world.now += ms;
      },
  ),
  fc.constantFrom(...ruleSets).map(
    (access): Deed =>
      async (_, { folder }) => {
        await (await MemoryStore.open(folder, { access })).close();
      },
  ),
);

/** All that a handle answers at this moment. */
async function answers(handle: MemoryHandle): Promise<unknown> {
  const found: unknown[] = [];
  for (const mode of ['hybrid', 'semantic', 'keyword'] as const) {
    found.push(await handle.recall('apple', { mode, explain: true, topK: 5 }));
    found.push(await handle.recall('apple', { mode, filter: { tags: 't' } }));
  }
  found.push(
    await handle.recall('apple', { namespace: ['n', 'm'] }),
    await handle.recall('apple', { include: ['expired'] }),
  );
  found.push(
    (await all(handle.list())).map(({ id }) => id),
    await handle.count(),
    await handle.namespaces(),
  );
  return found;
}

test('an old handle returns the same results as a new handle, whatever changed in between', async () => {
  const folder = await temporaryFolder();
  const world: World = { folder, ids: [], now: Date.UTC(2026, 0), places: 0 };
  const store = await openFolder(folder, { clock: { now: () => world.now } });
  const kept = actors.flatMap((who) => scopes.map((scope) => ({ who, scope, handle: store.as(who, scope) })));
  await fc.assert(
    fc.asyncProperty(fc.array(deed, { minLength: 1, maxLength: 6 }), async (deeds) => {
      for (const each of deeds) {
        // Such as writing where no rule allows it any more.
        await each(store, world).catch(() => undefined);
        for (const { who, scope, handle } of kept) {
          expect(await answers(handle)).toEqual(await answers(store.as(who, scope)));
        }
      }
      await store.admin.forgetWhere({ filter: { createdAt: { exists: true } } }, { dryRun: false });
    }),
    { numRuns: 6, endOnFailure: true },
  );
});
