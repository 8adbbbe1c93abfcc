import { createReadStream } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Memory } from 'multi-agent-memory';
import { beforeEach, describe, expect, test } from 'vitest';
import { jsonLines } from '../../src/cli/json-lines';
import { openFolder, temporaryFolder } from '../store/stores';
import { shell, values } from './shell';

let parent: string;
let folder: string;
beforeEach(async () => {
  parent = await temporaryFolder();
  folder = join(parent, 'memory');
});

const line = (fields: object) => `${JSON.stringify({ text: 'x', namespace: ['n'], ...fields })}\n`;
const totals = { stored: 0, revised: 0, duplicates: 0, failed: 0 };

async function imported(...input: (string | Uint8Array)[]) {
  const ran = await shell(['import', folder], { input });
  return { ...ran, total: values(ran)[0] };
}

async function texts(): Promise<string[]> {
  return values<Memory>(await shell(['list', folder, '--oldest', '--all', '--limit=1000'])).map(({ text }) => text);
}

describe('input lines', () => {
  test('may have CRLF, blank lines, a byte order mark and no newline at the end', async () => {
    const { code, total } = await imported(
      `\uFEFF${line({ text: 'a' }).trim()}\r\n\r\n  \n`,
      line({ text: 'b' }).trim(),
    );
    expect([code, total]).toEqual([0, { ...totals, stored: 2 }]);
    expect((await texts()).sort()).toEqual(['a', 'b']);
  });

  test('may be absent, so an empty input is valid', async () => {
    expect((await imported()).total).toEqual(totals);
    expect((await imported('\n')).code).toBe(0);
  });

  test('with a problem are reported with their line number, and the other lines are imported', async () => {
    const { code, total, errors } = await imported(
      ...[line({ text: 'a' }), '{"text": "half\n', '[1]\n', line({ colour: 'red' }), line({ vector: [1] })],
      ...[
        line({ text: '' }),
        line({ tags: 'refund' }),
        line({ state: 'superseded' }),
        Buffer.from([0x22, 0xff, 0x22, 10]),
      ],
      ...[line({ visibility: 'private', agentId: 'billing', onBehalfOf: 'u-1' }), line({ text: 'b' })],
    );
    expect([code, total]).toEqual([1, { ...totals, stored: 2, failed: 9 }]);
    const of = (number: number) => errors.find((each) => each.startsWith(`line ${number}: `));
    expect(of(2)).toContain('invalid JSON');
    expect(of(3)).toContain('not a memory');
    expect(of(4)).toContain('colour');
    expect(of(5)).toContain('vector');
    expect(of(6)).toContain('text');
    expect(of(7)).toContain('tags');
    expect(of(8)).toContain('is superseded');
    expect(of(9)).toContain('invalid UTF-8');
    expect(of(10)).toContain('private to its author (billing for u-1)');
    expect((await texts()).sort()).toEqual(['a', 'b']);
  });

  test('may arrive in pieces that end anywhere, even inside a character', async () => {
    const bytes = Buffer.from(line({ text: 'für €5 👋' }));
    await imported(...[...bytes].map((byte) => Uint8Array.of(byte)));
    expect(await texts()).toEqual(['für €5 👋']);
  });

  test('over the limit are skipped without being kept in RAM', async () => {
    const piece = Buffer.alloc(2 ** 20, 'x');
    async function* pieces() {
      for (let i = 0; i < 64; i++) yield piece;
      yield '\n{"text":"next"}';
    }
    const found = [];
    for await (const each of jsonLines(pieces())) found.push(each);
    expect(found).toEqual([
      { number: 1, problem: 'too long: the limit is 32 MiB.' },
      { number: 2, value: { text: 'next' } },
    ]);
  });

  test('may contain a text of the maximum length', async () => {
    const text = '"\n'.repeat(499_999);
    expect((await imported(line({ text }))).total).toEqual({ ...totals, stored: 1 });
    expect(await texts()).toEqual([text]);
  });
});

describe('lines without an id', () => {
  test.each([
    ['without a key', {}],
    ['with a key', { key: 'k' }],
  ])('%s are not stored again by a second import', async (_, fields) => {
    const lines = [line({ text: 'a', ...fields }), line({ text: 'b', ...fields })];
    expect((await imported(...lines)).total).toMatchObject({ failed: 0, duplicates: 0 });
    const before = values(await shell(['list', folder]));
    expect((await imported(...lines)).total).toEqual({ ...totals, duplicates: 2 });
    expect(values(await shell(['list', folder]))).toEqual(before);
  });

  test('that are equal are each stored once, even if another line is inserted before them in a second import', async () => {
    const twice = [line({ text: 'a' }), line({ text: 'a' })];
    expect((await imported(...twice)).total).toEqual({ ...totals, stored: 2 });
    expect((await imported(line({ text: 'new' }), ...twice)).total).toEqual({ ...totals, stored: 1, duplicates: 2 });
  });
});

