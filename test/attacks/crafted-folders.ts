/**
 * Opens folders that were crafted or damaged at random, and calls every method on them: `tsx test/attacks/crafted-folders.ts --minutes 5`.
 * Each call must end with a result or with a `MemoryError`. It runs as a process of its own, because a crafted folder may end the process or
 * block it: `test/attacks/fuzz.ts` starts it, and notices both. It prints one JSON object on each line: the round that begins, or a problem.
 * `--seed S --rounds 1` repeats one round.
 */
import {
  closeSync,
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import BetterSqlite, { type Database } from 'better-sqlite3';
import fc from 'fast-check';
import { allow, MemoryError, type MemoryHandle, MemoryStore } from 'multi-agent-memory';
import { startStopwatch } from '../../src/environment/timers';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    rounds: { type: 'string' },
  },
});
const [minutes, firstSeed] = [Number(values.minutes), Number(values.seed)];
const rounds = values.rounds === undefined ? Number.POSITIVE_INFINITY : Number(values.rounds);
const principal = { agentId: 'a' };
const namespace = ['n'];
const print = (line: object) => console.log(JSON.stringify(line));

/** Ways to craft the value of a column. */
const crafted = fc.constantFrom(
  ...[
    'null',
    '0',
    '-1',
    '1.5',
    '9223372036854775807',
    '-9223372036854775808',
    '4000000000',
    "''",
    "'x'",
    "'{'",
    "'[]'",
  ],
  ...[`'{"__proto__":1}'`, `'[[["n"]]]'`, 'zeroblob(8)', 'zeroblob(100000)', 'hex(zeroblob(100000))', "x'ff00d8'"],
  ...["'active'", "'forgotten'", "'superseded'", '1', '2', '3', 'char(0)', 'char(55296)', "'1e999'"],
);
const number = fc.nat();
const change = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('column' as const),
      table: number,
      column: number,
      row: number,
      value: crafted,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('rows' as const), table: number, row: number }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('copy' as const), table: number, row: number }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('schema' as const), table: number, how: number }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('bytes' as const),
      file: number,
      at: number,
      byte: fc.integer({ min: 0, max: 255 }),
      length: fc.constantFrom(1, 8, 512),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('file' as const), file: number, how: number }) },
);
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;
const inputs = fc.record({
  database: fc.constantFrom('memory.db', 'audit.db'),
  changes: fc.array(change, { minLength: 1, maxLength: 4 }),
  readOnly: fc.boolean(),
});

const folder = mkdtempSync(join(tmpdir(), 'crafted-'));
const original = join(folder, 'original');

async function makeOriginal(): Promise<void> {
  const store = await MemoryStore.open(original, { access: [allow('everyone', 'administrator', [])] });
  const handle = store.as(principal, { namespace });
  const { id } = await handle.remember('The keys are at the bakery.', { tags: ['keys'], metadata: { n: 1 }, key: 'k' });
  await handle.update(id, { text: 'The keys are at the office.' });
  await handle.remember('The refund goes to the bank.', { supersedes: id, idempotencyKey: 'i' });
  await handle.remember('private', { visibility: 'private', userId: 'u', sessionId: 's' });
  await store.admin.remember('tagged', { namespace: ['n', 'eu'], accessTags: ['pii'], embed: false });
  await store.admin.access.group('team', [principal]);
  await handle.forget((await handle.remember('forgotten')).id);
  await handle.recall('keys');
  await store.audit.checkpoint();
  await store.close();
}

/** Runs SQL that may fail: SQLite itself refuses some changes. */
function attempt(database: Database, sql: string): void {
  try {
    database.exec(sql);
  } catch {
    // Then this change is left out.
  }
}

function pick<T>(list: readonly T[], n: number): T | undefined {
  return list[n % Math.max(1, list.length)];
}

