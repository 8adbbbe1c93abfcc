import { allow } from 'multi-agent-memory';
import { expect, test } from 'vitest';
import { openFolder, temporaryFolder } from '../store/stores';

test('maxPerSource finds others behind a flood of one source in what an index proposes', async () => {
  const access = [allow({ agentId: 'ann' }, 'writer', []), allow({ agentId: 'cal' }, 'writer', [])];
  const store = await openFolder(await temporaryFolder(), { access, exactUpTo: 100, memoryBytes: 0 });
  const namespace = ['team'];
  const flood = Array.from({ length: 400 }, (_, i) => ({
    text: `The depth of the well is ${i} metres, and the well is deep.`,
    namespace,
    source: { channel: 'tool' } as const,
  }));
  await store.as({ agentId: 'ann' }).rememberMany(flood);
  const notes = Array.from({ length: 12 }, (_, i) => ({ text: `Lunch number ${i} was late, near a well.`, namespace }));
  await store.as({ agentId: 'cal' }).rememberMany(notes);
  await store.settled();
  for (const mode of ['hybrid', 'semantic', 'keyword'] as const) {
    const hits = await store.admin.recall('How deep is the well?', { mode, explain: true });
    if (mode !== 'keyword') expect(hits[0]?.search?.host?.tier).toBe('index');
    const by = (agent: string) => hits.filter(({ agentId }) => agentId === agent).length;
    expect([mode, by('ann'), by('cal')]).toEqual([mode, 2, 8]);
  }
}, 60_000);
