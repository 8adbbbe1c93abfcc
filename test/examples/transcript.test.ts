import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { notes } from '../../examples/customer-service/agent-notes';
import { parseTask, UsageError } from '../../examples/customer-service/arguments';
import { questions } from '../../examples/customer-service/questions';
import { loadSessions } from '../../examples/customer-service/sessions';
import { readTranscript, TranscriptError } from '../../examples/customer-service/transcript';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'examples-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function read(content: string) {
  const file = join(folder, 'chat.jsonl');
  await writeFile(file, content);
  return readTranscript(file);
}

const good = '{"speaker":"Ana","text":"hi","time":"2025-03-03T09:12:20+01:00","session":"s-1"}';

describe('readTranscript', () => {
  it('accepts a byte order mark, CRLF, blank lines and no newline at the end, and numbers lines like an editor', async () => {
    const turns = await read(`\uFEFF${good}\r\n\r\n   \n${good}`);
    expect(turns.map(({ line, speaker }) => [line, speaker])).toEqual([
      [1, 'Ana'],
      [4, 'Ana'],
    ]);
  });

  it.each([
    ['a date alone', '2025-03-03'],
    ['no zone', '2025-03-03T09:12:20'],
    ['no such month', '2025-13-03T09:12:20Z'],
  ])('rejects a time with %s', async (_why, time) => {
    await expect(read(good.replace('2025-03-03T09:12:20+01:00', time))).rejects.toThrow(`got "${time}"`);
  });

  it.each(['null', '"text"', '7', '[]', '{"speaker":'])('rejects the line %s', async (line) => {
    await expect(read(`${good}\n${line}`)).rejects.toThrow(/1 invalid line.*\n {2}line 2: not a/);
  });

  it('reports every field that is missing or has the wrong type', async () => {
    const line = '{"speaker":7,"text":" ","session":null}';
    await expect(read(line)).rejects.toThrow(
      'line 1: speaker: expected a string that is not empty; text: expected a string that is not empty; time is missing; ' +
        'session: expected a string that is not empty.',
    );
  });

  it('rejects a file without turns and a file that does not exist', async () => {
    await expect(read('\n')).rejects.toThrow('has no turns');
    await expect(readTranscript(join(folder, 'absent'))).rejects.toThrow(TranscriptError);
  });
});

describe('the command line', () => {
  it('plays the week without arguments, and answers questions if both options are given', () => {
    expect(parseTask([])).toEqual({ do: 'play' });
    expect(parseTask(['--ask', 'a?', '--transcript', 'f', '--ask', 'b?'])).toEqual({
      do: 'ask',
      file: 'f',
      questions: ['a?', 'b?'],
    });
    expect(parseTask(['--help', '--ask', 'a?'])).toEqual({ do: 'help' });
  });

  it.each([
    ['--ask', 'a?'],
    ['--transcript', 'f'],
    ['--transcript', 'f', '--ask', ' '],
    ['--transcript', '', '--ask', 'a?'],
    ['--transcripts', 'f'],
    ['f'],
  ])('rejects %s %s', (...args) => {
    expect(() => parseTask(args)).toThrow(UsageError);
  });
});

describe('the transcripts of the week', () => {
  it('cover five customers and three agents; each session has 24 to 40 turns', async () => {
    const sessions = await loadSessions();
    for (const { turns } of sessions) {
      expect(turns.length).toBeGreaterThanOrEqual(24);
      expect(turns.length).toBeLessThanOrEqual(40);
    }
    expect(new Set(sessions.map(({ agent }) => agent))).toEqual(new Set(['billing', 'returns', 'technical-support']));
    const days = new Map<string, Set<string>>();
    for (const { customer, startsAt } of sessions) {
      days.set(customer, (days.get(customer) ?? new Set()).add(startsAt.toISOString().slice(0, 10)));
    }
    expect(days.size).toBe(5);
    for (const daysOfCustomer of days.values()) expect(daysOfCustomer.size).toBeGreaterThanOrEqual(2);
  });

  it('contain every session that a note or a question names, and no question contains its answer', async () => {
    const ids = new Set((await loadSessions()).map(({ id }) => id));
    for (const id of [...notes.map(({ session }) => session), ...questions.map(({ before }) => before)]) {
      expect(ids).toContain(id);
    }
    for (const { ask, expect: answer } of questions) expect(ask).not.toMatch(answer);
  });
});