function changeDatabase(path: string, changes: readonly Change[]): void {
  const database = new BetterSqlite(path);
  try {
    database.unsafeMode();
    const tables = database.prepare("select name from sqlite_master where type = 'table'").pluck().all() as string[];
    for (const each of changes) {
      if (!('table' in each)) continue;
      const table = pick(tables, each.table) as string;
      const columns = database.prepare('select name from pragma_table_info(?)').pluck().all(table) as string[];
      const column = pick(columns, 'column' in each ? each.column : 0) ?? 'rowid';
      // The tables without row numbers are changed as a whole.
      const somewhere = (n: number) => `rowid = (select rowid from "${table}" limit 1 offset ${n % 5})`;
      if (each.kind === 'column') {
        const sql = `update "${table}" set "${column}" = ${each.value}`;
        attempt(database, each.row % 4 === 0 ? sql : `${sql} where ${somewhere(each.row)}`);
      } else if (each.kind === 'rows') attempt(database, `delete from "${table}" where ${somewhere(each.row)}`);
      else if (each.kind === 'copy')
        attempt(database, `insert or replace into "${table}" select * from "${table}" where ${somewhere(each.row)}`);
      else attempt(database, schemaChange(each.how, table, column));
    }
  } finally {
    database.close();
  }
}

function schemaChange(how: number, table: string, column: string): string {
  const endless = 'with recursive n(i) as (select 1 union all select i + 1 from n) select i from n';
  return [
    `drop table "${table}"`,
    `alter table "${table}" rename to renamed`,
    `alter table "${table}" rename column "${column}" to renamed`,
    `alter table "${table}" add column more`,
    `create trigger t after update on "${table}" begin delete from "${table}"; end`,
    `drop table "${table}"; create view "${table}" as ${endless}`,
    `create index mine on "${table}" ("${column}")`,
    'drop index memories_id',
    `pragma user_version = ${how % 12}`,
    `pragma application_id = ${how}`,
    'pragma journal_mode = delete',
    'pragma auto_vacuum = full; vacuum',
  ][how % 12] as string;
}

function changeFile(path: string, each: Extract<Change, { kind: 'bytes' | 'file' }>): void {
  const name = pick(readdirSync(path), each.file);
  if (name === undefined) return;
  const file = join(path, name);
  const { size } = lstatSync(file);
  if (each.kind === 'bytes') {
    if (!lstatSync(file).isFile()) return;
    const opened = openSync(file, 'r+');
    writeSync(opened, Buffer.alloc(each.length, each.byte), 0, each.length, size === 0 ? 0 : each.at % size);
    closeSync(opened);
    return;
  }
  const how = each.how % 5;
  if (how === 0) truncateSync(file, Math.floor(size / 2));
  else rmSync(file, { recursive: true });
  if (how === 2) mkdirSync(file);
  else if (how === 3) symlinkSync('/nonexistent/target', file);
  else if (how === 4) writeFileSync(file, '{"pid":1,"__proto__":{}}');
}

async function all(items: AsyncIterable<unknown>): Promise<void> {
  let count = 0;
  for await (const _ of items) if (++count === 1_000) break;
}

