import fc from 'fast-check';
import type { MemoryHandle } from 'multi-agent-memory';
import { expect, test } from 'vitest';
import { all, openFolder, temporaryFolder } from '../store/stores';

const quotas = { memories: 6, tags: 2, namespaces: 2, bytes: 1_000 };

async function usedBy(handle: MemoryHandle): Promise<unknown> {
  return (await handle.stats()).quotas;
}

const anyWrite = fc.record({
  by: fc.constantFrom('a', 'b', 'root'),
  kind: fc.constantFrom('remember', 'remember', 'batch', 'update', 'share', 'forget', 'supersede', 'key'),
  text: fc.constantFrom('x', 'a longer text', '\ud800 half', '😀'),
  tags: fc.subarray(['x', 'y', 'z']),
  place: fc.constantFrom('p', 'q', 'r'),
  pick: fc.nat(5),
});

test('counts the same after any writes as from the tables when the folder is opened again', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyWrite, { minLength: 5, maxLength: 25 }), async (writes) => {
      const folder = await temporaryFolder();
      const open = () => openFolder(folder, { quotas });
      const store = await open();
      const handleOf = (by: string) => (by === 'root' ? store.admin : store.as({ agentId: by }));
      for (const { by, kind, text, tags, place, pick } of writes) {
        const handle = handleOf(by);
        const id = (await all(store.admin.list())).map((memory) => memory.id)[pick];
        const options = { namespace: [place], tags, embed: false } as const;
        const run = {
          remember: () => handle.remember(text, options),
          batch: () =>
            handle.rememberMany(
              [
                { text, ...options },
                { text, namespace: ['s'] },
              ],
              { atomic: true },
            ),
          key: () => handle.remember(text, { ...options, key: 'k' }),
          supersede: () => handle.remember(text, { ...options, ...(id === undefined ? {} : { supersedes: id }) }),
          update: () => handle.update(id ?? 'none', { text, tags }),
          share: () => handle.share(id ?? 'none', { namespace: [place] }),
          forget: () => handle.forget(id ?? 'none'),
        }[kind];
        await run?.().catch(() => undefined);
      }
      const counted = await Promise.all(['a', 'b'].map((by) => usedBy(handleOf(by))));
      const written = await all(store.admin.list({ include: ['superseded', 'expired'] }));
      const own = written.filter(({ agentId }) => agentId === 'a');
      expect(counted[0]).toMatchObject({
        memories: { used: own.length },
        tags: { used: new Set(own.flatMap(({ tags }) => tags)).size },
        namespaces: { used: new Set(own.map((memory) => JSON.stringify(memory.namespace))).size },
      });
      await store.close();
      const again = await open();
      expect(await Promise.all(['a', 'b'].map((agentId) => usedBy(again.as({ agentId }))))).toEqual(counted);
      await again.close();
    }),
    { numRuns: 40 },
  );
});
