import { deepEqual, equal } from 'node:assert/strict';

import { every, open, type Promised, refused, secret, texts } from './promise';

/** What changes promise: each takes what it says it takes. */
export const writingPromises: readonly Promised[] = [
  {
    name: 'an idempotency key is its actor’s own',
    async run({ ann, wes, store }) {
      await store.admin.access.allow({ userId: 'uma' }, 'writer', ['open']);
      const pair = store.as({ agentId: 'ann', onBehalfOf: { userId: 'uma' } });
      const ids = new Set<string>();
      for (const [n, handle] of [ann, wes, pair, store.admin].entries()) {
        const stored = await handle.remember(`note ${n}`, { ...open, idempotencyKey: 'i' });
        equal(stored.outcome, 'stored');
        ids.add(stored.id);
        equal((await handle.remember(`note ${n}`, { ...open, idempotencyKey: 'i' })).outcome, 'duplicate');
      }
      equal(ids.size, 4);
    },
  },
  {
    name: 'a drop box does not tell which keys are taken',
    async run({ ann, wes }) {
      await wes.remember('theirs', { namespace: ['box'], key: 'k' });
      await refused(
        'FORBIDDEN',
        () => ann.remember('mine', { namespace: ['box'], key: 'k' }),
        () => ann.remember('mine', { namespace: ['box'], key: 'free' }),
      );
      equal((await ann.remember('mine', { namespace: ['box'] })).outcome, 'stored');
    },
  },
  {
    name: 'a key of another’s is revised by who may update',
    async run({ ann, wes, store }) {
      const { id } = await wes.remember('theirs', { ...open, key: 'k', userId: 'u1' });
      await refused('FORBIDDEN', () => ann.remember('mine', { ...open, key: 'k' }));
      await store.admin.access.allow({ agentId: 'ann' }, ['update'], ['open']);
      const bound = ann.within({ userId: 'u2' });
      await refused('FORBIDDEN', () => bound.remember('mine', { ...open, key: 'k' }));
      deepEqual((await ann.remember('mine', { ...open, key: 'k' })).id, id);
    },
  },
  {
    name: 'what is hidden cannot be superseded, and looks like what is not there',
    async run({ ann, wes }) {
      const hidden = await wes.remember('theirs', secret);
      const shared = await wes.remember('shared', open);
      await refused('NOT_FOUND', () => ann.remember('mine', { ...open, supersedes: hidden.id }));
      await refused('FORBIDDEN', () => ann.remember('mine', { ...open, supersedes: shared.id }));
      equal((await wes.get(hidden.id))?.state, 'active');
    },
  },
  {
    name: 'what will be refused is not embedded',
    async run({ ann, wes, embedded }) {
      const theirs = await wes.remember('theirs', open);
      embedded.length = 0;
      await refused(
        'FORBIDDEN',
        () => ann.remember('unseen 1', { namespace: ['closed'] }),
        () => ann.remember('unseen 2', secret),
        () => ann.remember('unseen 3', { namespace: ['box'], key: 'k' }),
        () => ann.update(theirs.id, { text: 'unseen 4' }),
        () => ann.within({ namespace: ['open', 'eu'] }).remember('unseen 6', open),
      );
      await ann.rememberMany([{ text: 'unseen 5', namespace: ['closed'] }]);
      deepEqual(embedded, []);
    },
  },
  {
    name: 'only what may be forgotten is',
    async run({ ann, wes }) {
      const own = await ann.remember('note 1', open);
      await wes.remember('note 2', open);
      await wes.remember('note 3', secret);
      const asked = { filter: { kind: 'episodic' as const } };
      const dry = await ann.forgetWhere(asked, { dryRun: true });
      deepEqual([dry.matched, dry.ids], [2, [own.id]]);
      deepEqual((await ann.forgetWhere(asked, { dryRun: false })).ids, [own.id]);
      deepEqual(texts(await every(wes.list())), ['note 2', 'note 3']);
    },
  },
  {
    name: 'sharing takes what it says, at both ends',
    async run({ ann, wes, store }) {
      const amy = store.as({ agentId: 'amy' });
      const [own, theirs] = [await ann.remember('own', open), await wes.remember('theirs', open)];
      await refused(
        'FORBIDDEN',
        // No share here; no write there; no clearance; not the author.
        () => ann.share(own.id, { namespace: ['open', 'eu'] }),
        () => amy.share(theirs.id, { namespace: ['open', 'eu'] }),
        () => wes.share(own.id, { visibility: 'private' }),
      );
      await store.admin.access.allow({ agentId: 'ann' }, ['share'], ['open']);
      await refused(
        'FORBIDDEN',
        () => ann.share(own.id, { accessTags: ['secret'] }),
        () => ann.share(own.id, { namespace: ['closed'] }),
        () => ann.share(theirs.id, { visibility: 'private' }),
        () => ann.within(open).share(own.id, { namespace: ['box'] }),
      );
      const keyed = await ann.remember('keyed', { ...open, key: 'k' });
      await refused('FORBIDDEN', () => ann.share(keyed.id, { namespace: ['box'] }));
      equal((await ann.share(own.id, { visibility: 'private' })).visibility, 'private');
      equal(await wes.get(own.id), undefined);
      await refused('NOT_FOUND', () => wes.share(own.id, { visibility: 'shared' }));
    },
  },
  {
    name: 'a quota binds each kind of write and of watch, and only its principal',
    async run({ wes, store, embedded }) {
      await store.admin.access.allow({ agentId: 'kim' }, 'curator', ['open']);
      const kim = store.as({ agentId: 'kim' });
      const used = async () => Object.values((await kim.stats()).quotas ?? {}).map((each) => each.used);
      const note = { text: 'note', ...open };
      await refused('QUOTA_EXCEEDED', () => kim.rememberMany([note, note, note], { atomic: true }));
      deepEqual(await used(), [0, 0, 0, 0, 0]);
      const { id } = await kim.remember('one', { ...open, key: 'k', tags: ['x'] });
      const both = await Promise.allSettled([kim.remember('two', open), kim.remember('three', open)]);
      equal(both.filter(({ status }) => status === 'fulfilled').length, 1);
      embedded.length = 0;
      await refused('QUOTA_EXCEEDED', () => kim.remember('not embedded', open));
      deepEqual(embedded, []);
      const long = 'a text of many more letters than kim may still write here';
      await refused(
        'QUOTA_EXCEEDED',
        () => kim.remember('four', open),
        () => kim.remember('four', { ...open, supersedes: id }),
        () => kim.remember(long, { ...open, key: 'k' }),
        () => kim.update(id, { text: long }),
        () => kim.update(id, { tags: ['x', 'y', 'z'] }),
        () => kim.share(id, { namespace: ['open', 'eu'] }),
      );
      const counts = await used();
      equal(counts[0], 2);
      await wes.update(id, { tags: ['x', 'y', 'z'] });
      await store.admin.update(id, { tags: ['w', 'x', 'y', 'z'] });
      const { id: other } = await wes.remember('by wes', open);
      await kim.update(other, { tags: ['t', 'u', 'v'] });
      await kim.forget(id);
      await kim.remember('four', open);
      const watch = kim.watch({ since: 'start' })[Symbol.asyncIterator]();
      await watch.next();
      await refused('QUOTA_EXCEEDED', () => kim.watch({ since: 'start' })[Symbol.asyncIterator]().next());
      await watch.return?.();
      for (const other of [wes, store.admin]) equal((await other.stats()).quotas, undefined);
    },
  },
];
