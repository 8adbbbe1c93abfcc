import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { playWeek } from '../../examples/customer-service/support-week';
import { columns, screenOn } from '../../examples/screen';
import { runExample } from './run-example';

const program = 'customer-service.ts';
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'examples-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function writeTranscript(content: string): Promise<string> {
  const file = join(folder, `${(await readdir(folder)).length}.jsonl`);
  await writeFile(file, content);
  return file;
}

function turn(fields: Record<string, unknown> = {}): string {
  const whole = {
    speaker: 'Ana',
    text: 'The keys are at the bakery.',
    time: '2025-03-03T09:12:20+01:00',
    session: 's-1',
  };
  return JSON.stringify({ ...whole, ...fields });
}

describe('the week of a customer service', () => {
  it('runs without network and finds the answer to every question', async () => {
    const { code, stdout, stderr } = await runExample(program);
    expect(stderr).toBe('');
    expect(stdout).not.toContain('✘');
    expect(stdout).toMatch(/\d+ memories are back after/);
    expect(stdout).toMatch(/returns asks: How does this customer want to be paid back\? {2}\d+(\.\d+)? ms/);
    expect(stdout).toMatch(/✔ \d {2}0\.\d{3} {2}note {2}by billing +Mon 3 Mar, 09:\d\d +s-101\n.*card ending/);
    expect(stdout).toContain('✔ The old memory is no longer recalled.');
    expect(stdout).toContain('✔ All of them are about customer-2093.');
    expect(stdout).toContain('✔ The memory is gone, also by its id.');
    expect(stdout).toContain('</recalled-memories>');
    expect(stdout).toMatch(/\d+ questions, each answered by one of the first three hits/);
    expect(code).toBe(0);
  });

  it('fails and prints the question if an expected answer is not among the first three hits', async () => {
    const written: string[] = [];
    const stream = new Writable({
      write(chunk, _encoding, done) {
        written.push(String(chunk));
        done();
      },
    });
    const impossible = { before: 's-107', ask: 'What is her shoe size?', expect: /size 38/, from: 'billing' };
    expect(await playWeek(screenOn(stream), [impossible])).toBe(false);
    const output = written.join('');
    expect(output).toContain(
      '✘ "What is her shoe size?" should have found /size 38/ by billing among the first 3 hits',
    );
    expect(Math.max(...output.split('\n').map(columns))).toBeLessThanOrEqual(100);
  });
});

describe('a transcript that the user provides', () => {
  it('is searched for each question; the answer shows turns, their neighbours, time, session and score', async () => {
    const file = await writeTranscript(
      [
        turn({ speaker: 'Ben', text: 'Where did you leave the keys?', time: '2025-03-03T09:11:00+01:00' }),
        turn({ mood: 'an extra field' }),
        turn({ speaker: 'Ben', text: 'Thanks, I am off then.', time: '2025-03-03T09:13:00+01:00' }),
        turn({ speaker: 'Cleo', text: 'Lunch on Friday at noon?', time: '2025-03-04T10:00:00Z', session: 's-2' }),
      ].join('\n'),
    );
    const args = ['--transcript', file, '--ask', 'the keys at the bakery', '--ask', 'lunch on Friday'];
    const { code, stdout, stderr } = await runExample(program, ...args);
    expect(stderr).toBe('');
    expect(stdout).toContain('4 turns of 2 sessions');
    expect(stdout).toMatch(
      /\n {2}1 {2}0\.\d{3} {2}2025-03-03T09:12:20\+01:00 {2}session s-1 {2}line 2\n {5}Ben: Where did you leave the keys\?\n {3}▸ Ana: The keys are at the bakery\.\n {5}Ben: Thanks, I am off then\.\n/,
    );
    expect(stdout).toMatch(/session s-2 {2}line 4\n {3}▸ Cleo: Lunch on Friday at noon\?\n/);
    expect(code).toBe(0);
  });

  it('is answered with at most five turns', async () => {
    const file = await writeTranscript(
      Array.from({ length: 9 }, (_, n) => turn({ text: `Key number ${n} is lost.` })).join('\n'),
    );
    const { stdout } = await runExample(program, '--transcript', file, '--ask', 'lost key');
    expect(stdout.match(/▸/g)).toHaveLength(5);
  });

  it('with invalid lines is rejected; every line is reported and nothing is stored', async () => {
    const file = await writeTranscript(
      [turn(), turn().slice(0, 40), '', turn({ text: '', time: '3 March' }), '[]'].join('\n'),
    );
    const { code, stdout, stderr } = await runExample(program, '--transcript', file, '--ask', 'keys');
    expect(stdout).toBe('');
    expect(stderr).toBe(
      [
        `${file} has 3 invalid lines. Nothing was stored.`,
        '  line 2: not a complete JSON object. Write each turn on one line.',
        '  line 4: text: expected a string that is not empty; time: expected ISO 8601 with a zone, such as ' +
          '2025-03-03T09:12:20+01:00, got "3 March".',
        '  line 5: not a JSON object.',
        '',
      ].join('\n'),
    );
    expect(code).toBe(1);
  });

  it('reports a missing option without a stack trace', async () => {
    const { code, stdout, stderr } = await runExample(program, '--transcript', 'chat.jsonl');
    expect(stdout).toBe('');
    expect(stderr).toContain('--transcript requires at least one question. Add --ask');
    expect(stderr).not.toContain('    at ');
    expect(code).toBe(1);
  });

  it('ends and removes its folder after a chat of 3,000 turns', async () => {
    const folders = async () => (await readdir(tmpdir())).filter((name) => name.startsWith('transcript-'));
    const before = await folders();
    const file = await writeTranscript(
      Array.from({ length: 3000 }, (_, n) => turn({ text: `Key number ${n}.` })).join('\n'),
    );
    const { code, stdout } = await runExample(program, '--transcript', file, '--ask', 'key number 2718');
    expect(stdout).toContain('▸ Ana: Key number 2718.');
    expect((await folders()).filter((name) => !before.includes(name))).toEqual([]);
    expect(code).toBe(0);
  });
});
