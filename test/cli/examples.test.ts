import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openFolder, temporaryFolder } from '../store/stores';
import { shell } from './shell';

const names = ['stats', 'list', 'recall', 'export', 'import', 'forget', 'verify', 'backup'];

/** The command lines that a help text shows, in words, in a folder of their own. */
async function examplesOf(name: string, parent: string): Promise<string[][]> {
  const { out } = await shell([name, '--help']);
  const lines = out.join('\n').match(/^ {2}multi-agent-memory .*$/gm) ?? [];
  return lines.map((line) => {
    // What a shell does with pipes and files is a test of processes.
    const own = line.split(/ [|>] /)[line.includes(' | ') ? 1 : 0] as string;
    const words = own.trim().match(/"[^"]*"|\S+/g) ?? [];
    return words
      .slice(1)
      .map((word) => word.replace(/^"|"$/g, ''))
      .map((word) => (/^\.\/|\.jsonl?$/.test(word) ? join(parent, word) : word));
  });
}

test.each(names)('every example of %s works', async (name) => {
  const parent = await temporaryFolder();
  const store = await openFolder(join(parent, 'memory'));
  await store.admin.remember('refund', { namespace: ['support', 'eu'], userId: 'customer-4417' });
  await store.close();
  await writeFile(join(parent, 'memories.jsonl'), (await shell(['export', join(parent, 'memory')])).out.join('\n'));
  await writeFile(join(parent, 'mem0.json'), '{"results":[{"id":"1","memory":"x"}]}');
  await writeFile(join(parent, 'store.json'), '[{"prefix":"a","key":"k","value":{"b":1}}]');
  await writeFile(join(parent, 'messages.json'), '[{"type":"human","data":{"content":"x"}}]');
  const examples = await examplesOf(name, parent);
  expect(examples.length).toBeGreaterThan(0);
  for (const words of examples) {
    const { code, told } = await shell(words, { input: ['{"text":"x","namespace":["n"]}'] });
    // The id of an example belongs to no memory.
    const isOfNothing = words.some((word) => word.startsWith('0198c0de-'));
    expect([code, told.filter((line) => !line.startsWith('Nothing was forgotten'))], words.join(' ')).toEqual([
      isOfNothing ? 1 : 0,
      [],
    ]);
  }
});