/** Every method, with the ids that the folder had. */
function callsOn(store: MemoryStore, path: string): [string, () => PromiseLike<unknown>][] {
  const handles = [store.as(principal, { namespace }), store.admin];
  const perHandle = handles.flatMap((handle): [string, () => PromiseLike<unknown>][] => [
    ['list', () => all(handle.list({ include: ['expired', 'superseded', 'quarantined'], limit: 2 }))],
    ['recall', () => handle.recall('where are the keys', { explain: true })],
    ['recall by words', () => handle.recall('keys refund', { mode: 'keyword', include: ['superseded'] })],
    ['filters', () => handle.list({ filter: { text: { contains: 'e' }, metadata: { n: 1 }, namespace } })],
    ['count', () => handle.count({ asOf: new Date() })],
    ['namespaces', () => handle.namespaces({ limit: 2 })],
    ['stats', () => handle.stats()],
    ['get', async () => Promise.all(ids.flatMap((id) => [handle.get(id), handle.get(id.slice(0, 8)).catch(refused)]))],
    ['get by key', () => handle.get({ namespace, key: 'k' })],
    ['history', async () => Promise.all(ids.map((id) => handle.history(id).catch(refused)))],
    ['watch', () => watched(handle)],
    ['access.list', () => handle.access.list({ ended: true })],
    ['access.explain', () => handle.access.explain({ principal, action: 'read', namespace })],
    ['audit.query', () => all(handle.audit.query({ limit: 3 }))],
    ['audit.export', () => all(handle.audit.export())],
    ['remember', () => handle.remember('The keys are in the car.', { namespace, key: 'k' })],
    ['update', async () => Promise.all(ids.map((id) => handle.update(id, { priority: 0.5 }).catch(refused)))],
    ['forget', async () => Promise.all(ids.slice(0, 2).map((id) => handle.forget(id).catch(refused)))],
    ['forgetWhere', () => handle.forgetWhere({ userId: 'u' }, { dryRun: false })],
  ]);
  return [
    ...perHandle,
    ['audit.verify', () => store.audit.verify()],
    ['audit.checkpoint', () => store.audit.checkpoint()],
    ['verify', () => store.verify()],
    ['backup', () => store.backup(`${path}-backup`)],
    ['repair', () => store.verify({ repair: true })],
    ['list after the repair', () => all(handles[1]?.list() as AsyncIterable<unknown>)],
    ['stats of the store', () => store.stats()],
  ];
}

/** Reads the changes that a watch delivers at once. */
async function watched(handle: MemoryHandle): Promise<void> {
  const ending = new AbortController();
  // The signal of `AbortSignal.timeout` would not keep the process alive.
  const timer = setTimeout(() => ending.abort(), 50);
  try {
    await all(handle.watch({ since: 'start', signal: ending.signal }));
  } catch (error) {
    if ((error as Error)?.name !== 'AbortError') throw error;
  } finally {
    clearTimeout(timer);
  }
}

function refused(error: unknown): void {
  if (!MemoryError.is(error)) throw error;
}

async function run(what: string, call: () => PromiseLike<unknown>): Promise<void> {
  const elapsedMs = startStopwatch();
  print({ call: what });
  try {
    await call();
  } catch (error) {
    if (!MemoryError.is(error))
      print({ problem: `${what} ended with ${String((error as Error)?.stack ?? error).slice(0, 900)}` });
  }
  if (elapsedMs() > 20_000) print({ problem: `${what} took ${Math.round(elapsedMs())} ms` });
}

async function playRound(
  path: string,
  { database, changes, readOnly }: typeof inputs extends fc.Arbitrary<infer T> ? T : never,
): Promise<void> {
  cpSync(original, path, { recursive: true });
  changeDatabase(join(path, database), changes);
  for (const each of changes) if (each.kind === 'bytes' || each.kind === 'file') changeFile(path, each);
  let store: MemoryStore | undefined;
  await run('open', async () => {
    store = await MemoryStore.open(path, { readOnly });
  });
  if (store === undefined) return;
  for (const [what, call] of callsOn(store, path)) await run(what, call);
  await run('close', () => (store as MemoryStore).close());
}

let ids: string[] = [];
process.on('unhandledRejection', (error) =>
  print({ problem: `unhandled rejection: ${String((error as Error)?.stack ?? error).slice(0, 900)}` }),
);
await makeOriginal();
{
  const database = new BetterSqlite(join(original, 'memory.db'), { readonly: true });
  ids = database.prepare('select id from memories').pluck().all() as string[];
  database.close();
}
const elapsedMs = startStopwatch();
let played = 0;
for (; played < rounds && elapsedMs() < minutes * 60_000; played++) {
  const seed = firstSeed + played;
  const [input] = fc.sample(inputs, { seed, numRuns: 1 });
  if (input === undefined) break;
  print({ round: seed, input });
  const path = join(folder, `round-${played}`);
  await playRound(path, input);
  for (const each of [path, `${path}-backup`]) rmSync(each, { recursive: true, force: true });
}
rmSync(folder, { recursive: true, force: true });
print({ played });
