import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Memory } from 'multi-agent-memory';
import { beforeEach, describe, expect, test } from 'vitest';
import { temporaryFolder } from '../store/stores';
import { shell, values } from './shell';

let parent: string;
let folder: string;
beforeEach(async () => {
  parent = await temporaryFolder();
  folder = join(parent, 'memory');
});

const totals = { stored: 0, revised: 0, duplicates: 0, failed: 0 };

/** Imports a file twice: the second time must change nothing. Returns the memories, in any order, and what the first import said. */
async function imported(name: string, content: unknown, ...options: string[]) {
  const file = join(parent, name);
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content, null, 2));
  const first = await shell(['import', folder, file, ...options]);
  const { code, errors } = first;
  const memories = values<Memory>(await shell(['list', folder, '--oldest']));
  const [total] = values<typeof totals>(first);
  const [again] = values<typeof totals>(await shell(['import', folder, file, ...options]));
  expect(again).toEqual({ ...totals, duplicates: total?.stored, failed: total?.failed });
  expect(values<Memory>(await shell(['list', folder, '--oldest']))).toEqual(memories);
  return { memories, code, errors, total };
}

/** The memories with the texts of the expected ones, in their order: memories of one batch are written at the same time. */
function aligned<T extends { text?: string }>(memories: readonly T[], expected: readonly object[]): (T | undefined)[] {
  expect(memories).toHaveLength(expected.length);
  return expected.map((each) => {
    const { text } = ('sample' in each ? each.sample : each) as { text: string };
    return memories.find((memory) => memory.text === text);
  });
}

const brief = (memories: readonly Memory[]) =>
  memories.map(({ text, sessionId, validFrom, metadata }) => ({ text, sessionId, validFrom, metadata }));

describe('chatgpt', () => {
  const message = (id: string, role: string, content: object, createTime: number | null, metadata = {}) => ({
    ...{ id, author: { role, name: null, metadata: {} }, create_time: createTime, update_time: null, content },
    ...{ status: 'finished_successfully', end_turn: true, weight: 1, metadata, recipient: 'all', channel: null },
  });
  const node = (id: string, parentId: string | null, children: string[], own: object | null) => ({
    [id]: { id, message: own, parent: parentId, children },
  });
  const text = (...parts: unknown[]) => ({ content_type: 'text', parts });
  const conversation = {
    title: 'Bicycle',
    create_time: 1725000000.123,
    update_time: 1725000100.5,
    mapping: {
      ...node('root', null, ['sys'], null),
      ...node(
        'sys',
        'root',
        ['u1'],
        message('sys', 'system', text(''), null, { is_visually_hidden_from_conversation: true }),
      ),
      ...node('u1', 'sys', ['a0', 'a1'], message('u1', 'user', text('Which hub do I have?'), 1725000001.5)),
      ...node('a0', 'u1', [], message('a0', 'assistant', text('The answer that was regenerated.'), 1725000002)),
      ...node('a1', 'u1', ['t1'], message('a1', 'assistant', text('A Rohloff.'), 1725000003)),
      ...node('t1', 'a1', ['u2'], message('t1', 'tool', { content_type: 'execution_output', text: '1' }, 1725000004)),
      ...node(
        'u2',
        't1',
        ['a2'],
        message(
          'u2',
          'user',
          {
            content_type: 'multimodal_text',
            parts: [{ content_type: 'image_asset_pointer', asset_pointer: 'sediment://file_1' }, 'And this one?'],
          },
          1725000005,
        ),
      ),
      ...node('a2', 'u2', [], message('a2', 'assistant', { content_type: 'thoughts', thoughts: [] }, 1725000006)),
    },
    moderation_results: [],
    current_node: 'a2',
    conversation_id: 'c-1',
    id: 'c-1',
  };

  test('imports the messages of the last open branch', async () => {
    const { memories, errors, total } = await imported('conversations.json', [conversation], '--from=chatgpt');
    expect(total).toEqual({ ...totals, stored: 3 });
    expect(errors).toEqual(['Skipped: 1 hidden messages, 1 tool messages, 1 messages without text.']);
    const expected = [
      {
        text: 'Which hub do I have?',
        sessionId: 'c-1',
        validFrom: '2024-08-30T06:40:01.500Z',
        metadata: { role: 'user', title: 'Bicycle', messageId: 'u1' },
      },
      expect.objectContaining({
        text: 'A Rohloff.',
        metadata: { role: 'assistant', title: 'Bicycle', messageId: 'a1' },
      }),
      expect.objectContaining({ text: '[image]\nAnd this one?' }),
    ];
    expect(aligned(brief(memories), expected)).toEqual(expected);
    expect(memories[0]).toMatchObject({ namespace: ['chatgpt'], source: { channel: 'import', ref: 'chatgpt' } });
  });

  test('imports all messages if no branch is marked as open, and reports objects that are not conversations', async () => {
    const { current_node: _, ...rest } = conversation;
    const { memories, errors } = await imported(
      'c.json',
      [rest, { mappings: {} }],
      '--from=chatgpt',
      '--namespace=a/b',
    );
    expect(memories.map((each) => each.text)).toContain('The answer that was regenerated.');
    expect(memories[0]?.namespace).toEqual(['a', 'b']);
    expect(errors[0]).toBe('line 2: not a conversation of ChatGPT: expected an object with a field "mapping".');
  });
});

