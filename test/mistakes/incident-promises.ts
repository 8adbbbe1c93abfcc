import { deepEqual, equal } from 'node:assert/strict';
import { every, open, type Promised, texts } from './promise';

const crawler = { agentId: 'crawler' };

/** What `store.trust` promises: nothing contained is read by others, and a release and a revert bring back what was there. */
export const incidentPromises: readonly Promised[] = [
  {
    name: 'what depends on contained memories is contained, whoever wrote it',
    async run({ store, wes }) {
      const bad = await store.admin.access.allow(crawler, 'curator', ['open']).then(() => store.as(crawler));
      const theirs = await wes.remember('note of wes', open);
      const lie = await bad.remember('lie', { ...open, key: 'k' });
      await wes.remember('repeated', { ...open, derivedFrom: [lie.id] });
      const old = await bad.remember('old lie', open);
      await wes.remember('new lie', { ...open, supersedes: old.id });
      await bad.update(theirs.id, { text: 'note of wes, changed' });
      await store.trust.contain({ by: crawler });
      await bad.remember('lie again', { ...open, key: 'k' });
      deepEqual(texts(await every(wes.list({ include: ['superseded'] }))), []);
    },
  },
  {
    name: 'a user is contained with what agents wrote on its behalf',
    async run({ store, wes }) {
      await store.admin.access.allow({ userId: 'uma' }, 'writer', ['open']);
      await store.as({ agentId: 'wes', onBehalfOf: { userId: 'uma' } }).remember('for uma', open);
      await store.trust.contain({ by: { userId: 'uma' } });
      deepEqual(texts(await every(wes.list())), []);
    },
  },
  {
    name: 'a release restores the state, and a revert leaves what others wrote since',
    async run({ store, wes }) {
      const bad = await store.admin.access.allow(crawler, 'curator', ['open']).then(() => store.as(crawler));
      const theirs = await wes.remember('one', open);
      await bad.update(theirs.id, { text: 'two' });
      await wes.update(theirs.id, { text: 'three' });
      const old = await bad.remember('old', open);
      await bad.remember('new', { ...open, supersedes: old.id });
      const { id } = await store.trust.contain({ by: crawler });
      await store.trust.revert(id);
      equal((await store.admin.get(theirs.id))?.text, 'three');
      await store.trust.release(id);
      deepEqual(texts(await every(wes.list())), ['new', 'three']);
      equal((await wes.get(old.id))?.state, 'superseded');
    },
  },
];
