import { expect, onTestFinished, test } from 'vitest';
import { buildPrograms } from '../faults/programs';
import { temporaryFolder } from '../store/stores';
import { playCourse } from './courses';

test('erasures that are killed are finished by the same call, and restored backups bring nothing back', async () => {
  const programs = await buildPrograms('eraser');
  onTestFinished(() => programs.remove());
  const report = await playCourse({ parent: await temporaryFolder(), seed: 3, erasures: 6, programs });
  expect(report).toEqual({ erasures: 6, kills: expect.any(Number), restores: expect.any(Number) });
  expect(report.restores).toBeGreaterThan(0);
});
