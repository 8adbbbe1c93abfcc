import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { questions } from '../../bench/questions';
import { rowsOf, type Setting } from '../../bench/shared/question';
import { modelFolder } from '../embedding/model-folder';

let setting: Setting;

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  setting = {
    memories: 300,
    loaded: join(folder, 'loaded'),
    folder,
    models: modelFolder,
    data: join(modelFolder, '../data'),
  };
});

afterAll(() => rm(setting.folder, { recursive: true, force: true }));

describe('every question of the benchmark runs with 300 memories', () => {
  test.each(questions)('$name', async (question) => {
    const { rows, skipped } = rowsOf(question.name, await question.run(setting));
    for (const reason of Object.values(skipped)) expect(reason).not.toBe('');
    expect(rows.length + Object.keys(skipped).length).toBeGreaterThan(0);
    for (const { value, unit, ratio, recall, goal, met } of rows) {
      // The slope of a cost can be below zero.
      if (unit !== 'power') expect(value).toBeGreaterThanOrEqual(0);
      expect(ratio ?? 1).toBeGreaterThan(0);
      // 300 memories are searched exactly, so recall must be high. On conversations, recall itself is measured.
      const isSearch = question.name.startsWith('recall') || question.name === 'access-narrow';
      if (isSearch && goal !== null && recall !== null) expect(recall).toBeGreaterThan(0.9);
      expect(met === null).toBe(goal === null);
    }
  });
});
