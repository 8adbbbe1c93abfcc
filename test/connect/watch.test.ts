import { setImmediate } from 'node:timers/promises';
import { allow, MemoryStore } from 'multi-agent-memory';
import { expect, onTestFinished, test } from 'vitest';
import { openFolder, temporaryFolder } from '../store/stores';

test('a watch that delivers many changes does not accumulate listeners', async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => void warnings.push(warning);
  process.on('warning', onWarning);
  onTestFinished(() => void process.off('warning', onWarning));
  const folder = await temporaryFolder();
  await openFolder(folder, { serve: true, access: [allow('everyone', 'writer', [])] });
  const store = await MemoryStore.connect(folder);
  onTestFinished(() => store.close());
  const handle = store.as({ agentId: 'a' });
  const count = 30;
  await handle.rememberMany(Array.from({ length: count }, (_, i) => ({ text: `note ${i}`, namespace: ['a'] })));
  let delivered = 0;
  for await (const { type } of handle.watch({ since: 'start' })) {
    expect(type).toBe('stored');
    if (++delivered === count) break;
  }
  await setImmediate();
  expect(warnings).toEqual([]);
});
