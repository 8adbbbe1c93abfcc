import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../store/stores';
import { shell } from './shell';

const commands = [
  'stats',
  'list',
  'recall',
  'export',
  'import',
  'forget',
  'consolidate',
  'verify',
  'backup',
  'snapshot',
  'snapshots',
  'purge',
  'hold',
  'erase',
  'receipts',
  'rules',
  'mcp',
];

describe('help', () => {
  test.each([['--help'], ['-h'], ['help']])('%s lists every command and every exit code', async (word) => {
    const { code, out, errors } = await shell([word]);
    expect([code, errors]).toEqual([0, []]);
    for (const name of commands) expect(out.join('\n')).toMatch(new RegExp(`^  ${name} `, 'm'));
    const exitCodes = out.join('\n').split('Exit codes:\n')[1] ?? '';
    expect(exitCodes.match(/^ {2}\d+/gm)?.map(Number)).toEqual([0, 1, 2, 130, 141, 143]);
  });

  test('prints help with the exit code of a usage error if there is no command', async () => {
    expect((await shell([])).code).toBe(2);
  });

  test.each(commands)('%s --help and help COMMAND print options and examples', async (name) => {
    const { code, out } = await shell([name, '--help']);
    expect(code).toBe(0);
    expect(out[0]).toMatch(new RegExp(`^Usage: multi-agent-memory ${name} FOLDER`));
    expect(out[0]).toContain('\n  multi-agent-memory ');
    expect((await shell(['help', name])).out).toEqual(out);
  });

  test('--version prints the version', async () => {
    expect(await shell(['--version'])).toEqual({ code: 0, out: ['1.2.3'], errors: [] });
  });
});

describe('an invalid command line', () => {
  test('leads to a suggestion of the command with the most similar name', async () => {
    const { code, errors } = await shell(['recal', './memory']);
    expect(code).toBe(2);
    expect(errors[0]).toContain('Did you mean recall?');
  });

  test('leads to one error with every problem, and no store is opened', async () => {
    const { code, errors } = await shell([
      ...['list', '--limit=0', '--namespace=[1]', '--filter={', '--colour', '--oldest=yes'],
      ...['--agent=a', '--user=u', '--about-user=x', '--about-user=y', '--session', '--all'],
    ]);
    expect(code).toBe(2);
    expect(errors).toEqual([
      'Invalid --limit: expected an integer from 1 to 1000000000, got "0".',
      'Invalid --namespace: expected labels, such as support/eu or ["a/b","c"], got "[1]".',
      'Invalid --filter: expected a JSON object, got "{".',
      'Unknown option --colour.',
      '--oldest takes no value. Write only --oldest.',
      '--session requires a value: --session=ID.',
      'Invalid arguments: expected FOLDER, got 0 arguments.',
      '--about-user may be given only once.',
      'Give only one of --agent, --user.',
      'Run "multi-agent-memory list --help" for its options and examples.',
    ]);
  });

  test.each([
    [['recall', './m'], 'Invalid arguments: expected FOLDER QUESTION, got 1 argument.'],
    [['recall', './m', 'a', 'b'], 'Invalid arguments: expected FOLDER QUESTION, got 3 arguments.'],
    [['recall', './m', 'q', '--mode=fast'], 'Invalid --mode: expected hybrid or semantic or keyword, got "fast".'],
    [['recall', './m', 'q', '--top-k=1e3'], 'Invalid --top-k: expected an integer from 1 to 1000, got "1e3".'],
    [['recall', './m', 'q', '--embedder=big'], 'Invalid --embedder: expected minilm, got "big".'],
    [['stats', './m', '--on-behalf-of=u'], '--on-behalf-of requires --agent, --user or --service.'],
    [['stats', './m', '-x'], 'Unknown option -x.'],
    [['mcp', './m'], 'One of --agent, --user and --service is required: the principal that clients act as.'],
    [['mcp', './m', '--agent=a', '--http'], '--http requires either --token-file or --token-env.'],
    [['mcp', './m', '--agent=a', '--port=80'], '--port requires --http.'],
    [
      ['import', './m', '--from=xml'],
      'Invalid --from: expected export or mem0 or langgraph or langchain or mcp-memory or letta or markdown or chatgpt or ' +
        'claude or openai or sharegpt or sillytavern or whatsapp or csv or json, got "xml".',
    ],
    [
      ['import', './m', '--session=s'],
      '--session requires --from=langchain or --from=openai or --from=sharegpt or --from=sillytavern or --from=whatsapp.',
    ],
    [['import', './m', '--from=csv'], '--from=csv requires --text-column.'],
    [['import', './m', '--from=json'], '--from=json requires --text-field.'],
    [['import', './m', '--text-field=a'], '--text-field requires --from=json.'],
    [['import', './m', '--from=csv', '--text-column=a', '--date-order=day'], '--date-order requires --from=whatsapp.'],
    [['forget', './m'], 'Give either ids or a selection, such as --about-user=ID.'],
    [['forget', './m', 'id', '--tag=t'], 'Give either ids or a selection, such as --about-user=ID.'],
    [['forget', './m', 'id', '--yes'], 'Remove --yes: it is for selections. Ids are deleted without it.'],
  ])('with the arguments %j is rejected, and the first problem is: %s', async (words, problem) => {
    const { code, out, errors } = await shell(words);
    expect([code, out, errors[0]]).toEqual([2, [], problem]);
  });
});

describe('a folder without a store', () => {
  test.each([
    ['stats'],
    ['list'],
    ['recall', 'q'],
    ['export'],
    ['forget', 'some-id'],
    ['forget', '--tag=t', '--yes'],
    ['consolidate'],
    ['verify'],
    ['verify', '--repair'],
  ])('is not created by %s', async (name, ...rest) => {
    const folder = `${await temporaryFolder()}/nothing`;
    const { code, out, errors } = await shell([name, folder, ...rest]);
    expect([code, out]).toEqual([1, []]);
    expect(errors.join('\n')).toContain(folder);
    await expect(import('node:fs/promises').then(({ stat }) => stat(folder))).rejects.toThrow('ENOENT');
  });
});
