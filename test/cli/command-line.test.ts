import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../store/stores';
import { shell } from './shell';

const commands = ['stats', 'list', 'recall', 'export', 'import', 'forget', 'verify', 'backup', 'mcp'];

describe('help', () => {
  test.each([['--help'], ['-h'], ['help']])('%s names every command and every exit code', async (word) => {
    const { code, out, told } = await shell([word]);
    expect([code, told]).toEqual([0, []]);
    for (const name of commands) expect(out.join('\n')).toMatch(new RegExp(`^  ${name} `, 'm'));
    expect(out.join('\n')).toContain('Exit codes: 0 done');
  });

  test('without a word, help comes with the exit code of misuse', async () => {
    expect((await shell([])).code).toBe(2);
  });

  test.each(commands)('%s --help shows its options and examples, also as help COMMAND', async (name) => {
    const { code, out } = await shell([name, '--help']);
    expect(code).toBe(0);
    expect(out[0]).toMatch(new RegExp(`^multi-agent-memory ${name} FOLDER`));
    expect(out[0]).toContain('\n  multi-agent-memory ');
    expect((await shell(['help', name])).out).toEqual(out);
  });

  test('--version', async () => {
    expect(await shell(['--version'])).toEqual({ code: 0, out: ['1.2.3'], told: [] });
  });
});

describe('a command line that makes no sense', () => {
  test('names the nearest command', async () => {
    const { code, told } = await shell(['recal', './memory']);
    expect(code).toBe(2);
    expect(told[0]).toContain('did you mean recall?');
  });

  test('is told every problem at once, and nothing is opened', async () => {
    const { code, told } = await shell([
      ...['list', '--limit=0', '--namespace=[1]', '--filter={', '--colour', '--oldest=yes'],
      ...['--agent=a', '--user=u', '--about-user=x', '--about-user=y', '--session', '--all'],
    ]);
    expect(code).toBe(2);
    expect(told).toEqual([
      '--limit takes a whole number in 1..1000000000, not "0".',
      '--namespace takes labels as support/eu or ["a/b","c"], not "[1]".',
      '--filter takes an object as JSON, not "{".',
      'There is no option --colour.',
      '--oldest takes no value.',
      '--session takes ID: --session=ID.',
      'It takes: FOLDER.',
      '--about-user is given more than once.',
      'One of --agent, --user at a time.',
      'multi-agent-memory list --help shows what it takes.',
    ]);
  });

  test.each([
    [['recall', './m'], 'It takes: FOLDER QUESTION.'],
    [['recall', './m', 'a', 'b'], 'It takes: FOLDER QUESTION.'],
    [['recall', './m', 'q', '--mode=fast'], '--mode takes hybrid or semantic or keyword, not "fast".'],
    [['recall', './m', 'q', '--top-k=1e3'], '--top-k takes a whole number in 1..1000, not "1e3".'],
    [['recall', './m', 'q', '--embedder=big'], '--embedder takes minilm, not "big".'],
    [['stats', './m', '--on-behalf-of=u'], '--on-behalf-of needs --agent, --user or --service.'],
    [['stats', './m', '-x'], 'There is no option -x.'],
    [['mcp', './m'], 'It needs --agent, --user or --service: who acts for its clients.'],
    [['mcp', './m', '--agent=a', '--http'], '--http needs one of --token-file and --token-env.'],
    [['mcp', './m', '--agent=a', '--port=80'], '--port goes with --http.'],
    [['import', './m', '--from=csv'], '--from takes export or mem0 or langgraph or langchain, not "csv".'],
    [['import', './m', '--session=s'], '--session goes with --from=langchain.'],
    [['forget', './m'], 'It takes ids, or a selection such as --about-user=ID.'],
    [['forget', './m', 'id', '--tag=t'], 'It takes ids, or a selection such as --about-user=ID.'],
    [['forget', './m', 'id', '--yes'], '--yes goes with a selection: ids are forgotten at once.'],
  ])('%j', async (words, problem) => {
    const { code, out, told } = await shell(words);
    expect([code, out, told[0]]).toEqual([2, [], problem]);
  });
});

describe('a folder that holds no store', () => {
  test.each([
    ['stats'],
    ['list'],
    ['recall', 'q'],
    ['export'],
    ['forget', 'some-id'],
    ['forget', '--tag=t', '--yes'],
    ['verify'],
    ['verify', '--repair'],
  ])('is not made one by %s', async (name, ...rest) => {
    const folder = `${await temporaryFolder()}/nothing`;
    const { code, out, told } = await shell([name, folder, ...rest]);
    expect([code, out]).toEqual([1, []]);
    expect(told.join('\n')).toContain(folder);
    await expect(import('node:fs/promises').then(({ stat }) => stat(folder))).rejects.toThrow('ENOENT');
  });
});
