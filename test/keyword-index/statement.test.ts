import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Statement } from '../../src/keyword-index/statement';

const relation = (a: string, b: string) => new Statement(a).relationTo(new Statement(b));

describe('relationTo', () => {
  test.each([
    ['Deploys happen on Tuesday.', ' deploys  happen on Tuesday', 'equal'],
    ['Ann prefers tea in the morning.', 'In the morning Ann prefers tea.', 'same'],
    ['The user prefers dark mode.', 'The user likes dark mode.', 'same'],
    ['The well in Oslo is 40 metres deep.', 'Oslo: the well is 40 meters deep.', 'same'],
    ['The user prefers dark mode.', 'User prefers the dark mode in the editor', 'more'],
    ['User prefers the dark mode in the editor', 'The user prefers dark mode.', 'less'],
    ['The cache is cleared after each deployment', 'After each deployment the cache is cleared', 'same'],
    ['?', '!', undefined],
    ['The user prefers short answers without lists', 'The user wants short answers with no lists', 'less'],
  ])('of %j and %j', (a, b, expected) => {
    expect(relation(a, b)).toBe(expected);
  });

  test.each([
    ['a number', 'The well is 40 metres deep.', 'The well is 41 metres deep.'],
    ['the order of numbers', 'The price rose from 10 to 20 euros.', 'The price rose from 20 to 10 euros.'],
    ['a name', 'The office is in Berlin.', 'The office is in Munich.'],
    ['an added name', 'The order is for Ann Lee.', 'The order is for Ann Lee and Bob.'],
    ['a negation', 'The server is open.', 'The server is not open.'],
    ['the value', 'Ann prefers tea in the morning.', 'Ann prefers coffee in the morning.'],
    ['the opposite', 'The room is on the left side.', 'The room is on the right side.'],
    ['a direction', 'The price goes up each year.', 'The price goes down each year.'],
    ['the order of names', 'Today Bob manages Alice.', 'Today Alice manages Bob.'],
    ['the roles', 'The worker calls the server.', 'The server calls the worker.'],
    ['the time', 'The office was in the old town.', 'The office is in the old town.'],
    ['the person', 'I like strong tea.', 'You like strong tea.'],
    ['the word before or after', 'The shop closes before lunch.', 'The shop closes after lunch.'],
    ['a German value', 'Der Server steht im Keller.', 'Der Server steht im Dachgeschoss.'],
    ['a Japanese value', '彼は朝に緑茶を飲みます。', '彼は朝に珈琲を飲みます。'],
  ])('is undefined for texts that differ in %s', (_, a, b) => {
    expect(relation(a, b)).toBeUndefined();
    expect(relation(b, a)).toBeUndefined();
  });

  const word = fc.constantFrom(
    ...'Ann Bob 10 20 not tea coffee likes prefers before after was is the user dark mode'.split(' '),
  );
  const sentence = fc.array(word, { minLength: 1, maxLength: 7 }).map((words) => words.join(' '));
  const opposite = { equal: 'equal', same: 'same', more: 'less', less: 'more' } as const;

  test('is the opposite in the other direction, and each text equals itself', () => {
    fc.assert(
      fc.property(sentence, sentence, (a, b) => {
        const found = relation(a, b);
        expect(relation(b, a)).toBe(found && opposite[found]);
        expect(relation(a, a)).toBe('equal');
      }),
      { numRuns: 500 },
    );
  });
});

test('a text that says the same has enough of the words by which it is searched', () => {
  const a = new Statement('The well in Oslo is 40 metres deep.');
  expect(a.searchWords[0]).toBe('40');
  expect(a.leastSearchWords).toBe(4);
});
