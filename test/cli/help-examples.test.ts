import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openFolder, temporaryFolder } from '../store/stores';
import { shell } from './shell';

const names = [
  'stats',
  'list',
  'get',
  'recall',
  'duplicates',
  'conflicts',
  'export',
  'export-subject',
  'import',
  'forget',
  'consolidate',
  'verify',
  'backup',
  'snapshot',
  'snapshots',
  'restore',
  'purge',
  'hold',
  'erase',
  'receipts',
  'rules',
  'lifecycle run',
  'lifecycle status',
];

/** The example command lines of a help text, as words, with paths below `parent`. */
async function examplesOf(name: string, parent: string): Promise<string[][]> {
  const { out } = await shell([name, '--help']);
  const lines = out.join('\n').match(/^ {2}multi-agent-memory .*$/gm) ?? [];
  return lines.map((line) => {
    // The part of the line that the program runs. Pipes and redirections are tested with real processes.
    const own = line.split(/ [|>] /)[line.includes(' | ') ? 1 : 0] as string;
    const words = own.trim().match(/"[^"]*"|\S+/g) ?? [];
    return words
      .slice(1)
      .map((word) => word.replace(/^"|"$/g, ''))
      .map((word) => (/^\.\/|\.(jsonl?|md|csv)$/.test(word) ? join(parent, word) : word));
  });
}

test.each(names)('every example of %s works', async (name) => {
  const parent = await temporaryFolder();
  const store = await openFolder(join(parent, 'memory'));
  await store.admin.remember('refund', { namespace: ['support', 'eu'], userId: 'customer-4417' });
  await store.close();
  await writeFile(join(parent, 'memories.jsonl'), (await shell(['export', join(parent, 'memory')])).out.join('\n'));
  const subject = await shell(['export-subject', join(parent, 'memory'), 'customer-4417']);
  await writeFile(join(parent, 'customer-4417.jsonl'), subject.out.join('\n'));
  await writeFile(join(parent, 'mem0.json'), '{"results":[{"id":"1","memory":"x"}]}');
  await writeFile(join(parent, 'store.json'), '[{"prefix":"a","key":"k","value":{"b":1}}]');
  await writeFile(join(parent, 'messages.json'), '[{"type":"human","data":{"content":"x"}}]');
  await writeFile(join(parent, 'conversations.json'), '[]');
  await writeFile(join(parent, 'notes.csv'), 'note\nx\n');
  await writeFile(join(parent, 'MEMORY.md'), '# Likes\ntea\n');
  await mkdir(join(parent, 'memory'), { recursive: true });
  // A shell replaces the pattern with names of files.
  await writeFile(join(parent, 'memory', '*.md'), 'x');
  if (['snapshots', 'restore'].includes(name))
    await shell(['snapshot', join(parent, 'memory'), join(parent, 'snapshots')]);
  const examples = await examplesOf(name, parent);
  expect(examples.length).toBeGreaterThan(0);
  for (const words of examples) {
    const { code, errors } = await shell(words, { input: ['{"text":"x","namespace":["n"]}'] });
    // No memory has the id of the example.
    const hasUnknownId = words.some((word) => word.startsWith('0198c0de-'));
    expect(
      [code, errors.filter((line) => !/^(Nothing was (deleted|erased)|Skipped: |No memory has the id)/.test(line))],
      words.join(' '),
    ).toEqual([hasUnknownId ? 1 : 0, []]);
  }
});
