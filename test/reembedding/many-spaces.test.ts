import { MemoryStore } from 'multi-agent-memory';
import { expect, test } from 'vitest';
import { openFolder, openInMemory, refusal, temporaryFolder } from '../store/stores';
import { spacesOf, words } from './spaces';

const namespace = ['support'];

test('the 512th embedding space of a store is rejected and does not change the store', async () => {
  const store = await openInMemory({ embedder: words('space 1', 8) });
  await store.admin.remember('one note', { namespace });
  for (let number = 2; number <= 511; number++) {
    await store.reembed(words(`space ${number}`, 8));
    await store.dropUnusedSpaces();
  }
  const error = await refusal(() => store.reembed(words('space 512', 8)));
  expect([error.code, error.message]).toEqual([
    'INVALID_INPUT',
    expect.stringContaining('import them into a new store'),
  ]);
  expect(await spacesOf(store)).toEqual({ 'space 511': 'current' });
  expect(await store.admin.recall('note', { mode: 'semantic' })).toHaveLength(1);
  expect(await store.verify()).toEqual({ ok: true, problems: [] });
});

test('an embedder with another space is rejected, and the instructions in the error work', async () => {
  const folder = await temporaryFolder();
  const first = await MemoryStore.open(folder, { embedder: words('old') });
  await first.admin.remember('one note', { namespace });
  await first.close();
  const error = await refusal(() => MemoryStore.open(folder, { embedder: words('new') }));
  expect([error.code, error.message]).toEqual([
    'EMBEDDER_MISMATCH',
    expect.stringContaining('call reembed to move it'),
  ]);
  const moving = await MemoryStore.open(folder);
  await moving.reembed(words('new'));
  await moving.close();
  const moved = await openFolder(folder, { embedder: words('new') });
  expect(await moved.admin.recall('note', { mode: 'semantic' })).toHaveLength(1);
});
