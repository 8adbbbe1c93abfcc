import { deepEqual, equal } from 'node:assert/strict';
import { every, open, type Promised, refused, texts } from './promise';

const dayMs = 24 * 60 * 60 * 1000;
const namespace = ['open'];

/** What retentions promise: what one has reached is found by no read, and is forgotten unless somebody has an older right to keep it. */
export const retentionPromises: readonly Promised[] = [
  {
    name: 'what a retention has reached is found by no read until the retention ends',
    async run({ store, wes, advance }) {
      const { access } = store.admin;
      const old = await wes.remember('old note', open);
      await wes.remember('pinned note', { ...open, pinned: true });
      advance(6 * dayMs);
      await wes.update(old.id, { priority: 1 });
      advance(4 * dayMs);
      await wes.remember('new note', open);
      const seen = async () => {
        const listed = texts(await every(wes.list()));
        deepEqual(texts(await every(wes.list({ include: ['expired', 'superseded'] }))), listed);
        deepEqual(texts(await every(wes.list({ filter: { priority: { gte: 0 } } }))), listed);
        deepEqual(texts(await wes.recall('note', { mode: 'keyword' })), listed);
        equal(await wes.count(), listed.length);
        equal(await wes.count({ filter: { priority: { gte: 0 } } }), listed.length);
        equal((await wes.get(old.id)) !== undefined, listed.includes('old note'));
        equal((await wes.history(old.id)).length > 0, listed.includes('old note'));
        return listed;
      };
      const all = ['new note', 'old note', 'pinned note'];
      deepEqual(await seen(), all);
      const { id } = await access.retain({ at: namespace, maxAgeDays: 10, then: 'forget' });
      deepEqual(await seen(), ['new note', 'pinned note']);
      await refused('NOT_FOUND', () => wes.update(old.id, { pinned: true }));
      await access.end(id);
      deepEqual(await seen(), all);
    },
  },
  {
    name: 'the sweep forgets what a retention has reached and nothing else, and a hold keeps its bytes',
    async run({ store, wes, advance }) {
      for (const text of ['held', 'old']) await wes.remember(text, { ...open, userId: text });
      await wes.remember('pinned', { ...open, pinned: true });
      await store.hold({ matter: 'm', selection: { userId: 'held' } });
      const retention = await store.admin.access.retain({ at: namespace, maxAgeDays: 10, then: 'forget' });
      advance(10 * dayMs);
      await wes.remember('new', open);
      const swept = { id: retention.id, at: namespace, due: 2 };
      deepEqual((await store.lifecycle.run({ dryRun: true })).retention, [{ ...swept, forgotten: 0 }]);
      deepEqual((await store.lifecycle.run({ dryRun: false })).retention, [{ ...swept, forgotten: 2 }]);
      equal((await store.stats()).memories, 2);
      deepEqual(
        (await store.withheld()).map(({ revisions }) => revisions[0]?.text),
        ['held'],
      );
      await store.admin.access.end(retention.id);
      deepEqual(texts(await every(wes.list({ include: ['expired'] }))), ['new', 'pinned']);
    },
  },
  {
    name: 'a retention of a number forgets the oldest that are not pinned, and never more than are too many',
    async run({ store, wes, advance }) {
      await wes.remember('pinned', { ...open, pinned: true });
      const ids: string[] = [];
      for (let i = 0; i < 20; i++) {
        ids.push((await wes.remember(`note ${i}`, open)).id);
        advance(1);
      }
      const { id } = await store.admin.access.retain({ at: namespace, maxMemories: 19, then: 'forget' });
      equal((await store.lifecycle.run({ dryRun: false })).retention[0]?.due, 1);
      equal((await store.stats()).memories, 20);
      await store.admin.access.end(id);
      await store.admin.access.retain({ at: namespace, maxMemories: 4, then: 'forget' });
      const forgotten: Promise<boolean>[] = [];
      // After the first eight are gone, others are forgotten, so that no more are too many.
      const onProgress = () => {
        if (forgotten.length === 0) forgotten.push(...ids.slice(13).map((each) => store.admin.forget(each)));
      };
      await store.lifecycle.run({ dryRun: false, onProgress });
      await Promise.all(forgotten);
      deepEqual(texts(await every(wes.list({}))), ['note 9', 'note 10', 'note 11', 'note 12', 'pinned'].sort());
    },
  },
];
