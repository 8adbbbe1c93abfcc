import { describe, expect, test } from 'vitest';
import { effectProblems, voiceProblems } from './effects';
import { librarySources } from './sources';

const sources = librarySources();
const planted = (text: string) => [{ path: 'write/write.ts', text }];

describe('only environment/ uses time, randomness and timers', () => {
  test('in the library', () => {
    expect(effectProblems(sources)).toEqual([]);
  });

  test.each([
    'const at = Date.now();',
    'const at = new Date();',
    'const at = new Date;',
    'const at = Date();',
    'const clock = { now: Date.now };',
    'const x = Math.random();',
    'const started = performance.now();',
    'const started = process.hrtime.bigint();',
    'setTimeout(done, 5);',
    'globalThis.setTimeout(done, 5);',
    'const options = { setImmediate };',
    'const wait = setInterval;',
    'const id = crypto.randomUUID();',
    `import { randomBytes as bytes } from 'node:crypto';`,
    `import { setTimeout as sleep } from 'node:timers/promises';`,
    `import { v7 } from 'uuid';`,
  ])('a planted use is reported: %s', (text) => {
    expect(effectProblems(planted(text))).toEqual([expect.stringMatching(/^src\/write\/write\.ts:1: .+ may$/)]);
  });

  test.each([
    'const at = new Date(record.at);',
    'const at = clock.now();',
    'const { randomBytes } = environment; randomBytes(8);',
    'type Timer = ReturnType<typeof setTimeout>;',
    'const x = options.setTimeout;',
    `import { validate } from 'uuid';`,
    `const source = 'Date.now()'; // Math.random()`,
  ])('code that only looks like such a use is not reported: %s', (text) => {
    expect(effectProblems(planted(text))).toEqual([]);
  });

  test('environment/ may use them', () => {
    expect(effectProblems([{ path: 'environment/clock.ts', text: 'Date.now()' }])).toEqual([]);
  });
});

describe('the library prints nothing', () => {
  test('in the library', () => {
    expect(voiceProblems(sources)).toEqual([]);
  });

  test.each([
    `console.log('x');`,
    `globalThis.console.warn('x');`,
    'const log = console.debug;',
    'const { log } = console;',
    `process.stdout.write('x');`,
    'const err = process.stderr;',
    `process.emitWarning('x');`,
  ])('a planted use of an output stream is reported: %s', (text) => {
    expect(voiceProblems(planted(text))).toHaveLength(1);
  });

  test('the name of an output stream in a comment or a string is not reported', () => {
    expect(voiceProblems(planted(`const console1 = 'console.log'; // console.log`))).toEqual([]);
  });
});
