import { deepEqual, equal } from 'node:assert/strict';
import type { NewMemory, Principal } from 'multi-agent-memory';

import { every, open, type Promised, refused, secret, texts } from './promise';

/** What trust promises: what is not trusted enough reaches no read, whatever it went through. */
export const trustPromises: readonly Promised[] = [
  {
    name: 'the lowest ceiling of everything that a memory depends on counts, from the next read on',
    async run({ store, ann, wes }) {
      const { access } = store.admin;
      await access.allow({ agentId: 'ann' }, ['update'], ['open']);
      const first = await ann.remember('by ann', open);
      const made = await store.admin.remember('made of it', { ...open, derivedFrom: [first.id] });
      const changed = await store.admin.remember('changed by ann', open);
      await ann.update(changed.id, { priority: 1 });
      await store.admin.remember('by the host', open);
      const seen = async () => {
        const listed = texts(await every(wes.list()));
        const filtered = wes.list({ filter: { priority: { gte: 0 } } });
        deepEqual(texts(await every(filtered)), listed);
        deepEqual(texts(await wes.recall('by ann made of it changed host', { mode: 'keyword' })), listed);
        equal(await wes.count(), listed.length);
        equal((await wes.get(first.id)) !== undefined, listed.includes('by ann'));
        equal((await wes.get(made.id)) !== undefined, listed.includes('made of it'));
        equal((await wes.get(changed.id)) !== undefined, listed.includes('changed by ann'));
        return listed;
      };
      const all = ['by ann', 'by the host', 'changed by ann', 'made of it'];
      deepEqual(await seen(), all);
      const reported = await access.ceiling({ agentId: 'ann' }, 'reported', []);
      deepEqual(await seen(), all);
      deepEqual(texts(await every(wes.list({ minTrust: 'standard' }))), ['by the host']);
      equal((await wes.get(first.id))?.trust, 'reported');
      const untrusted = await access.ceiling({ agentId: 'ann' }, 'untrusted', ['open']);
      deepEqual(await seen(), ['by the host']);
      for (const { id } of [untrusted, reported]) await access.end(id);
      deepEqual(await seen(), all);
    },
  },
  {
    name: 'an endorsement counts as much as its principal, for the content that it has read, and needs the right',
    async run({ store, ann, wes }) {
      const { access } = store.admin;
      await access.ceiling({ agentId: 'wes' }, 'reported', []);
      const { id } = await wes.remember('by wes', open);
      const trust = async () => {
        const listed = await every(ann.list({ minTrust: 'standard' }));
        const found = await ann.get(id);
        equal(listed.length, found?.trust === 'standard' ? 1 : 0);
        return found?.trust;
      };
      await refused('FORBIDDEN', () => ann.endorse(id, { as: 'standard' }));
      await access.allow('everyone', ['endorse', 'update'], ['open']);
      await refused(
        'FORBIDDEN',
        () => wes.endorse(id, { as: 'standard' }),
        () => ann.endorse(id, { as: 'verified' }),
      );
      equal((await ann.endorse(id, { as: 'standard' })).trust, 'standard');
      equal(await trust(), 'standard');
      const lowered = await access.ceiling({ agentId: 'ann' }, 'reported', ['open']);
      equal(await trust(), 'reported');
      await access.end(lowered.id);
      equal(await trust(), 'standard');
      await wes.update(id, { text: 'by wes again' });
      equal(await trust(), 'reported');
    },
  },
  {
    name: 'nobody changes or replaces what is more trusted than itself',
    async run({ store, ann, wes }) {
      const { id } = await ann.remember('by ann', open);
      await store.admin.access.ceiling({ agentId: 'wes' }, 'reported', []);
      await refused(
        'FORBIDDEN',
        () => wes.update(id, { priority: 1 }),
        () => wes.forget(id),
      );
      equal((await wes.remember('by wes', { ...open, supersedes: id })).outcome, 'disputed');
      equal((await ann.get(id))?.state, 'active');
    },
  },
  {
    name: 'one source has two of the reported hits, whatever names it makes up, and what is trusted has no such limit',
    async run({ store, ann, wes }) {
      const { access } = store.admin;
      await access.allow('everyone', ['write'], ['open']);
      await access.allow({ userId: 'uma' }, ['write'], ['open']);
      const bring = async (principal: Principal, text: string) => {
        await store.as(principal).remember(text, { ...open, source: { channel: 'tool' } });
      };
      for (const agentId of ['eve', 'eva', 'evi']) await bring({ agentId }, 'the well, says a stranger');
      for (let i = 0; i < 3; i++) await bring({ agentId: 'ann' }, 'the well, says ann');
      for (let i = 0; i < 2; i++) await bring({ agentId: 'ann', onBehalfOf: { userId: 'uma' } }, 'the well, says uma');
      for (let i = 0; i < 3; i++) await ann.remember('the well, notes ann', open);
      const found = texts(await wes.recall('the well', { mode: 'keyword', topK: 20, distinct: false }));
      const expected = ['the well, notes ann', 'the well, notes ann', 'the well, notes ann'];
      for (const who of ['a stranger', 'ann', 'uma']) expected.push(`the well, says ${who}`, `the well, says ${who}`);
      deepEqual(found, expected.sort());
    },
  },
  {
    name: 'of equal texts the most trusted is found once, for each user, and only what the reader sees counts',
    async run({ ann, wes, store }) {
      const say = (more: Partial<NewMemory> = {}) => wes.remember('the well is deep', { ...open, ...more });
      const tool = { source: { channel: 'tool' as const } };
      const [older, newer] = [{ validFrom: Date.UTC(2025, 1) }, { validFrom: Date.UTC(2025, 2) }];
      // The copies with the higher priority have the higher score.
      const first = await say({ ...older, priority: 1 });
      await say({ ...tool, ...newer, priority: 0 });
      const second = await say({ ...older, userId: 'uma', priority: 0 });
      await say({ ...tool, ...newer, userId: 'uma', priority: 1 });
      await say({ ...secret, ...newer });
      const hits = await ann.recall('the well', { mode: 'keyword', explain: true });
      deepEqual(hits.map(({ id }) => id).sort(), [first.id, second.id].sort());
      for (const { standsFor } of hits) deepEqual([standsFor?.others, standsFor?.ids?.length], [1, 1]);
      equal((await store.admin.recall('the well', { mode: 'keyword', distinct: false })).length, 5);
    },
  },
  {
    name: 'a memory is corroborated by two known others that the reader sees, that say it themselves and are trusted',
    async run({ store, ann, wes }) {
      const { access } = store.admin;
      await access.allow('everyone', ['write'], ['open']);
      const say = (agentId: string, more: Partial<NewMemory> = {}) =>
        store.as({ agentId }).remember('the well is 40 metres deep', { ...open, ...more });
      const corroborated = async () => {
        const [first] = await ann.recall('the well', { agentId: 'ann', mode: 'keyword', explain: true });
        const hits = await ann.recall('the well', {
          mode: 'keyword',
          topK: 50,
          maxPerSource: 50,
          distinct: false,
          explain: true,
        });
        equal(first?.corroboratedBy, undefined);
        return hits.find(({ agentId }) => agentId === 'ann')?.corroboratedBy;
      };
      await say('ann');
      for (const agentId of ['abe', 'amy', 'aud']) await access.allow({ agentId }, ['read', 'write'], ['open']);
      for (const agentId of ['abe', 'amy', 'aud']) {
        await access.clear({ agentId }, 'secret', []);
        await say(agentId, { source: { channel: 'tool' } });
        await say(agentId, { accessTags: ['secret'] });
      }
      const { id } = await wes.remember('the well is 40 metres deep', open);
      for (const agentId of ['abe', 'amy']) await say(agentId, { derivedFrom: [id] });
      equal(await corroborated(), undefined);
      for (const agentId of ['eve', 'eva', 'evi']) await say(agentId);
      equal(await corroborated(), 2);
    },
  },
  {
    name: 'a fact is read by exactly those who read its sources, and is as trusted as they are',
    async run({ ann, wes }) {
      const say = async (text: string, more: Partial<NewMemory> = {}) => {
        for (let i = 0; i < 2; i++)
          await wes.remember(`Note ${i}: ${text} of this house was painted.`, { ...open, ...more });
      };
      await say('the door');
      await say('the safe', { accessTags: ['secret'] });
      await say('the roof', { source: { channel: 'tool' } });
      await say('the attic', { userId: 'uma' });
      await say('the cellar', { visibility: 'private' });
      const { facts } = await wes.consolidate({}, { dryRun: false, minSources: 2, ratio: 1 });
      equal(facts > 0, true);
      const summaries = { filter: { kind: 'summary' } } as const;
      const seen = (await every(ann.list(summaries))).map(({ text, trust, userId }) => {
        equal(/safe|cellar/.test(text), false);
        equal(trust, /roof/.test(text) ? 'reported' : 'standard');
        equal(userId, /attic/.test(text) ? 'uma' : undefined);
        equal([/door/, /roof/, /attic/].filter((each) => each.test(text)).length, 1);
        return text;
      });
      equal(seen.length > 0, true);
      const closed = (await every(wes.list(summaries))).find(({ text }) => /safe/.test(text));
      deepEqual(closed?.accessTags, ['secret']);
      const made = await wes.remember('made of it', { ...open, derivedFrom: [closed?.id ?? ''] });
      deepEqual(texts(await ann.sources(made.id)), []);
      deepEqual((await wes.sources(made.id)).length, 1);
    },
  },
];