test('claude: imports messages with their parts, without thinking and tools', async () => {
  const message = (uuid: string, sender: string, text: string, content: object[]) => ({
    ...{
      uuid,
      text,
      content,
      sender,
      created_at: '2025-05-01T10:00:00.123456Z',
      updated_at: '2025-05-01T10:00:00.123456Z',
    },
    ...{ attachments: [], files: [{ file_name: 'a.png' }] },
  });
  const conversation = {
    ...{
      uuid: 'c-1',
      name: 'Refunds',
      summary: '',
      created_at: '2025-05-01T09:59:00Z',
      updated_at: '2025-05-01T10:00:00Z',
    },
    account: { uuid: 'account' },
    chat_messages: [
      message('m-1', 'human', 'How long?', [{ type: 'text', text: 'How long?', citations: [] }]),
      message('m-2', 'assistant', '```\nThis block is not supported.\n```\n\nThree days.', [
        { type: 'thinking', thinking: 'Let me see.' },
        { type: 'tool_use', name: 'search', input: {} },
        { type: 'text', text: 'Three days.' },
      ]),
      { uuid: 'm-3', text: 'An old export has no parts.', sender: 'human', created_at: '2023-08-01T10:00:00.1+00:00' },
      message('m-4', 'human', '', []),
    ],
  };
  const { memories, errors } = await imported('conversations.json', [conversation], '--from=claude');
  expect(errors).toEqual(['Skipped: 1 messages without text.']);
  const metadata = { role: 'user', title: 'Refunds', messageId: 'm-1' };
  const expected = [
    { text: 'How long?', sessionId: 'c-1', validFrom: '2025-05-01T10:00:00.123Z', metadata },
    expect.objectContaining({ text: 'Three days.', metadata: { ...metadata, role: 'assistant', messageId: 'm-2' } }),
    expect.objectContaining({ text: 'An old export has no parts.', validFrom: '2023-08-01T10:00:00.100Z' }),
  ];
  expect(aligned(brief(memories), expected)).toEqual(expected);
});

describe('openai', () => {
  const messages = [
    { role: 'system', content: 'You are helpful.' },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'What is this?' },
        { type: 'image_url', image_url: { url: 'data:' } },
      ],
    },
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: 't', type: 'function', function: { name: 'f', arguments: '{}' } }],
    },
    { role: 'tool', tool_call_id: 't', content: 'a hub' },
    { role: 'assistant', content: 'A hub.' },
  ];

  test.each([
    ['a list of messages', messages],
    ['the body of a request', { model: 'm', messages }],
    ['a list of conversations', [{ messages }]],
    ['lines of training data', `${JSON.stringify({ messages })}\n`],
  ])('imports %s', async (_, content) => {
    const { memories, errors } = await imported('chat.jsonl', content, '--from=openai', '--session=s-1');
    expect(errors).toEqual(['Skipped: 1 system messages, 1 messages without text, 1 tool messages.']);
    const expected = [
      { text: 'What is this?\n[image]', sessionId: 's-1', metadata: { role: 'user' } },
      { text: 'A hub.', metadata: { role: 'assistant' } },
    ];
    expect(aligned(brief(memories), expected)).toMatchObject(expected);
  });

  test('keeps equal messages apart, and reports values that are not messages', async () => {
    const { memories, total } = await imported('a.json', [messages[4], messages[4], { content: 'x' }], '--from=openai');
    expect(memories).toHaveLength(2);
    expect(total?.failed).toBe(1);
  });
});

