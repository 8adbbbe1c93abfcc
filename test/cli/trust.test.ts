import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tools } from '../../src/integrations/mcp/tools/tool-list';
import { openFolder, temporaryFolder } from '../store/stores';
import { shell, values } from './shell';

const namespace = ['support'];

test('the commands of trust contain what an agent did, undo it, release it and explain it', async () => {
  const folder = join(await temporaryFolder(), 'memory');
  const store = await openFolder(folder, { serve: true });
  const clerk = store.as({ agentId: 'clerk' }, { namespace });
  const crawler = store.as({ agentId: 'crawler' }, { namespace });
  const { id } = await clerk.remember('Refunds take 5 days');
  await crawler.update(id, { text: 'Refunds take 90 days' });
  const wrong = await crawler.remember('Returns cost 10 dollars');

  const contain = ['trust', 'contain', folder, '--agent=crawler'];
  const [planned] = values<{ id: string; memories: unknown[] }>(await shell([...contain, '--dry-run']));
  expect([planned?.id, planned?.memories.length]).toEqual(['', 2]);
  expect(values(await shell(['trust', 'list', folder]))).toEqual([]);

  const [incident] = values<{ id: string }>(await shell(contain));
  const incidentId = String(incident?.id);
  expect(values(await shell(['trust', 'list', folder]))).toMatchObject([{ id: incidentId }]);
  expect(values(await shell(['trust', 'list', folder, '--memories'])).map((each) => each.id)).toEqual([wrong.id, id]);
  expect(values(await shell(['list', folder, '--agent=clerk', '--all']))).toEqual([]);

  const revert = ['trust', 'revert', folder, incidentId];
  expect(values(await shell([...revert, '--dry-run']))).toEqual(values(await shell(revert)));
  expect(values(await shell(['list', folder, '--agent=clerk']))).toMatchObject([{ id, text: 'Refunds take 5 days' }]);

  const [explained] = values(await shell(['trust', 'explain', folder, wrong.id]));
  expect(explained).toMatchObject({ memory: { trust: 'untrusted', agentId: 'crawler' }, incidents: [incidentId] });

  const release = ['trust', 'release', folder, incidentId];
  expect(values(await shell([...release, '--dry-run']))).toEqual([{ released: [wrong.id] }]);
  expect(values(await shell([...release, '--reason=false alarm']))).toEqual([{ released: [wrong.id] }]);
  expect((await shell(release)).code).toBe(1);
  expect(values(await shell(['trust', 'list', folder]))).toMatchObject([{ reason: 'false alarm', memories: [] }]);
});

test('trust endorse raises the trust of memories, as the host or as a principal', async () => {
  const folder = join(await temporaryFolder(), 'memory');
  const store = await openFolder(folder, { serve: true });
  const { id } = await store.as({ agentId: 'clerk' }, { namespace }).remember('Refunds take 5 days');
  const endorse = ['trust', 'endorse', folder, id, '--as=verified'];
  expect(values(await shell([...endorse, '--dry-run']))).toEqual([{ id, trust: 'standard' }]);
  expect((await shell([...endorse, '--agent=clerk'])).code).toBe(1);
  expect((await shell(['trust', 'endorse', folder, id])).errors[0]).toMatch(/^Give --as/);
  expect(values(await shell(endorse))).toEqual([{ id, trust: 'verified' }]);
  expect(await store.admin.get(id)).toMatchObject({ trust: 'verified', revision: 2 });
});

test('trust contain needs to know what to contain', async () => {
  const { code, errors } = await shell(['trust', 'contain', './memory', '--since=2026-03-01T00:00:00Z']);
  expect(code).toBe(2);
  expect(errors[0]).toBe('Give ids, --agent, --user, --service or --ref.');
});

test('no tool of MCP contains, releases or reverts anything', () => {
  expect(tools.map(({ name }) => name).sort()).toEqual([
    'add_memory',
    'delete_memory',
    'get_memory',
    'list_memories',
    'search_memories',
    'update_memory',
  ]);
  for (const { name, description } of tools) expect(`${name} ${description}`).not.toMatch(/trust|quarantine|incident/);
});
