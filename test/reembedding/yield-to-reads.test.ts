import { afterEach, expect, test, vi } from 'vitest';
import { openInMemory } from '../store/stores';
import { gate, spacesOf, words } from './spaces';

const memories = Array.from({ length: 100 }, (_, i) => ({ text: `note number${i}`, namespace: ['support'] }));

afterEach(() => {
  vi.useRealTimers();
});

test('a move lets reads run first, but continues if a read does not end', async () => {
  const old = words('old');
  const { open, passed } = gate();
  const embedQuery = old.embedQuery.bind(old);
  old.embedQuery = async (...asked) => {
    await passed;
    return embedQuery(...asked);
  };
  const store = await openInMemory({ embedder: old });
  await store.admin.rememberMany(memories);
  const reading = store.admin.recall('number7', { mode: 'hybrid' });
  expect(await store.reembed(words('new'), { batchSize: 10 })).toMatchObject({ embedded: memories.length });
  expect(await spacesOf(store)).toEqual({ new: 'current', old: 'previous' });
  open();
  await reading.catch(() => undefined);
});

test('a move completes under fake timers', async () => {
  const store = await openInMemory({ embedder: words('old') });
  await store.admin.rememberMany(memories);
  vi.useFakeTimers();
  expect(await store.reembed(words('new'))).toMatchObject({ embedded: memories.length });
  expect(await store.rollback()).toMatchObject({ embedded: 0 });
  expect(vi.getTimerCount()).toBe(0);
});
