import { expect, test } from 'vitest';
import { editedFiles } from '../../mistakes/broken-library';
import { storageMistakes } from './mistakes';

test('the fragments of planted mistakes occur in the source exactly once', () => {
  for (const { edits } of storageMistakes) editedFiles(edits);
  expect(new Set(storageMistakes.map(({ name }) => name)).size).toBe(storageMistakes.length);
});
