import { expect, test } from 'vitest';
import type { AppendResponse, Message } from '../../../src/raft/core/messages';
import { StorageQueue } from '../../../src/raft/node/storage-queue';
import { MemoryStorage } from '../../../src/raft/storage/memory-storage';

function accepted(to: number, index: number): AppendResponse {
  return { kind: 'append-response', from: 2, to, term: 1, index, isRejected: false, hintIndex: 0, hintTerm: 0 };
}

test('Answers that wait for one work leave together, and none of them says less than one before it', async () => {
  const storage = new MemoryStorage();
  const waiting: (() => void)[] = [];
  const stored = new Promise<void>((resolve) => void waiting.push(resolve));
  storage.store = () => stored as unknown as undefined;
  const sent: Message[] = [];
  const queue = new StorageQueue({
    storage,
    install: () => Promise.reject(new Error('No snapshot comes.')),
    respond: (responses) => void sent.push(...responses),
    onDiskFull: () => undefined,
    fail: (error) => {
      throw error;
    },
  });
  const entry = { kind: 'normal', index: 9, term: 1, data: new Uint8Array(1) } as const;
  queue.add({ entries: [entry], responses: [accepted(1, 9)] });
  // The network has doubled an older message.
  queue.add({ entries: [], responses: [accepted(1, 5)] });
  queue.add({ entries: [], responses: [accepted(3, 9)] });
  await Promise.resolve();
  expect(sent).toEqual([]);
  for (const goOn of waiting) goOn();
  await new Promise(setImmediate);
  expect(sent).toEqual([accepted(1, 9), accepted(3, 9)]);
});
