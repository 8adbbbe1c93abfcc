import { expect, onTestFinished, test } from 'vitest';
import { MemoryStore } from '../../src/index';
import { temporaryFolder } from '../store/stores';
import { addSubject, everybodyWrites, leaks } from './canaries';

test('leaves no canary of any field in any file', async () => {
  const folder = await temporaryFolder();
  const store = await MemoryStore.open(folder, { access: everybodyWrites });
  onTestFinished(() => store.close());
  await store.admin.rememberMany(
    Array.from({ length: 300 }, (_, i) => ({
      text: `Filler ${i}: the courier came at ${i % 24}.`,
      namespace: ['support'],
    })),
  );
  const subjects = [];
  for (let i = 0; i < 12; i++) subjects.push(await addSubject(store, `subject ${i}`, i % 3 === 2 ? 'ids' : 'user'));
  expect(new Set(leaks(folder, subjects).map((leak) => leak.split(' of ')[0])).size).toBeGreaterThan(8);
  for (const subject of subjects) {
    const receipt = await store.erase(subject.target);
    expect([subject.name, receipt.scan?.found, receipt.complete]).toEqual([subject.name, [], true]);
    expect(receipt.ids).toEqual(expect.arrayContaining([...subject.ids]));
  }
  expect(leaks(folder, subjects)).toEqual([]);
  expect((await store.audit.verify()).ok).toBe(true);
  expect((await store.verify()).ok).toBe(true);
});
