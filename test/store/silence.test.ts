import { expect, test, vi } from 'vitest';
import { openInMemory } from './stores';

test('many concurrent batches cause no warning about leaked listeners from Node', async () => {
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  const store = await openInMemory();
  const batches = Array.from({ length: 20 }, (_, i) => [
    { text: `note ${i}`, namespace: ['n'], embed: false as const },
  ]);
  await Promise.all(batches.map((batch) => store.admin.rememberMany(batch)));
  expect(warn).not.toHaveBeenCalled();
  warn.mockRestore();
});
