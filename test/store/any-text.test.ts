import { describe, expect, test } from 'vitest';
import { all, openFolder, openInMemory, temporaryFolder } from './stores';

const namespace = ['support'];
const line = `${'The customer called about order A-1182 and the refund of 40 euros. '.repeat(1_500)}zebra`;

/** Texts that other stores have tripped over. What has letters or digits can be found by a keyword of its own. */
const texts: [string, string, keyword?: string][] = [
  ['SQL', "Robert'); DROP TABLE memories; -- said the customer", 'robert'],
  ['more SQL', `" OR 1=1; select * from memories where id = '' union select null--`, 'union'],
  ['a LanceDB predicate', "id = 1 OR true) AND array_has(tags, 'x') /* lancedb */", 'array'],
  ['FTS5 query syntax', 'NEAR(refund card, 5) AND NOT words : "phrase* ^first {col} - +"', 'phrase'],
  ['an unbalanced quote', 'he said "unbalanced and (open', 'unbalanced'],
  ['only operators', 'AND OR NOT NEAR', 'near'],
  ['wildcards', '100% _underscore_ %like% *star* [glob]', 'underscore'],
  ['NULs', 'before\0after \0\0 nullified', 'nullified'],
  ['control characters', '\u0001\u0007bell\u001b[31mred\u007f\u0085next', 'bell'],
  ['emoji', 'the 👩‍👩‍👧‍👦 family 🎉 is 🇵🇱 happy', 'family'],
  ['only emoji', '🦓🦓🎉', '🦓'],
  ['non-characters', '\ufffe\uffff\u{1ffff}\ufeffbom nonchar', 'nonchar'],
  ['a line of 100 kB', line, 'zebra'],
  ['a word of 100 kB', 'x'.repeat(100_000)],
  ['many lines', '\r\n\n\r\u2028\u2029lines\r\n', 'lines'],
  ['Arabic', 'مرحبا، يريد العميل استرداد أمواله', 'العميل'],
  ['Hebrew with vowels', 'שָׁלוֹם עולם', 'עולם'],
  ['mixed directions', 'order \u202eABC\u202c of עולם 12', 'order'],
  ['Chinese', '客户想把钱退回信用卡', '信用卡'],
  ['Japanese', 'お客様は返金を希望しています', '返金'],
  ['Korean', '고객이 환불을 원합니다', '환불을'],
  ['Thai', 'ลูกค้าต้องการเงินคืน', 'เงินคืน'],
  ['Hindi', 'ग्राहक धनवापसी चाहता है', 'ग्राहक'],
  ['decomposed accents', 'cafe\u0301 re\u0301sume\u0301', 'resume'],
  ['ligatures and full width', 'ﬁnance ＲＥＦＵＮＤ', 'refund'],
  ['the longest s and dotless i', 'ſtraße İstanbul ı', 'istanbul'],
  ['zalgo', `z${'\u0300'.repeat(200)}algo speaks`, 'speaks'],
  ['JSON', '{"text": "\\u0000", "__proto__": {"admin": true}}', 'admin'],
  ['HTML', '<script>alert(1)</script><!-- <recalled-memories> -->', 'alert'],
  ['a template', '#{process.env.HOME} {{7*7}} $(id) %s %n', 'process'],
  ['punctuation alone', '?!.,;:---'],
  ['only a zero-width space', '\u200b'],
  ['surrounding white space', '  \t kept as it is \n ', 'kept'],
];

const others = ['An entirely unrelated note on the weather.', 'Nothing to see over here.', 'Yet another one.'];

describe('a text of', () => {
  test.each(texts)('%s is returned unchanged and found', async (_, text, keyword) => {
    const store = await openInMemory();
    for (const other of others) await store.admin.remember(other, { namespace });
    const { id } = await store.admin.remember(text, { namespace, key: 'k' });
    expect((await store.admin.get(id))?.text).toBe(text);
    expect((await all(store.admin.list()))[0]?.text).toBe(text);
    const history = await store.admin.history(id);
    expect(history[0]?.memory?.text).toBe(text);
    // By itself, as the question: hybrid and semantic always find it first.
    for (const mode of ['hybrid', 'semantic'] as const) {
      const [best] = await store.admin.recall(text, { mode, topK: 1 });
      expect(best).toMatchObject({ id, text });
    }
    if (keyword !== undefined) {
      for (const question of [keyword, text]) {
        const [best] = await store.admin.recall(question, { mode: 'keyword', topK: 1 });
        expect(best).toMatchObject({ id, text });
      }
      expect((await store.admin.recall(keyword, { topK: 1 }))[0]?.id).toBe(id);
    } else {
      // As a question in words it finds nothing, and breaks nothing.
      await store.admin.recall(text, { mode: 'keyword' });
    }
    // Written anew and taken back, its words are gone: nothing of the index stays behind.
    await store.admin.update(id, { text: 'replaced' });
    if (keyword !== undefined) expect(await store.admin.recall(keyword, { mode: 'keyword' })).toEqual([]);
    expect(await store.admin.forget(id)).toBe(true);
    expect((await store.verify()).problems).toEqual([]);
  });
});

test('texts in every script are unchanged after a restart', async () => {
  const folder = await temporaryFolder();
  const first = await openFolder(folder);
  const { results } = await first.admin.rememberMany(texts.map(([, text]) => ({ text, namespace })));
  expect(results.every(({ ok }) => ok)).toBe(true);
  await first.close();
  const second = await openFolder(folder);
  for (const [i, result] of results.entries()) {
    if (result.ok) expect((await second.admin.get(result.id))?.text).toBe(texts[i]?.[1]);
  }
  expect((await second.verify()).problems).toEqual([]);
});

/** Names cannot have hidden characters, and are returned in their normal form. See names.test.ts. */
const withHiddenCharacters = ['NULs', 'control characters', 'non-characters', 'many lines'].concat(
  'mixed directions',
  'surrounding white space',
);

test('keys, labels, tags and ids of principals in every script are returned in their normal form', async () => {
  const store = await openInMemory();
  const names = texts
    .filter(([description, text]) => Buffer.byteLength(text) <= 400 && !withHiddenCharacters.includes(description))
    .map(([, text]) => text.normalize('NFC'));
  expect(names.length).toBeGreaterThan(20);
  for (const name of names) {
    const scope = { namespace: [name, 'x', name], userId: name, sessionId: name, tags: [name] };
    const agent = store.as({ agentId: name, onBehalfOf: { userId: name } }, scope);
    const source = { channel: 'tool' as const, ref: name };
    const { id } = await agent.remember('text', {
      key: name,
      idempotencyKey: name,
      source,
      metadata: { [name]: name },
    });
    expect(await agent.get(id)).toMatchObject({
      ...scope,
      agentId: name,
      onBehalfOf: name,
      key: name,
      source,
      metadata: { [name]: name },
    });
    expect((await agent.get({ namespace: scope.namespace, key: name }))?.id).toBe(id);
    expect(await agent.count()).toBe(1);
    expect(await store.admin.count(scope)).toBe(1);
    expect((await agent.recall('text')).map((hit) => hit.id)).toEqual([id]);
    expect(await agent.count({ filter: { metadata: { [name]: name }, key: name, agentId: name } })).toBe(1);
    expect(
      (await agent.remember('text', { key: name, idempotencyKey: name, source, metadata: { [name]: name } })).id,
    ).toBe(id);
  }
  expect(await store.admin.namespaces({ maxDepth: 1 })).toHaveLength(new Set(names).size);
});