test('sharegpt: imports the roles of several programs', async () => {
  const conversations = [
    { from: 'system', value: 'Be brief.' },
    { from: 'human', value: 'Hello' },
    { from: 'gpt', value: 'Hi!' },
  ];
  const { memories } = await imported('sharegpt.json', [{ id: 'identity_0', conversations }], '--from=sharegpt');
  const expected = [
    { text: 'Hello', sessionId: 'identity_0', metadata: { role: 'user' } },
    { text: 'Hi!', metadata: { role: 'assistant' } },
  ];
  expect(aligned(brief(memories), expected)).toMatchObject(expected);
  const lines = await imported('b.jsonl', `${JSON.stringify({ conversations })}\n{"a":1}\n`, '--from=sharegpt');
  expect(lines.total).toEqual({ ...totals, stored: 2, failed: 1 });
});

test('sillytavern: imports a chat as one session, with the four forms of its times', async () => {
  const line = (name: string, isUser: boolean, mes: string, sendDate: unknown, extra = {}) => ({
    ...{ name, is_user: isUser, is_system: false, send_date: sendDate, mes, extra: {}, swipes: [mes], swipe_id: 0 },
    ...extra,
  });
  const lines = [
    { user_name: 'Mori', character_name: 'Seraphina', create_date: '2024-2-21@16h07m12s', chat_metadata: { note: '' } },
    line('Seraphina', false, 'Welcome!', 'February 21, 2024 4:07pm'),
    line('Mori', true, 'I live in Oslo.', '2024-02-21@16h08m12s'),
    line('Mori', true, 'Still there?', '2024-02-21T16:09:00.000Z'),
    line('Seraphina', false, 'Yes.', 1708531800000),
    line('System', false, 'Chat renamed.', '', { is_system: true }),
    line('Mori', true, '', ''),
  ];
  const content = lines.map((each) => JSON.stringify(each)).join('\n');
  const { memories, errors } = await imported('Seraphina - 2024.jsonl', content, '--from=sillytavern');
  expect(errors).toEqual(['Skipped: 1 headers, 1 system messages, 1 messages without text.']);
  const expected = [
    {
      text: 'Seraphina: Welcome!',
      sessionId: 'Seraphina - 2024',
      validFrom: '2024-02-21T16:07:00.000Z',
      metadata: { role: 'assistant', speaker: 'Seraphina' },
    },
    expect.objectContaining({ text: 'Mori: I live in Oslo.', validFrom: '2024-02-21T16:08:12.000Z' }),
    expect.objectContaining({ text: 'Mori: Still there?', validFrom: '2024-02-21T16:09:00.000Z' }),
    expect.objectContaining({ text: 'Seraphina: Yes.', validFrom: '2024-02-21T16:10:00.000Z' }),
  ];
  expect(aligned(brief(memories), expected)).toEqual(expected);
});

describe('whatsapp', () => {
  test.each([
    [
      'Android, day first',
      '21/02/2024, 16:07 - Messages and calls are end-to-end encrypted.\n21/02/2024, 16:07 - Anna: I moved.\nTo Oslo: finally\n' +
        '21/02/2024, 16:08 - Ben: <Media omitted>\n',
    ],
    [
      'an iPhone, twelve hours, month first',
      '\u200e[2/21/24, 4:07:00\u202fPM] Anna & Ben: \u200eMessages and calls are end-to-end encrypted.\r\n'.replace(
        'Anna & Ben: \u200e',
        '',
      ) +
        '[2/21/24, 4:07:00\u202fPM] Anna: I moved.\r\nTo Oslo: finally\r\n\u200e[2/21/24, 4:08:00 PM] Ben: \u200eimage omitted\r\n',
    ],
    [
      'German, with dots',
      '21.02.24, 16:07 - Nachrichten sind Ende-zu-Ende-verschlüsselt.\n21.02.24, 16:07 - Anna: I moved.\nTo Oslo: finally\n' +
        '21.02.24, 16:08 - Ben: <Medien omitted>\n',
    ],
  ])('imports a chat of %s', async (_, content) => {
    const { memories, errors } = await imported('WhatsApp Chat with Anna.txt', content, '--from=whatsapp');
    expect(errors).toEqual(['Skipped: 1 system messages, 1 media.']);
    const expected = [
      {
        text: 'Anna: I moved.\nTo Oslo: finally',
        sessionId: 'WhatsApp Chat with Anna',
        validFrom: '2024-02-21T16:07:00.000Z',
        metadata: { speaker: 'Anna' },
      },
    ];
    expect(aligned(brief(memories), expected)).toEqual(expected);
  });

  test('rejects dates in which the order of day and month is unclear', async () => {
    const content = '03/04/2024, 16:07 - Anna: Hello\n';
    const { total, errors } = await imported('a.txt', content, '--from=whatsapp');
    expect([total, errors]).toEqual([
      { ...totals, failed: 1 },
      ['file: no date says whether the day or the month comes first. Set --date-order=day or --date-order=month.'],
    ]);
    const { memories } = await imported('a.txt', content, '--from=whatsapp', '--date-order=month');
    expect(memories[0]?.validFrom).toBe('2024-03-04T16:07:00.000Z');
  });

  test('reports a file that is not a chat only once', async () => {
    const { errors } = await imported('a.txt', 'one\ntwo\nthree\n', '--from=whatsapp');
    expect(errors).toEqual([expect.stringMatching(/^line 1 and 2 more: not a message of WhatsApp/)]);
  });
});

