import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openFolder, temporaryFolder } from '../store/stores';
import { shell, values } from './shell';

test('an export of a user can be counted first, and comes back through import', async () => {
  const parent = await temporaryFolder();
  const [folder, other, file] = ['memory', 'other', 'ann.jsonl'].map((name) => join(parent, name)) as [
    string,
    string,
    string,
  ];
  const store = await openFolder(folder, { serve: true });
  const handle = store.as({ agentId: 'desk' }, { namespace: ['support'] });
  const fields = { userId: 'ann', sessionId: 's1', tags: ['vip'], metadata: { order: 7 }, accessTags: [] };
  const { id } = await handle.remember('Ann likes tea.', fields);
  await handle.remember('Ann likes coffee.', {
    ...fields,
    supersedes: id,
    kind: 'semantic',
    validFrom: '2026-01-02T00:00:00Z',
  });
  await handle.remember('Bob likes milk.', { userId: 'bob' });

  const command = ['export-subject', folder, 'ann'];
  const counts = { memories: 2, revisions: 3, rules: 0, namespaces: 0 };
  expect(values(await shell([...command, '--dry-run']))).toEqual([counts]);
  const exported = await shell(command);
  expect(values(exported).map(({ line }) => line)).toEqual([
    ...['manifest', 'memory', 'revision', 'revision', 'memory', 'revision', 'end'],
  ]);

  await writeFile(file, exported.out.join('\n'));
  const imported = await shell(['import', other, file]);
  expect([imported.code, values(imported)]).toEqual([0, [{ stored: 1, revised: 0, duplicates: 0, failed: 0 }]]);
  const expected = (await handle.list()).items.find(({ text }) => text === 'Ann likes coffee.');
  const [memory] = values(await shell(['list', other]));
  for (const field of ['text', 'userId', 'sessionId', 'tags', 'metadata', 'kind', 'namespace', 'priority'] as const) {
    expect(memory?.[field]).toEqual(expected?.[field]);
  }
  expect(memory).toMatchObject({ validFrom: '2026-01-02T00:00:00.000Z', trust: 'reported' });
  expect((await shell(['import', other, file])).errors.join(' ')).toContain('Skipped: 1 manifest lines');
  expect(values(await shell(['list', other]))).toHaveLength(1);
});
