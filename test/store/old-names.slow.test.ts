import fc from 'fast-check';
import { clear } from 'multi-agent-memory';
import { expect, test, vi } from 'vitest';
import { oldFolder } from './old-release';
import { all, openFolder, openToAll } from './stores';

const release = vi.hoisted(() => ({ isOld: false }));

vi.mock('../../src/domain/names', async (load) =>
  (await import('./unchanged-names')).unchangedNames(await load<typeof import('../../src/domain/names')>(), release),
);

const [nfc, nfd] = ['caf\u00e9', 'cafe\u0301'];
const off = { embed: false } as const;
const form = fc.constantFrom('a', nfc, nfd, '\u1ed9', 'o\u0323\u0302', 'o\u0302\u0323', '\u212b', '\u00c5');
const deed = fc.record({
  agent: form,
  namespace: fc.array(form, { minLength: 1, maxLength: 3 }),
  key: fc.option(form, { nil: undefined }),
  tags: fc.array(form, { maxLength: 2 }),
  accessTags: fc.array(form, { maxLength: 1 }),
  userId: fc.option(form, { nil: undefined }),
  visibility: fc.constantFrom('shared' as const, 'private' as const),
  isForgotten: fc.boolean(),
});

test('no memory of an old store is lost, whatever its names', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(deed, { minLength: 2, maxLength: 12 }), async (deeds) => {
      const stored = new Map<string, number>();
      const access = [...openToAll, ...[nfc, nfd, 'a'].map((tag) => clear('everyone', tag, []))];
      const tags = ['\u1ed9', 'o\u0323\u0302', 'o\u0302\u0323', '\u212b', '\u00c5'];
      access.push(...tags.map((tag) => clear('everyone', tag, [])));
      const folder = await oldFolder(
        release,
        async (store) => {
          for (const { agent, isForgotten, key, userId, ...fields } of deeds) {
            const handle = store.as({ agentId: agent });
            const named = { ...(key === undefined ? {} : { key }), ...(userId === undefined ? {} : { userId }) };
            const { id, revision } = await handle.remember('text', { ...fields, ...named, ...off });
            stored.set(id, revision);
            if (isForgotten && (await handle.forget(id))) stored.delete(id);
          }
        },
        { access },
      );
      const store = await openFolder(folder, { access });
      const memories = await all(store.admin.list());
      expect(new Set(memories.map(({ id }) => id))).toEqual(new Set(stored.keys()));
      for (const { id, revision, key, namespace, agentId = '' } of memories) {
        expect(revision).toBe(stored.get(id));
        expect(await store.admin.history(id)).toHaveLength(revision);
        const names = [key ?? '', agentId, ...namespace];
        expect(names.map((name) => name.normalize('NFC'))).toEqual(names);
        const others = memories.filter((other) => other.key === key && String(other.namespace) === String(namespace));
        const found = key === undefined ? id : (await store.as({ agentId }).get({ namespace, key }))?.id;
        expect(others.length > 1 || found === id || key === undefined).toBe(true);
      }
      expect((await store.verify()).problems).toEqual([]);
      expect((await store.audit.verify()).ok).toBe(true);
      await store.close();
    }),
    { numRuns: 60 },
  );
});
