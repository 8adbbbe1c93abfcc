import { type MemoryHandle, MemoryStore } from 'multi-agent-memory';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { analyze, analyzeQuery } from '../../src/keyword-index/analyzer';
import { languagesOf } from '../../src/keyword-index/languages/language';
import { type LanguageSet, languageSets } from './language-sets';

const sets = languageSets();

/** How many of the questions find their fact first, by words alone. */
async function firstHits(handle: MemoryHandle, { facts }: LanguageSet): Promise<number> {
  let found = 0;
  for (const { text, question } of facts) {
    const [hit] = await handle.recall(question, { mode: 'keyword', topK: 1 });
    if (hit?.text === text) found++;
  }
  return found;
}

describe('a question in other forms of the words finds its fact first', () => {
  let store: MemoryStore;
  beforeAll(async () => {
    store = await MemoryStore.inMemory();
    for (const { language, facts } of sets)
      await store.admin
        .within({ namespace: [language] })
        .rememberMany(facts.map(({ text }) => ({ text, embed: false as const })));
  });
  afterAll(() => store.close());

  test.each(sets)('in $language, nine times of ten', async (set) => {
    expect(await firstHits(store.admin.within({ namespace: [set.language] }), set)).toBeGreaterThanOrEqual(27);
  });

  test.each(sets)('in $language among facts in all languages, nine times of ten', async (set) => {
    expect(await firstHits(store.admin, set)).toBeGreaterThanOrEqual(27);
  });
});

describe('the language of a text', () => {
  test.each([
    ['The invoice is sent on Monday.', ''],
    ['We met in Rio de Janeiro, and it was fun.', ''],
    ['promo banner', ''],
    ['Die Rechnung kommt am Montag.', 'de'],
    ['La facture arrive lundi avec le colis.', 'fr'],
    ['Kissa nukkuu ikkunalaudalla.', 'fi'],
    ['Faktura przychodzi w poniedziałek.', 'pl'],
    ['Fatura pazartesi günü geliyor ve ödeniyor.', 'tr'],
  ])('of %j is %j', (text, language) => {
    expect(languagesOf(text).latin.join()).toBe(language);
  });

  test('is almost never another one for English', () => {
    const english = sets.find(({ language }) => language === 'en')?.facts ?? [];
    expect(
      english.flatMap(({ text, question }) => [text, question]).filter((text) => languagesOf(text).latin.length > 0),
    ).toEqual([]);
  });
});

describe('the tokens of a text in another language', () => {
  test('contain those that it has if its language is not known, so that words alone find it', () => {
    expect(analyze('Die Rechnungen')).toEqual(expect.arrayContaining(analyzeQuery('Rechnungen Montag').slice(0, 1)));
  });

  test.each([
    ['Die Häuser sind neu.', 'Wo ist das Haus?'],
    ['Das ist die Lieferadresse.', 'Wie ist die Adresse?'],
    ['Это новые заказы.', 'Где заказ?'],
    ['هذه هي المدرسة', 'أين مدرسة'],
    ['यह किताबें हैं', 'किताब कहाँ है'],
    ['Işıklar ve evler', 'ev nerede'],
  ])('of %j meet those of %j', (text, query) => {
    const tokens = new Set(analyze(text));
    expect(analyzeQuery(query).filter((term) => tokens.has(term))).not.toEqual([]);
  });
});
