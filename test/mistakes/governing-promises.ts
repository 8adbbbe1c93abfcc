import { deepEqual, equal, ok } from 'node:assert/strict';

import { open, type Promised, refused } from './promise';

/** What those promise who look after a part of the store. */
export const governingPromises: readonly Promised[] = [
  {
    name: 'a rule holds for its names in every Unicode form',
    async run({ ann, store }) {
      const { access } = store.admin;
      const forms = ['caf\u00e9', 'cafe\u0301', 'ma\u00f1ana', 'man\u0303ana'] as const;
      const [nfc, nfd] = forms;
      await access.deny({ agentId: 'ann' }, ['read', 'write'], ['open', nfc]);
      await access.deny({ agentId: 'ann' }, ['read', 'write'], ['open', forms[3]]);
      await access.allow('everyone', 'writer', ['party']);
      await access.deny({ agentId: nfc }, ['read', 'write'], ['party']);
      await access.clear({ agentId: 'ann' }, nfd, []);
      for (const label of forms) {
        const { id } = await store.admin.remember('closed', { namespace: ['open', label] });
        equal(await ann.get(id), undefined);
        equal(await ann.count({ namespace: ['open', label] }), 0);
        await refused('FORBIDDEN', () => ann.remember('x', { namespace: ['open', label] }));
      }
      await store.admin.remember('tagged', { ...open, accessTags: [nfc] });
      equal(await ann.count(open), 1);
      for (const agentId of [nfc, nfd])
        await refused('FORBIDDEN', () => store.as({ agentId }).remember('x', { namespace: ['party'] }));
    },
  },
  {
    name: 'a legal hold keeps all revisions for the host alone, and only those who may erase learn of it',
    async run({ ann, store }) {
      const { id } = await ann.remember('evidence', { ...open, tags: ['case'] });
      const first = await store.hold({ matter: 'one', selection: { tags: ['case'] } });
      const second = await store.hold({ matter: 'two', selection: { namespace: ['open'] } });
      await ann.update(id, { tags: [] });
      await store.releaseHold(second);
      equal(await ann.forget(id), true);
      equal(await ann.get(id), undefined);
      equal((await store.withheld())[0]?.revisions[0]?.text, 'evidence');
      const third = await store.hold({ matter: 'three', selection: { namespace: ['open'] } });
      await store.releaseHold(third);
      equal((await store.withheld()).length, 1);
      await store.admin.access.allow({ agentId: 'ivy' }, ['audit'], []);
      const { items } = await store
        .as({ agentId: 'ivy' })
        .audit.query({ action: ['hold', 'withheld', 'release-hold'] });
      equal(items.length, 0);
      await store.releaseHold(first);
      equal((await store.withheld()).length, 0);
    },
  },
  {
    name: 'who administers gives what it has, where it has it',
    async run({ store }) {
      const amy = store.as({ agentId: 'amy' });
      const abe = store.as({ agentId: 'abe' });
      const to = { agentId: 'new' };
      const made = await amy.access.allow(to, ['read'], ['open', 'eu']);
      const above = await store.admin.access.allow(to, ['read'], []);
      const writing = await store.admin.access.allow(to, ['write'], ['open']);
      await refused(
        'FORBIDDEN',
        () => amy.access.allow(to, ['write'], ['open']),
        () => amy.access.allow(to, 'writer', ['open', 'eu']),
        () => amy.access.deny(to, ['write'], ['open']),
        () => amy.access.allow(to, ['read'], []),
        () => amy.access.allow(to, ['read'], ['open-ish']),
        () => amy.access.clear(to, 'secret', ['open']),
        () => amy.access.group('team', [to]),
        () => amy.access.role('reading', ['read']),
        () => amy.access.end(writing.id),
        () => amy.within({ userId: 'u' }).access.allow(to, ['read'], ['open']),
        // Denied somewhere below.
        () => abe.access.allow(to, ['read'], ['open']),
        () => abe.access.role('writing', ['write']),
        () => amy.access.explain({ principal: to, action: 'read', namespace: [] }),
        () => store.as({ agentId: 'wes' }).access.allow(to, ['read'], ['open']),
      );
      equal(await amy.access.end(above.id), false);
      equal(await store.as({ agentId: 'wes' }).access.end(made.id), false);
      deepEqual((await store.as({ agentId: 'wes' }).access.list()).length, 0);
      ok((await amy.access.list()).every((each) => 'at' in each && each.at[0] === 'open'));
      await store.admin.access.role('kept', ['read']);
      await store.admin.access.allow(to, 'kept', ['open']);
      await refused('FORBIDDEN', () => abe.access.role('kept', ['read', 'write']));
      ok(await amy.access.end(made.id));
    },
  },
  {
    name: 'who administers a part is told of no group by name',
    async run({ store }) {
      const amy = store.as({ agentId: 'amy' });
      const told = async () => {
        const refusal = await amy.access.allow({ group: 'merger' }, 'reading', ['open']).catch((error) => error);
        return [refusal.code, refusal.message, JSON.stringify(refusal.issues)];
      };
      const before = await told();
      await store.admin.access.group('merger-team', [{ agentId: 'wes' }]);
      await store.admin.access.role('readings', ['read']);
      deepEqual(await told(), before);
    },
  },
  {
    name: 'who audits a part learns nothing of the rest',
    async run({ wes, store }) {
      const aud = store.as({ agentId: 'aud' });
      const { id } = await wes.remember('theirs', { namespace: ['closed'] });
      const audited = async () =>
        JSON.stringify((await aud.audit.query({ action: 'share' })).items, [
          'action',
          'code',
          'memories',
          'asked',
          'seq',
          'index',
        ]);
      await refused('NOT_FOUND', () => aud.share('none', open));
      const once = await audited();
      await wes.share(id, { namespace: ['closed', 'eu'] });
      equal(await audited(), once);
      await refused('NOT_FOUND', () => aud.share(id, open));
      const entry = once.slice(1, -1);
      ok(entry.includes('NOT_FOUND'));
      equal(await audited(), `[${entry},${entry}]`);
    },
  },
];
