import { deepEqual, equal, ok } from 'node:assert/strict';

import type { Promised } from './promise';

const off = { embed: false } as const;
const kim = { userId: 'kim' };

/** What is promised to those who have something erased. */
export const erasurePromises: readonly Promised[] = [
  {
    name: 'an erasure leaves only the ids, and nothing that names the user',
    async run({ wes, store }) {
      const { admin } = store;
      const namespace = ['open'];
      await admin.access.allow(kim, 'curator', namespace);
      await admin.access.group('patients', [kim, { userId: 'lee' }]);
      await store.releaseHold(await store.hold({ matter: 'Kim', selection: kim }));
      const call = {
        namespace,
        ...kim,
        ...off,
        idempotencyKey: 'once',
        tags: ['allergic'],
        sessionId: 's',
        pinned: true,
      };
      const about = await wes.remember('about kim', call);
      const tombstone = await wes.remember('more about kim', { namespace, ...kim, ...off });
      await wes.forget(tombstone.id);
      const keyed = await wes.remember('was about kim', { namespace, ...kim, ...off, key: 'k' });
      await wes.remember('is about lee', { namespace, userId: 'lee', ...off, key: 'k' });
      const written = await store.as(kim).remember('by kim', { namespace, ...off });
      const other = await wes.remember('of another', { namespace, ...off });
      await store.as(kim).update(other.id, { priority: 1 });
      await store.erase(kim);
      for (const { id } of [about, keyed, written]) equal(await admin.get(id), undefined);
      // An audit names nobody any more, so the host asks for everything about a user.
      const { about: left, by, related } = await store.erase(kim, { dryRun: true });
      deepEqual([left, by, related], [[], [], []]);
      equal(JSON.stringify(await admin.access.list({ ended: true })).includes('"kim"'), false);
      const entries = await store.audit.query({ id: written.id });
      ok(entries.items.length > 0 && !JSON.stringify(entries.items).includes('"kim"'));
      equal((await wes.remember('about kim', call)).outcome, 'stored');
      equal((await store.verify()).ok, true);
      equal((await store.audit.verify()).ok, true);
    },
  },
  {
    name: 'an erasure takes the facts with it, waits for holds, and trusts nothing more than before',
    async run({ wes, store }) {
      const { admin } = store;
      const namespace = ['open'];
      const ids: string[] = [];
      for (let i = 0; i < 8; i++)
        ids.push((await wes.remember(`note ${i} of lee`, { namespace, userId: 'lee', ...off })).id);
      const facts = [0, 2, 4, 6].map((i) => ({ text: `note ${i}`, from: [i + 1, i + 2] }));
      const summarizer = { name: 'pairs', maxInputTokens: 10_000, summarize: async () => ({ facts }) };
      equal((await wes.consolidate({ namespace }, { dryRun: false, summarizer })).facts, 4);
      await store.erase({ ids: ids.slice(0, 1) });
      const shown = (await wes.list({ namespace })).items.map(({ text }) => text);
      deepEqual(shown.sort(), ['note 1 of lee', 'note 2', 'note 4', 'note 6']);
      await admin.access.allow(kim, 'curator', namespace);
      const kept = await store.as(kim).remember('about lee', { namespace, userId: 'lee', ...off });
      const made = await wes.remember('made from it', { namespace, derivedFrom: [kept.id], ...off });
      // Later than both, so that only the author limits the trust of what was made from it.
      await admin.access.ceiling(kim, 'reported', []);
      const hold = await store.hold({ matter: 'm', selection: { sessionId: 'held' } });
      const held = await wes.remember('held', { namespace, sessionId: 'held', ...kim, ...off });
      const second = await store.hold({ matter: 'n', selection: { namespace, userId: 'kim' } });
      await store.erase(kim, { keepAuthored: true });
      deepEqual([(await admin.get(kept.id))?.trust, (await admin.get(made.id))?.trust], ['reported', 'reported']);
      await store.releaseHold(hold);
      equal((await store.withheld())[0]?.id, held.id);
      await store.releaseHold(second);
      equal((await store.withheld()).length, 0);
      await store.erase({ ids: [kept.id] });
      equal((await admin.get(made.id))?.trust, 'reported');
    },
  },
];
