import { join } from 'node:path';
import BetterSqlite from 'better-sqlite3';
import { MemoryStore } from 'multi-agent-memory';
import { beforeEach, describe, expect, test } from 'vitest';
import { openFolder, refusal, temporaryFolder } from '../store/stores';
import { alterDatabase } from './folders';

const namespace = ['support'];

let folder: string;
beforeEach(async () => {
  folder = await temporaryFolder();
  const store = await openFolder(folder);
  await store.admin.remember('one', { namespace, embed: false, accessTags: ['t'] });
  await store.as({ agentId: 'a' }, { namespace }).remember('two');
  await store.close();
});

const endless = 'with recursive n(i) as (select 1 union all select i + 1 from n) select * from n';

describe('open rejects a crafted database with RECORD_DAMAGED instead of running forever:', () => {
  test.each<[string, string]>([
    ['a trigger', 'create trigger t after insert on memories begin delete from changes; end'],
    ['a view', `create view v as ${endless}`],
    ['a view in the place of a table', `drop table tags; create view tags as ${endless}`],
    ['a table with another column', 'alter table memories add column more text'],
    [
      'a table with a computed column',
      'alter table memories add column more text generated always as (hex(zeroblob(1e8)))',
    ],
    ['a missing table', 'drop table vectors'],
    ['a missing table of the keyword index', 'drop table word_segments'],
    ['the highest row number', 'update memories set row = 9223372036854775807 where row = 2'],
    ['a row number of some billions', 'update memories set row = 4000000000 where row = 2'],
    ['a negative row number', 'update memories set row = -5 where row = 2'],
    ['the highest change number', 'update changes set change_seq = 9223372036854775807 where row = 2'],
    ['a space whose dimensions are a text', "update spaces set dimensions = 'x'"],
    ['a space with billions of dimensions', 'update spaces set dimensions = 4000000000'],
    ['a label that is a number', 'update namespaces set label = zeroblob(20)'],
    ['a label that is huge', 'update namespaces set label = hex(zeroblob(20000000))'],
    ['a namespace below itself', 'update namespaces set parent = 1'],
    ['a namespace with an absurd number', 'update namespaces set id = 4000000000'],
    ['access tags that are no JSON', "update label_sets set access_tags = '{' where id = 1"],
    ['an actor that is a blob', 'update actors set name = zeroblob(8) where id = 2'],
    ['a version of the rules that is a text', "insert or replace into store_meta values ('policy_version', 'x')"],
    ['a secret that is a text', "update store_meta set value = 'x' where key = 'store_key'"],
  ])('%s', async (_, sql) => {
    alterDatabase(folder, (database) => database.exec(sql));
    for (const readOnly of [true, false]) {
      const error = await refusal(() => MemoryStore.open(folder, { readOnly }));
      expect(error).toMatchObject({ code: 'RECORD_DAMAGED', message: expect.stringContaining('Restore the folder') });
    }
  });

  test('a trigger in the audit database', async () => {
    const database = new BetterSqlite(join(folder, 'audit.db'));
    database.exec('create trigger t after insert on audit_entries begin delete from audit_names; end');
    database.close();
    expect(await refusal(() => MemoryStore.open(folder))).toMatchObject({ code: 'RECORD_DAMAGED' });
  });
});

test('the audit exports entries whose hash or body has another type, and verify reports them', async () => {
  const sql = 'update audit_entries set hash = 5 where seq = 1; update audit_entries set body = 7 where seq = 2';
  alterDatabase(folder, (database) => database.exec(sql));
  const store = await openFolder(folder);
  let count = 0;
  for await (const { hash } of store.audit.export({ by: { agentId: 'a' } })) count += typeof hash === 'string' ? 1 : 0;
  for await (const { hash } of store.audit.export()) count += typeof hash === 'string' ? 1 : 0;
  expect(count).toBeGreaterThan(0);
  expect(await store.audit.verify()).toMatchObject({ ok: false });
});

test.each(['newest', 'oldest'] as const)(
  'a query of the audit, %s first, ends if an entry has an absurd number',
  async (order) => {
    const sql = 'update audit_entries set seq = 9223372036854775807 where seq = (select max(seq) from audit_entries)';
    alterDatabase(folder, (database) => database.exec(sql));
    const store = await openFolder(folder);
    const { items } = await store.audit.query({ order });
    expect(items.length).toBeGreaterThan(0);
    expect(await store.audit.verify()).toMatchObject({ ok: false });
  },
);

test.each(['30000000', '4294967295', '-1', "'x'", '1.5', '1e300'])(
  'a record whose namespace has the number %s is in no answer and takes no more RAM',
  async (number) => {
    alterDatabase(folder, (database) => database.exec(`update memories set label_set = ${number} where row = 1`));
    for (const readOnly of [true, false]) {
      const store = await openFolder(folder, { readOnly });
      expect((await store.stats()).memory.columnBytes).toBeLessThan(2 ** 20);
      const hits = await store.admin.recall('one two', { mode: 'keyword', explain: true });
      expect(hits.map(({ text, search }) => [text, search?.visible])).toEqual([['two', 1]]);
      expect(await store.verify()).toMatchObject({ ok: false });
      await store.close();
    }
  },
);

describe('verify', () => {
  test.each<[string, string, string]>([
    ['a foreign table', 'create table mine (a)', 'table "mine"'],
    ['a foreign index', 'create index mine on memories (priority)', 'index "mine"'],
    ['a missing index', 'drop index memories_created_at', 'index "memories_created_at" is missing'],
    [
      'a changed index',
      'drop index memories_id; create unique index memories_id on memories (id) where row > 5',
      'memories_id',
    ],
  ])('reports %s', async (_, sql, message) => {
    alterDatabase(folder, (database) => database.exec(sql));
    const store = await openFolder(folder);
    const { ok, problems } = await store.verify();
    expect(ok).toBe(false);
    expect(problems).toContainEqual({ part: 'database', message: expect.stringContaining(message) });
  });

  test('reports a trigger that was planted while the store is open', async () => {
    const store = await openFolder(folder);
    alterDatabase(folder, (database) => database.exec('create trigger t after delete on tags begin select 1; end'));
    expect((await store.verify()).problems).toEqual([
      { part: 'database', message: expect.stringContaining('trigger "t"') },
    ]);
  });
});
