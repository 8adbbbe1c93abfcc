import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { analyze, analyzeAsUnknown, analyzeQuery, analyzerVersion } from '../../src/keyword-index/analyzer';
import { languagesOf } from '../../src/keyword-index/languages/language';

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  // Lone surrogates and NULs among them.
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 60 }).map((units) => String.fromCharCode(...units)),
  fc.string({ unit: fc.constantFrom(...'aB1-_ .\'"’é😀🇫東ใ한\0\ud800\udc00\u0301\u200d'), maxLength: 40 }),
);

describe('the tokens of a text', () => {
  test.each([
    ['words without case and punctuation, stemmed', 'The Refunds, REFUNDED!', ['the', 'refund', 'refund']],
    [
      'the parts and the whole of an id',
      'order A-1182 for customer_4417',
      ['order', 'a', '1182', 'a1182', 'for', 'custom', '4417', 'customer4417'],
    ],
    ['the parts and the whole of a hyphenated word', 'well-known', ['well', 'known', 'wellknown']],
    [
      'the parts and the whole of an e-mail address',
      'anna.smith@example.com',
      ['anna', 'smith', 'annasmith', 'exampl', 'com', 'examplecom', 'annasmithexamplecom'],
    ],
    ['names in programs', 'XMLParser getURLs', ['xml', 'parser', 'xmlparser', 'get', 'url', 'geturl']],
    ['versions with their points', 'v1.2.3 is not 123', ['v1', '2', '3', '1.2.3', 'is', 'not', '123']],
    [
      'numbers with thousands',
      '10,000 or 10.000 or 10\u202f000',
      ['10000', 'or', '10', '000', '10.000', '10000', 'or', '10000'],
    ],
    ['names with an apostrophe', "O'Brien, Anna's", ['o', 'brien', 'obrien', 'anna', 's']],
    ['keys in base 64 as one word', 'aGVsbG8gd29ybGQgYWdh', ['agvsbg8gd29ybgqgywdh']],
    ['a choice of words in parts', 'and/or', ['and', 'or']],
    ['both spellings of umlauts', 'Müller Straße', ['muller', 'mueller', 'strass']],
    ['simplified and traditional Han alike', '電腦 电脑', ['电', '电脑', '脑', '电', '电脑', '脑']],
    ['forms of Arabic letters alike', 'مدرسة مدرسه إلى الی', ['مدرسه', 'مدرسه', 'الي', 'الي']],
    ['accents folded', 'Café Ørsted naïve Łódź', ['cafe', 'orst', 'naiv', 'lodz']],
    ['letters that become several letters', 'Straße ﬁne Œuvre', ['strass', 'fine', 'oeuvr']],
    ['Greek words with either form of sigma', 'ΟΔΟΣ οδος', ['οδοσ', 'οδοσ']],
    ['typographic punctuation as plain', 'Anna’s “card”—ending…', ['anna', 's', 'card', 'end']],
    ['letterlike symbols separate from their neighbours', '№4417 Acme™', ['no', '4417', 'acm', 'tm']],
    ['wide and other digits as ASCII where they are compatible', '４４１７ m²', ['4417', 'm2']],
    ['emoji and flags one by one', 'thanks🎉🎉 👩‍💻 🇫🇷', ['thank', '🎉', '🎉', '👩', '💻', '🇫🇷']],
    ['Arabic and Hebrew without points', 'مَرْحَبًا שָׁלוֹם', ['مرحبا', 'שלום']],
    ['vowel signs kept where they make the word', 'हिन्दी', ['हिन्दी']],
    ['Han and Kana in pairs, Han also one by one', 'お茶を', ['お茶', '茶', '茶を']],
    ['half-width Kana with its voicing marks', 'ｶﾞﾗｽ', ['がら', 'らす']],
    ['Korean in pairs', '학교에서', ['학교', '교에', '에서']],
    ['different scripts within one run separately', 'iPhone15を買', ['i', 'phone15', 'iphone15', 'を买', '买']],
    ['control characters and lone surrogates between words', 'x\0y\ud800z', ['x', 'y', 'z']],
    ['query languages as plain text', `'; DROP TABLE "x" NEAR(a* b)`, ['drop', 'tabl', 'x', 'near', 'a', 'b']],
    ['no tokens if there are only spaces and punctuation', ' \t -- … \0', []],
  ])('%s', (_, text, tokens) => {
    expect(analyzeAsUnknown(text)).toEqual(tokens);
  });

  test('are at most 64 units long, and never cut within a character', () => {
    expect(analyze('x'.repeat(100_000))).toEqual(['x'.repeat(64)]);
    expect(analyze(`x${'𝼀'.repeat(50)}`)).toEqual([`x${'𝼀'.repeat(31)}`]);
  });

  test('are, for two joined texts, the tokens of both texts in order', () => {
    fc.assert(
      fc.property(anyText, anyText, (a, b) => {
        const [first, second, both] = [a, b, `${a}\n${b}`].map((text) => languagesOf(text).key);
        fc.pre(first === both && second === both);
        expect(analyze(`${a}\n${b}`)).toEqual([...analyze(a), ...analyze(b)]);
      }),
    );
  });

  test('are the same for plain English beside other languages', () => {
    const plain = fc.array(fc.constantFrom(..."aBcCz019-_ .,/'@\0"), { maxLength: 80 }).map((units) => units.join(''));
    fc.assert(
      fc.property(plain, (text) => {
        expect(analyzeAsUnknown(`${text} 茶`)).toEqual([...analyzeAsUnknown(text), '茶']);
      }),
      { numRuns: 1_000 },
    );
  });

  test('are the same for a long text as for its lines', () => {
    const lines = Array.from({ length: 1_000 }, (_, i) => `Refunds for order A-${i} of customer_${i % 7}.`);
    expect(analyze(lines.join('\n'))).toEqual(lines.flatMap(analyze));
  });

  test('of words with hyphens are found much faster if the words were analyzed before', () => {
    let count = 0;
    // The shortest of several rounds, because the first ones compile.
    const timeOf = (wordsOf: () => string) => {
      const times = Array.from({ length: 8 }, () => {
        const before = process.cpuUsage();
        for (let i = 0; i < 1_000; i++) analyze(wordsOf());
        const { user, system } = process.cpuUsage(before);
        return user + system;
      });
      return Math.min(...times);
    };
    const newWords = () => Array.from({ length: 8 }, () => `follow-up-${count++}`).join(' ');
    const known = newWords();
    const ofNew = timeOf(newWords);
    expect(timeOf(() => known)).toBeLessThan(ofNew / 2);
  });

  test('do not depend on how many words were analyzed before', () => {
    const words = Array.from({ length: 100_000 }, (_, i) => `q${i.toString(36)}x`);
    const some = words.filter((_, i) => i % 50 === 0);
    const tokens = some.map((word) => analyze(`茶 ${word}`)[1]);
    for (let round = 0; round < 2; round++) {
      for (const word of words) analyze(word);
      expect(some.flatMap(analyze)).toEqual(tokens);
    }
  });

  test('do not depend on texts that were analyzed before', () => {
    const text = 'Refunds for order A-1182, 東京都';
    const before = analyze(text);
    for (let i = 0; i < 25_000; i++) analyze(`word${i}`);
    expect(analyze(text)).toEqual(before);
  });

  test('contain every pair of neighbouring characters of a text without spaces', () => {
    const spaceless = fc.string({
      unit: fc.constantFrom(...'東京都庁新宿お茶を飲むガラスกาแฟชอบកខគမြန်'),
      minLength: 2,
      maxLength: 30,
    });
    fc.assert(
      fc.property(spaceless, fc.nat(), (text, seed) => {
        const characters = [...text];
        const at = seed % (characters.length - 1);
        const tokens = new Set(analyze(text));
        expect(analyzeQuery(`${characters[at]}${characters[at + 1]}`).filter((term) => !tokens.has(term))).toEqual([]);
      }),
    );
  });
});