describe('letta', () => {
  const user = (message: string) =>
    JSON.stringify({ type: 'user_message', message, time: '2025-04-01 10:00:00 AM UTC+0000' });
  const messages = [
    { role: 'system', content: [{ type: 'text', text: 'You are Letta.' }], created_at: '2025-04-01T10:00:00+00:00' },
    { role: 'user', content: [{ type: 'text', text: '{"type": "login", "last_login": "Never"}' }] },
    {
      id: 'm-1',
      role: 'user',
      content: [{ type: 'text', text: user('My name is Chad.') }],
      created_at: '2025-04-01T10:00:00+00:00',
    },
    {
      role: 'assistant',
      content: [{ type: 'text', text: 'The user told me a name.' }],
      tool_calls: [
        { id: 'c', type: 'function', function: { name: 'send_message', arguments: '{"message": "Hi Chad!"}' } },
      ],
    },
    { role: 'tool', content: [{ type: 'text', text: '{"status": "OK"}' }] },
  ];
  const block = { label: 'human', value: 'Name: Chad', limit: 5000, description: 'About the user', metadata_: {} };

  test.each([
    [
      'of one agent',
      {
        agent_type: 'memgpt_agent',
        name: 'helper',
        core_memory: [block, { ...block, value: '' }],
        messages,
        tools: [],
      },
    ],
    [
      'of several agents',
      {
        agents: [{ id: 'agent-0', name: 'helper', block_ids: ['block-0'], messages }],
        blocks: [
          { id: 'block-0', ...block },
          { ...block, value: '' },
        ],
        ...{ groups: [], files: [], sources: [], tools: [], mcp_servers: [], metadata: {} },
      },
    ],
  ])('imports the blocks and messages of a file %s', async (_, content) => {
    const { memories, errors } = await imported('agent.af', content, '--from=letta');
    expect(errors).toEqual(['Skipped: 1 empty blocks, 1 system messages, 1 login events, 1 tool messages.']);
    const expected = [
      { text: 'Name: Chad', kind: 'semantic', metadata: { label: 'human', description: 'About the user' } },
      { text: 'My name is Chad.', kind: 'episodic', metadata: { role: 'user' }, validFrom: '2025-04-01T10:00:00.000Z' },
      { text: 'Hi Chad!', metadata: { role: 'assistant' } },
    ];
    expect(aligned(memories, expected)).toMatchObject(expected);
  });

  test('reports a file in another format', async () => {
    expect((await imported('a.af', { a: 1 }, '--from=letta')).errors[0]).toContain('not an agent file of Letta');
  });
});

describe('mcp-memory', () => {
  const entity = { name: 'Mori', entityType: 'person', observations: ['lives in Oslo', 'likes tea'] };
  const relation = { from: 'Mori', to: 'Acme', relationType: 'works_at' };
  const empty = { name: 'Acme', entityType: 'company', observations: [] };
  const asLines = [
    { type: 'entity', ...entity },
    { type: 'entity', ...empty },
    { type: 'relation', ...relation },
  ];

  test.each([
    ['the file of the server', asLines.map((each) => JSON.stringify(each)).join('\n')],
    ['the output of read_graph', { entities: [entity, empty], relations: [relation] }],
  ])('imports %s', async (_, content) => {
    const { memories } = await imported('memory.jsonl', content, '--from=mcp-memory');
    const expected = [
      {
        text: 'Mori: lives in Oslo',
        tags: ['person'],
        metadata: { entity: 'Mori', entityType: 'person' },
        kind: 'semantic',
      },
      { text: 'Mori: likes tea' },
      { text: 'Acme: company' },
      { text: 'Mori works at Acme', tags: [], metadata: relation },
    ];
    expect(aligned(memories, expected)).toMatchObject(expected);
  });

  test('reports lines that are not memories, by kind', async () => {
    const { errors } = await imported(
      'm.jsonl',
      '{"type":"entity"}\n{"type":"relation","from":"a"}\n{"a":1}\n',
      '--from=mcp-memory',
    );
    expect(errors).toHaveLength(3);
  });
});

