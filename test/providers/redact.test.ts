import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { redact, redactError, rootMessage } from '../../src/providers/redact';

const nothing = { secrets: [], texts: [] };
const secret = fc.stringMatching(/^[A-Za-z0-9+/=_-]{8,40}$/);

describe('redact', () => {
  test('returns one line of at most 300 characters', () => {
    expect(redact('The model\n  is loading.', nothing)).toBe('The model is loading.');
    expect(redact('x '.repeat(1000), nothing)!.length).toBeLessThanOrEqual(300);
    expect(redact(' ', nothing)).toBeUndefined();
  });

  test('removes secrets in every encoding', () => {
    fc.assert(
      fc.property(secret, fc.string(), fc.string(), (key, before, after) => {
        for (const form of [key, encodeURIComponent(key), JSON.stringify(key)]) {
          const quoted = redact(`${before.slice(0, 100)} ${form} ${after}`, { secrets: [key], texts: [] }) ?? '';
          expect(quoted).not.toContain(key);
        }
      }),
    );
  });

  test.each([
    'Incorrect API key provided: sk-proj-abcdefgh12345678.',
    'Incorrect API key provided: abcd****************5678.',
    'Header was "Authorization: Bearer abcdefgh12345678"',
    'key AIzaSyabcdefgh12345678 is not valid',
  ])('removes strings that have the form of an API key: %s', (words) => {
    expect(redact(words, nothing)).not.toContain('5678');
  });

  test('returns undefined for a message that quotes a text, or 12 characters of a text', () => {
    const longText = fc.string({ minLength: 12, maxLength: 200 });
    fc.assert(
      fc.property(longText, fc.nat(), fc.string({ maxLength: 50 }), (text, at, before) => {
        const start = at % (text.length - 11);
        const piece = text.slice(start, start + 12);
        expect(redact(`${before}${piece} is bad`, { secrets: [], texts: ['other', text] })).toBeUndefined();
      }),
    );
    expect(redact('Bad input: "PIN 4417"', { secrets: [], texts: ['PIN 4417'] })).toBeUndefined();
    expect(redact('Bad input.', { secrets: [], texts: ['a', 'PIN 4417'] })).toBe('Bad input.');
  });
});

describe('redactError', () => {
  test('keeps name, code and message of an error and of its causes', () => {
    const inner = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    const error = redactError(new TypeError('fetch failed', { cause: inner }), nothing);
    expect(error).toMatchObject({ name: 'TypeError', message: 'fetch failed', cause: { code: 'ECONNREFUSED' } });
    expect(rootMessage(error)).toBe('connect ECONNREFUSED');
  });

  test('drops all other properties', () => {
    const thrown = Object.assign(new Error('No.'), {
      config: { key: 'hunter22' },
      code: 'hunter22',
      response: ['hunter22'],
    });
    thrown.stack = 'hunter22';
    thrown.name = 'hunter22 is the key';
    expect(inspect(redactError(thrown, nothing), { depth: 9, showHidden: true })).not.toContain('hunter22');
  });

  test('accepts every thrown value', () => {
    const ring: { cause?: unknown } = {};
    ring.cause = ring;
    for (const thrown of [undefined, null, 'no', 7, {}, [], Symbol('s'), ring, Object.create(null)])
      expect(redactError(thrown, nothing)).toBeInstanceOf(Error);
  });
});
