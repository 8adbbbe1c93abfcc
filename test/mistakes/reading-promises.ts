import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import type { ExportLine, MemoryChange, MemoryHandle } from 'multi-agent-memory';
import { heardSince, Listener } from '../worlds/told';

import { every, open, type Promised, refused, secret, texts } from './promise';

/** What reading promises: who may not see a thing learns nothing of it. */
export const readingPromises: readonly Promised[] = [
  {
    // The search reads the vectors of so many memories in several turns of the event loop. The rule ends in one of them.
    name: 'a recall during which a rule ends finds as much as its caller may still read',
    async run({ store }) {
      const reader = { agentId: 'reader' };
      await store.admin.access.allow(reader, ['read'], ['many']);
      const few = await store.admin.access.allow(reader, ['read'], ['few']);
      const many = Array.from({ length: 1_500 }, (_, i) => ({ text: `apple ${i}`, namespace: ['many'] }));
      await store.admin.rememberMany([
        ...many,
        ...many.slice(0, 20).map(() => ({ text: 'apple', namespace: ['few'] })),
      ]);
      const found = store.as(reader).recall('apple', { mode: 'semantic', topK: 10 });
      await setImmediate();
      await store.admin.access.end(few.id);
      equal((await found).length, 10);
    },
  },
  {
    name: 'duplicates and conflicts are among what their caller may read, with the same labels',
    async run({ ann, wes }) {
      const tea = ['The plan is basic.', 'The plan is premium.', 'The plan is basic.'];
      for (const text of tea) {
        await wes.remember(text, secret);
        await wes.remember(text, { ...open, visibility: 'private' });
      }
      await wes.remember('The plan is basic.', open);
      await wes.remember('The plan is premium.', { namespace: ['open', 'eu'] });
      await wes.remember('The plan is basic.', { namespace: ['open', 'eu', 'north'] });
      deepEqual(await ann.duplicates(), { groups: [] });
      deepEqual(await ann.conflicts(), { conflicts: [] });
      await wes.remember('The plan is basic.', open);
      equal((await ann.duplicates()).groups[0]?.memories.length, 2);
      for (const sessionId of ['first', 'second', 'second']) await wes.remember('Tea is good.', { ...open, sessionId });
      equal((await ann.within({ sessionId: 'second' }).duplicates()).groups.length, 1);
    },
  },
  {
    name: 'duplicates are left out if their caller may not read them any more when the call ends',
    async run({ store }) {
      const reader = { agentId: 'reader' };
      const rule = await store.admin.access.allow(reader, ['read'], ['many']);
      const items = Array.from({ length: 800 }, (_, i) => ({ text: `apple ${Math.min(i, 700)}`, namespace: ['many'] }));
      await store.admin.rememberMany(items.reverse());
      let ended: Promise<unknown> | undefined;
      const onProgress = () => {
        ended ??= store.admin.access.end(rule.id);
      };
      const { groups } = await store.as(reader).duplicates({ onProgress });
      await ended;
      deepEqual(groups, []);
    },
  },
  {
    name: 'the context of a turn is that of the turns of its session that its reader may see',
    async run({ ann, wes }) {
      const [alone, beside] = [
        { ...open, sessionId: 'alone' },
        { ...open, sessionId: 'beside' },
      ];
      const turns = async (hidden: boolean, session: typeof alone) => {
        await wes.remember('apple pie', session);
        if (hidden) await wes.remember('apple', { ...session, ...secret });
        if (hidden) await wes.remember('apple apple', { ...session, userId: 'other' });
        await wes.remember('cold wind', session);
      };
      await turns(false, alone);
      await turns(true, beside);
      const hits = await ann.recall('apple pie', { explain: true, topK: 50, distinct: false });
      const contexts = (of: string) =>
        hits.filter(({ text, sessionId }) => text === of && sessionId !== undefined).map(({ parts }) => parts?.context);
      for (const of of ['apple pie', 'cold wind']) {
        const [first, second, ...others] = contexts(of);
        ok(first !== undefined && others.length === 0);
        equal(first, second);
      }
    },
  },
  {
    name: 'a cursor serves one actor and one question',
    async run({ ann, wes, store }) {
      for (const n of [1, 2, 3]) await wes.remember(`note ${n}`, open);
      const { nextCursor: cursor = '' } = await ann.list({ limit: 1 });
      equal((await ann.list({ limit: 1, cursor })).items.length, 1);
      const pair = store.as({ agentId: 'ann', onBehalfOf: { userId: 'uma' } });
      await refused(
        'INVALID_CURSOR',
        () => wes.list({ cursor }),
        () => pair.list({ cursor }),
        () => ann.list({ cursor, order: 'oldest' }),
        () => ann.list({ cursor, userId: 'u' }),
        () => ann.within(open).list({ cursor }),
      );
      const since = (await heardSince(ann, 'start'))[1]?.cursor ?? '';
      deepEqual(texts((await heardSince(ann, since)).flatMap(({ memory }) => memory ?? [])), ['note 3']);
      await rejects(() => heardSince(wes, since), { code: 'INVALID_CURSOR' });
    },
  },
  {
    name: 'links to what is hidden are not shown',
    async run({ ann, wes, store }) {
      const before = await wes.remember('note before', secret);
      const { id } = await wes.remember('note now', { ...open, supersedes: before.id });
      const after = await wes.remember('note after', { ...secret, supersedes: id });
      const include = ['superseded' as const];
      await store.admin.access.allow({ agentId: 'ann' }, ['update', 'share'], ['open']);
      const shown = [
        await ann.get(id),
        ...(await ann.list({ include })).items,
        ...(await ann.recall('note', { include })),
        ...(await ann.history(id)).map(({ memory }) => memory),
        ...(await heardSince(ann, 'start')).map(({ memory }) => memory),
        await ann.update(id, { priority: 1 }),
        await ann.share(id, { visibility: 'shared' }),
      ];
      for (const memory of shown) {
        ok(memory !== undefined);
        equal(JSON.stringify([memory.supersedes, memory.supersededBy]), '[null,null]');
      }
      equal((await wes.get(id))?.supersededBy, after.id);
      equal((await wes.get(id))?.supersedes, before.id);
    },
  },
  {
    name: 'a short id means only what may be read',
    async run({ ann, wes }) {
      const { id } = await wes.remember('note hidden', secret);
      const { id: other } = await wes.remember('note shown', open);
      const shortId = id.slice(0, -1);
      ok(other.startsWith(shortId));
      equal((await ann.get(shortId))?.id, other);
      await refused('AMBIGUOUS_ID', () => wes.get(shortId));
    },
  },
  {
    name: 'a rule binds at once, and so does its end',
    async run({ ann, wes, store }) {
      await wes.remember('note 1', open);
      const seen = async () => [
        texts(await ann.recall('note')),
        texts((await ann.list()).items),
        await ann.count(),
        (await ann.stats()).memories,
      ];
      deepEqual(await seen(), [['note 1'], ['note 1'], 1, 1]);
      const rule = await store.admin.access.deny({ agentId: 'ann' }, ['read'], ['open']);
      deepEqual(await seen(), [[], [], 0, 0]);
      ok(await store.admin.access.end(rule.id));
      deepEqual(await seen(), [['note 1'], ['note 1'], 1, 1]);
      await wes.remember('note 2', { namespace: ['open', 'new'] });
      deepEqual(await seen(), [['note 1', 'note 2'], ['note 1', 'note 2'], 2, 2]);
      await ann.remember('note 3', { ...open, visibility: 'private' });
      deepEqual((await seen())[2], 3);
      await store.admin.access.group('team', [{ agentId: 'ann' }]);
      const denied = await store.admin.access.deny({ group: 'team' }, ['read'], ['open']);
      deepEqual((await seen())[2], 0);
      await store.admin.access.group('team', [{ userId: 'ann' }]);
      deepEqual((await seen())[2], 3);
      ok(await store.admin.access.end(denied.id));
    },
  },
  {
    name: 'an event is shown if its labels then and now are readable',
    async run({ ann, wes }) {
      const { id } = await wes.remember('note 1', secret);
      await wes.update(id, { text: 'note 2' });
      await wes.share(id, { accessTags: [] });
      await wes.update(id, { text: 'note 3' });
      const told = async () => [
        (await ann.history(id)).map(({ revision }) => revision),
        (await heardSince(ann, 'start')).map(({ memory }) => memory?.text),
      ];
      deepEqual(await told(), [
        [3, 4],
        ['note 2', 'note 3'],
      ]);
      await wes.share(id, { accessTags: ['secret'] });
      deepEqual(await told(), [[], []]);
    },
  },
  {
    name: 'a watch checks when it delivers',
    async run({ ann, wes, store }) {
      const watch = ann.watch({ since: 'start' })[Symbol.asyncIterator]();
      // What never comes would be waited for for ever.
      const next = async () => {
        const change = await Promise.race([watch.next(), setImmediate(undefined)]);
        return (change?.value as MemoryChange | undefined)?.memory?.text;
      };
      await wes.remember('note 1', open);
      const { id } = await wes.remember('note 2', open);
      await wes.remember('note 3', open);
      equal(await next(), 'note 1');
      await wes.share(id, { namespace: ['closed'] });
      equal(await next(), 'note 3');
      await wes.remember('note 4', open);
      await wes.remember('note 5', { namespace: ['open', 'eu'] });
      await store.admin.access.deny({ agentId: 'ann' }, ['read'], ['open', 'eu']);
      equal(await next(), 'note 4');
      await wes.remember('note 6', open);
      equal(await next(), 'note 6');
      await watch.return?.();
    },
  },
  {
    name: 'a watch that waits learns nothing of what is hidden',
    async run({ ann, wes }) {
      const listener = new Listener(ann, 'now');
      await listener.heard();
      await wes.remember('note 1', secret);
      deepEqual(await listener.heard(), []);
      const { id } = await wes.remember('note 2', open);
      deepEqual(
        (await listener.heard()).map((change) => change.id),
        [id],
      );
      await listener.close();
    },
  },
  {
    name: 'a scope binds every path',
    async run({ wes }) {
      const { id } = await wes.remember('note 1', { ...open, userId: 'u1', key: 'k' });
      const bound = wes.within({ namespace: ['open'], userId: 'u2' });
      equal(await bound.get(id), undefined);
      equal(await bound.get({ ...open, key: 'k' }), undefined);
      deepEqual(await bound.history(id), []);
      equal(await bound.forget(id), false);
      await refused(
        'NOT_FOUND',
        () => bound.update(id, { priority: 1 }),
        () => bound.share(id, { accessTags: [] }),
      );
      deepEqual(
        [await bound.count(), (await bound.recall('note')).length, (await heardSince(bound, 'start')).length],
        [0, 0, 0],
      );
      const beside = await wes.remember('note 2', { namespace: ['open-ish'], key: 'k' });
      const inside = wes.within(open);
      deepEqual(texts(await every(inside.list())), ['note 1']);
      deepEqual(texts(await inside.recall('note')), ['note 1']);
      deepEqual(texts((await heardSince(inside, 'start')).flatMap(({ memory }) => memory ?? [])), ['note 1']);
      equal(await inside.get(beside.id), undefined);
      equal(await wes.count(open), 1);
      await refused('FORBIDDEN', () => inside.remember('note', { namespace: ['open-ish'] }));
      const elsewhere = wes.within({ namespace: ['open', 'eu'] });
      equal(await elsewhere.get(id), undefined);
      await refused('FORBIDDEN', () => elsewhere.remember('note', { namespace: ['closed'] }));
    },
  },
  {
    name: 'however much is hidden, as many hits come as there are',
    async run({ ann, wes }) {
      const hidden = Array.from({ length: 200 }, () => ({ text: 'apple pie', namespace: ['closed'] }));
      await wes.rememberMany(hidden);
      for (const n of [1, 2, 3]) await wes.remember(`apple and much else ${n}`, open);
      for (const mode of ['hybrid', 'semantic', 'keyword'] as const) {
        equal((await ann.recall('apple pie', { mode, topK: 3 })).length, 3, mode);
      }
    },
  },
  {
    name: 'with a thousand scopes all is as with a few',
    async run({ ann, wes }) {
      const items = Array.from({ length: 1_040 }, (_, n) => ({
        text: `note ${n}`,
        namespace: [n % 2 === 0 ? 'open' : 'closed', String(n)],
        embed: false as const,
      }));
      const { results } = await wes.rememberMany(items);
      const [seen, hidden] = results.map((each) => (each.ok ? each.id : ''));
      await wes.remember('note after', { ...open, supersedes: hidden ?? '', embed: false });
      await wes.remember('note after', { ...secret, supersedes: seen ?? '', embed: false });
      const filter = { priority: { gte: 0 } };
      const include = ['superseded' as const];
      const asked = { filter, include };
      const ids = (await every(ann.list({ ...asked, limit: 500 }))).map(({ id }) => id);
      deepEqual([ids.length, new Set(ids).size], [521, 521]);
      deepEqual([await ann.count(asked), (await ann.recall('note', { ...asked, topK: 1_000 })).length], [521, 521]);
      equal((await ann.forgetWhere({ filter }, { dryRun: true })).matched, 521);
      for (const link of ['supersedes', 'supersededBy'] as const) {
        equal(await ann.count({ filter: { [link]: { exists: true } }, include }), 0);
        equal(await wes.count({ filter: { [link]: { exists: true } }, include }), 2);
      }
    },
  },
  {
    name: 'actors with the same rules see a private memory of one of them as its author alone',
    async run({ store }) {
      await store.admin.access.allow('everyone', 'writer', ['club']);
      const [one, two] = ['one', 'two'].map((agentId) => store.as({ agentId }, { namespace: ['club'] }));
      ok(one !== undefined && two !== undefined);
      const seen = async (handle: MemoryHandle) => [await handle.count(), texts(await handle.recall('note'))];
      await one.remember('note for all');
      await one.remember('note of one', { visibility: 'private' });
      deepEqual(await seen(one), [2, ['note for all', 'note of one']]);
      deepEqual(await seen(two), [1, ['note for all']]);
      await two.remember('note of two', { visibility: 'private' });
      deepEqual(await seen(one), [2, ['note for all', 'note of one']]);
      deepEqual(await seen(two), [2, ['note for all', 'note of two']]);
    },
  },
  {
    name: 'a filter compares with links that are shown alone',
    async run({ ann, wes }) {
      const hidden = await wes.remember('note before', secret);
      const { id } = await wes.remember('note now', { ...open, supersedes: hidden.id });
      await wes.remember('note now', { ...open, supersedes: id });
      const counts = async (handle: MemoryHandle) => [
        await handle.count({ filter: { supersedes: { exists: true } }, include: ['superseded'] }),
        await handle.count({ filter: { supersedes: hidden.id }, include: ['superseded'] }),
        await handle.count({ filter: { supersededBy: { ne: null } }, include: ['superseded'] }),
      ];
      deepEqual(await counts(ann), [1, 0, 1]);
      deepEqual(await counts(wes), [2, 1, 2]);
    },
  },
  {
    name: 'an export of a user has what the reader may read, without links to the rest, and other users are not named',
    async run({ store, ann, wes }) {
      const subject = { userId: 'kim' };
      await ann.remember('open note', { ...open, ...subject });
      const kept = await wes.remember('secret note', { ...secret, ...subject });
      await store.admin.remember('made of both', { ...open, ...subject, derivedFrom: [kept.id] });
      await store.admin.access.allow({ userId: 'lee' }, 'writer', ['open']);
      await store.as({ agentId: 'wes', onBehalfOf: { userId: 'lee' } }).remember('for lee', { ...open, ...subject });
      const lines: ExportLine[] = [];
      for await (const line of ann.exportSubject(subject)) lines.push(line);
      const exported = lines.flatMap((each) => (each.line === 'memory' ? [each] : []));
      deepEqual(texts(exported.map(({ memory }) => memory)), ['for lee', 'made of both', 'open note']);
      deepEqual(
        exported.flatMap(({ sources, derived }) => [...sources, ...derived]),
        [],
      );
      deepEqual(
        exported.flatMap(({ memory }) => memory.onBehalfOf ?? []),
        ['person-1'],
      );
    },
  },
  {
    name: 'what a legal hold keeps is shown to those who may audit and erase alone',
    async run({ store, wes }) {
      await store.admin.access.allow({ agentId: 'dpo' }, ['audit', 'erase'], ['open']);
      const ids: string[] = [];
      for (const given of [open, secret, open]) ids.push((await wes.remember('evidence', given)).id);
      await store.hold({ matter: 'a lawsuit', selection: open });
      for (const id of ids) await store.admin.forget(id);
      const dpo = store.as({ agentId: 'dpo' });
      const [first = '', hidden = '', last = ''] = ids;
      const shown = async (options = {}) => (await dpo.withheld(options)).map(({ id }) => id);
      deepEqual(await shown(), [first, last]);
      deepEqual(await shown({ after: hidden }), [first, last]);
      deepEqual(await store.as({ agentId: 'aud' }).withheld(), []);
      deepEqual(await wes.withheld(), []);
    },
  },
];