describe('the terms of a query', () => {
  test('are its tokens in order, each once, without stop words', () => {
    expect(analyzeQuery('How does the customer want to be paid, and which customer is it?')).toEqual([
      'custom',
      'want',
      'paid',
    ]);
  });

  test('include stop words if the query has no other words', () => {
    expect(analyzeQuery('To be or not to be')).toEqual(['to', 'be', 'or', 'not']);
  });

  test('leave out stop words by their spelling, not by their stem', () => {
    expect(analyzeQuery('hi to all')).toEqual(['hi']);
  });

  test('match an id as a whole or in parts, with any separator', () => {
    expect(analyze('order A-1182')).toEqual(expect.arrayContaining(analyzeQuery('A-1182')));
    expect(analyze('order A-1182')).toEqual(expect.arrayContaining(analyzeQuery('a1182')));
    expect(analyze('order A-1182')).toEqual(expect.arrayContaining(analyzeQuery('1182')));
  });

  test.each([
    ['promo banner', 'PromoBanner'],
    ['PromoBanner', 'the promo_banner'],
    ['promobanner', 'promo-banner'],
    ['keyword index', 'src/keyword-index/analyzer.ts'],
    ['analyzer.ts', 'src/keyword-index/analyzer.ts'],
    ['nodejs', 'Node.js'],
    ['email', 'E-mails'],
    ['10000', '10,000'],
    ['obrien', 'O’Brien'],
    ['4417', '٤٤١٧'],
    ['4417', '४४१७'],
    ['Mueller', 'Müller'],
    ['Müller', 'Mueller'],
    ['がらす', 'ガラス'],
    ['電腦', '电脑'],
  ])('of %s are tokens of %s', (query, text) => {
    const tokens = new Set(analyze(text));
    expect(analyzeQuery(query).some((term) => tokens.has(term))).toBe(true);
  });

  test('are at most 64 in number', () => {
    const words = Array.from({ length: 100 }, (_, i) => `q${i}`);
    expect(analyzeQuery(words.join(' '))).toEqual(words.slice(0, 64));
  });
});

test('the tokens of any text are well-formed, so that UTF-8 gives the same tokens again', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      for (const token of analyze(text)) {
        expect(token.isWellFormed()).toBe(true);
        expect(token.length).toBeGreaterThan(0);
        expect(token.length).toBeLessThanOrEqual(64);
      }
    }),
    { numRuns: 500 },
  );
});

test('the digits of all scripts are folded', () => {
  const zeros = Array.from({ length: 0x110000 }, (_, code) => code).filter(
    (code) =>
      /^\p{Nd}$/u.test(String.fromCodePoint(code)) &&
      code % 2 === 0 &&
      !/^\p{Nd}$/u.test(String.fromCodePoint(code - 1)),
  );
  expect(zeros.length).toBeGreaterThan(50);
  for (const zero of zeros) expect(analyze(String.fromCodePoint(zero + 4, zero + 9))).toEqual(['49']);
});

test('the version of the analyzer contains the Unicode version on which tokens depend', () => {
  expect(analyzerVersion).toContain(process.versions.unicode);
});