describe('markdown', () => {
  const content = [
    ...[
      '---',
      'name: notes',
      '---',
      '# Mori',
      '',
      'Lives in Oslo.',
      '',
      '## Food',
      'Likes tea.',
      '```sh',
      '# no heading',
      '```',
    ],
    ...['## Empty', '# Work', 'At Acme. #hashtag', '####### seven', '## Food ##', 'Lunch at noon.'],
  ].join('\n');

  test('imports a memory for each section, with its path', async () => {
    const { memories, errors } = await imported('MEMORY.md', content, '--from=markdown', '--namespace=notes');
    expect(errors).toEqual(['Skipped: 1 headings without text.']);
    const file = join(parent, 'MEMORY.md');
    const expected = [
      { text: '---\nname: notes\n---', metadata: { file, headings: [] }, key: file },
      { text: 'Mori\n\nLives in Oslo.', metadata: { file, headings: ['Mori'] }, key: `${file}#Mori` },
      {
        text: 'Mori > Food\nLikes tea.\n```sh\n# no heading\n```',
        metadata: { file, headings: ['Mori', 'Food'] },
        key: `${file}#Mori#Food`,
      },
      expect.objectContaining({ text: 'Work\nAt Acme. #hashtag\n####### seven' }),
      expect.objectContaining({ text: 'Work > Food\nLunch at noon.' }),
    ];
    expect(
      aligned(
        memories.map(({ text, metadata, key }) => ({ text, metadata, key })),
        expected,
      ),
    ).toEqual(expected);
  });

  test('revises a section that has changed, and keeps sections with equal names apart', async () => {
    await imported('a.md', '# A\none\n# A\ntwo\n', '--from=markdown');
    await writeFile(join(parent, 'a.md'), '# A\none\n# A\nthree\n');
    const changed = await shell(['import', folder, join(parent, 'a.md'), '--from=markdown']);
    expect(values(changed)).toEqual([{ ...totals, revised: 1, duplicates: 1 }]);
    const memories = values<Memory>(await shell(['list', folder, '--oldest']));
    expect(memories.map(({ text }) => text).sort()).toEqual(['A\none', 'A\nthree']);
  });
});

describe('csv', () => {
  test.each([',', ';', '\t'])('imports rows separated by %j, with all other columns as metadata', async (separator) => {
    const rows = [
      ['id', 'note', 'by'],
      ['1', `"He said ""yes""${separator} then\nleft"`, 'Mori'],
      ['2', 'plain', ''],
      ['3', ' ', 'x'],
    ];
    const content = `\ufeff${rows.map((row) => row.join(separator)).join('\r\n')}\r\n`;
    const { memories, errors } = await imported('notes.csv', content, '--from=csv', '--text-column=note');
    expect(errors).toEqual(['Skipped: 1 rows without text.']);
    const expected = [
      { text: `He said "yes"${separator} then\nleft`, metadata: { id: '1', by: 'Mori' } },
      { text: 'plain', metadata: { id: '2' } },
    ];
    expect(
      aligned(
        memories.map(({ text, metadata }) => ({ text, metadata })),
        expected,
      ),
    ).toEqual(expected);
  });

  test('reports a missing column, and rows with another number of values', async () => {
    const { errors } = await imported('a.csv', 'a,b\n1,2\n', '--from=csv', '--text-column=note');
    expect(errors).toEqual(['file: no column "note". Columns of the file: a, b.']);
    const { total } = await imported('b.csv', 'a,b\n1,2\n1,2,3\n', '--from=csv', '--text-column=a');
    expect(total).toEqual({ ...totals, stored: 1, failed: 1 });
  });
});

describe('json', () => {
  test.each([
    [
      'a list',
      [
        { body: 'x', n: 1 },
        { body: 'x', n: 1 },
      ],
      'body',
    ],
    ['lines', '{"body":"x","n":1}\n{"body":"x","n":1}\n', 'body'],
    ['an object with a list, and a path', { items: [{ m: { t: 'x' } }, { m: { t: 'x' } }] }, 'm.t'],
  ])('imports %s, with all other fields as metadata', async (_, content, field) => {
    const { memories } = await imported('notes.json', content, '--from=json', `--text-field=${field}`);
    expect(memories).toMatchObject([{ text: 'x' }, { text: 'x' }]);
    if (field === 'body') expect(memories[0]?.metadata).toEqual({ n: 1 });
  });

  test('reports objects without the text field, and lists the fields that they have', async () => {
    const { errors } = await imported('a.json', [{ text: 'x' }, { body: 7 }], '--from=json', '--text-field=body');
    expect(errors).toContain('line 1: no text in the field "body". Fields of the object: text.');
  });
});