test('problems of one kind lead to one message, with the first line number and the number of lines', async () => {
  const { total, errors } = await imported(
    ...['{"text": "half\n', line({ text: '' }), '{"other": \n', line({ colour: 'red' }), line({ text: '' }), '{"a\n'],
  );
  expect(total).toEqual({ ...totals, failed: 6 });
  expect(errors.map((each) => each.split(':')[0])).toEqual(['line 1 and 2 more', 'line 4', 'line 2 and 1 more']);
});

describe('a dry run', () => {
  test('prints what an import would store, and leaves no store behind', async () => {
    const file = join(parent, 'a.jsonl');
    const long = 'x'.repeat(1_000);
    await writeFile(
      file,
      line({ text: long, sessionId: 's', validFrom: '2025-03-01T00:00:00Z' }) +
        line({ text: 'b', namespace: ['n', 'eu'], validFrom: '2024-01-01T00:00:00+01:00' }) +
        line({ text: '' }),
    );
    const ran = await shell(['import', folder, file, '--dry-run']);
    const [summary] = values(ran);
    expect(ran.code).toBe(1);
    expect(summary).toEqual({
      ...totals,
      dryRun: true,
      stored: 2,
      failed: 1,
      skipped: {},
      namespaces: [
        { namespace: ['n'], count: 1 },
        { namespace: ['n', 'eu'], count: 1 },
      ],
      sessions: 1,
      earliest: '2024-01-01T00:00:00+01:00',
      latest: '2025-03-01T00:00:00Z',
      sample: [expect.objectContaining({ text: `${'x'.repeat(200)}…` }), expect.objectContaining({ text: 'b' })],
    });
    expect(ran.errors).toEqual([expect.stringContaining('line 3: INVALID_INPUT')]);
    await expect(stat(folder)).rejects.toThrow('ENOENT');
  });
});

describe('input sources', () => {
  test('may be several files, and each problem names its file', async () => {
    const [a, b] = [join(parent, 'a.jsonl'), join(parent, 'b.jsonl')];
    await writeFile(a, line({ text: 'a' }));
    await writeFile(b, `${line({ text: 'b' })}{}\n`);
    const { errors } = await shell(['import', folder, a, b]);
    expect(errors).toEqual([expect.stringContaining(`${b}, line 2: `)]);
    expect((await texts()).sort()).toEqual(['a', 'b']);
    expect((await shell(['import', folder, a, '-'])).code).toBe(2);
  });

  test('that are missing leave no store behind', async () => {
    await writeFile(join(parent, 'a.jsonl'), line({ text: 'a' }));
    const { code } = await shell(['import', folder, join(parent, 'a.jsonl'), join(parent, 'missing.jsonl')]);
    expect(code).toBe(1);
    await expect(stat(folder)).rejects.toThrow('ENOENT');
  });

  test('are a file or, as -, standard input; a missing file is an error', async () => {
    const file = join(parent, 'a.jsonl');
    await writeFile(file, line({ text: 'from a file' }));
    expect((await shell(['import', folder, file])).code).toBe(0);
    expect((await shell(['import', folder, '-'], { input: [line({ text: 'from input' })] })).code).toBe(0);
    const missing = await shell(['import', folder, `${file}.not`]);
    expect([missing.code, missing.errors.join('\n')]).toEqual([1, expect.stringContaining('ENOENT')]);
    expect(await texts()).toEqual(['from a file', 'from input']);
  });

  test('may end early; the command reports its totals, and continues when it is run again', async () => {
    const lines = Array.from({ length: 600 }, (_, i) => line({ text: `memory ${i}`, id: `id-${i}`, embed: undefined }));
    const ending = new AbortController();
    const ran = await shell(['import', folder], {
      signal: ending.signal,
      input: {
        *[Symbol.iterator]() {
          for (const [i, each] of lines.entries()) {
            if (i === 500) ending.abort(new Error('Interrupted.'));
            yield each;
          }
        },
      } as unknown as string[],
    });
    expect([ran.code, ran.out]).toEqual([1, []]);
    expect(ran.errors.join('\n')).toMatch(/^Import incomplete: {"stored":256.*\nInterrupted\.$/m);
    expect((await imported(...lines)).total).toEqual({ ...totals, stored: 344, duplicates: 256 });
  });
});

test('--namespace is the parent of the namespace of each line', async () => {
  await shell(['import', folder, '--namespace=a/b'], { input: [line({}), line({ namespace: undefined })] });
  const found = values<Memory>(await shell(['list', folder, '--oldest']));
  expect(found.map(({ namespace }) => namespace.join('/')).sort()).toEqual(['a/b', 'a/b/n']);
});

test('a later export revises a memory with a key, and is rejected for a changed memory without a key', async () => {
  const lines = [line({ id: '1', key: 'k', revision: 1 }), line({ id: '2', revision: 1 })];
  await imported(...lines);
  const { total, errors } = await imported(
    line({ id: '1', key: 'k', revision: 2, text: 'y' }),
    line({ id: '2', revision: 2, text: 'y' }),
  );
  expect(total).toEqual({ ...totals, revised: 1, failed: 1 });
  expect(errors[0]).toContain('line 2: IDEMPOTENCY_CONFLICT');
});

// Fields that the new store sets itself.
const storeFields = [
  ...[
    'id',
    'revision',
    'agentId',
    'onBehalfOf',
    'createdAt',
    'updatedAt',
    'supersedes',
    'supersededBy',
    'origin',
    'trust',
  ],
];

test('an imported memory is at most reported, and keeps a lower trust, unless --max-trust says otherwise', async () => {
  const folders = await Promise.all(['a', 'b', 'c'].map(async (name) => join(await temporaryFolder(), name)));
  const [from, to, trusting] = folders as [string, string, string];
  const store = await openFolder(from);
  const agent = store.as({ agentId: 'writer' });
  await agent.remember('said by an agent', { namespace: ['team'] });
  await agent.remember('said by a page', { namespace: ['team'], source: { channel: 'document' } });
  await store.close();
  const input = (await shell(['export', from])).out.map((each) => `${each}\n`);
  await shell(['import', to], { input });
  await shell(['import', trusting, '--max-trust=verified'], { input });
  const trustIn = async (folder: string) =>
    Object.fromEntries(values(await shell(['export', folder])).map(({ text, trust }) => [text, trust]));
  expect(await trustIn(from)).toEqual({ 'said by an agent': 'standard', 'said by a page': 'reported' });
  expect(await trustIn(to)).toEqual({ 'said by an agent': 'reported', 'said by a page': 'reported' });
  expect(await trustIn(trusting)).toEqual({ 'said by an agent': 'standard', 'said by a page': 'reported' });
});

test('property: importing an export gives the same memories, and importing it again stores nothing', async () => {
  const label = fc.stringMatching(/^[a-z/" ä€]{1,6}$/).filter((each) => each.trim() === each);
  const memory = fc.record(
    {
      text: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((text) => text.trim() !== ''),
      namespace: fc.array(label, { minLength: 1, maxLength: 3 }),
      kind: fc.constantFrom('episodic', 'semantic', 'procedural', 'summary'),
      tags: fc.uniqueArray(label, { maxLength: 3 }),
      accessTags: fc.uniqueArray(label, { maxLength: 2 }),
      priority: fc.double({ min: 0, max: 1, noNaN: true }).map((number) => number + 0),
      metadata: fc.dictionary(label, fc.oneof(fc.integer(), fc.boolean(), label, fc.constant(null)), { maxKeys: 3 }),
      userId: label,
      sessionId: label,
      validFrom: fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) }),
      expiresAt: fc.date({ noInvalidDate: true, min: new Date(3e12), max: new Date(4e12) }),
      key: fc.uuid(),
    },
    { requiredKeys: ['text', 'namespace'] },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(memory, { maxLength: 8 }), async (memories) => {
      const [from, to] = [join(await temporaryFolder(), 'a'), join(await temporaryFolder(), 'b')];
      const store = await openFolder(from);
      await store.as({ agentId: 'writer' }).rememberMany(memories as never);
      await store.close();
      const exported = await shell(['export', from]);
      const input = exported.out.map((each) => `${each}\n`);
      const first = values(await shell(['import', to], { input }))[0];
      const again = values(await shell(['import', to], { input }))[0];
      const count = input.length;
      expect(first).toEqual({ ...totals, stored: count });
      expect(again).toEqual({ ...totals, duplicates: count });
      const known = (all: Record<string, unknown>[]) =>
        all.map((each) => JSON.stringify(Object.entries(each).filter(([name]) => !storeFields.includes(name)))).sort();
      expect(known(values(await shell(['export', to])))).toEqual(known(values(exported)));
    }),
    { numRuns: 12 },
  );
}, 60_000);

test('reading a file of 50 MB takes less than 150 MiB of additional RAM', async () => {
  const file = join(parent, 'large.jsonl');
  await writeFile(file, `${line({ text: 'word '.repeat(200) })}`.repeat(50_000));
  const before = process.memoryUsage().rss;
  let most = 0;
  let count = 0;
  for await (const each of jsonLines(createReadStream(file))) {
    if ('value' in each) count++;
    if (count % 5_000 === 0) most = Math.max(most, process.memoryUsage().rss - before);
  }
  expect(count).toBe(50_000);
  expect(most).toBeLessThan(150 * 2 ** 20);
});
