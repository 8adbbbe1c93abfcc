import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeMachine } from '../../bench/shared/machine';
import { rowsOf } from '../../bench/shared/question';
import { checkNotSaved, type Results, resultsPath, saveResults } from '../../bench/shared/results';
import { row } from '../../bench/shared/row';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bench-results-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const machine = describeMachine(new Date('2026-03-01T12:00:00Z'));
const results: Results = {
  machine: { ...machine, commit: 'abc1234' },
  memories: 100_000,
  questions: ['open', 'recall-minilm'],
  skipped: { 'recall-minilm': 'the model is not there' },
  rows: [row({ name: 'open 100,000', value: 412, unit: 'ms', goal: { atMost: 1500 } })],
};

test('the answer of a question that could not run every library has its rows, and a reason for each that is missing', () => {
  const rows = [row({ name: 'search', value: 1, unit: 'ms' })];
  const skippedPeers = { Redis: 'redis-server is not there' };
  expect(rowsOf('peers', { rows, skippedPeers })).toEqual({ rows, skipped: { 'peers, Redis': skippedPeers.Redis } });
  expect(rowsOf('peers', rows)).toEqual({ rows, skipped: {} });
  expect(rowsOf('peers', { skipped: 'no model' })).toEqual({ rows: [], skipped: { peers: 'no model' } });
});

describe('kept results of the benchmark', () => {
  test('describe the machine completely', () => {
    expect(machine.date).toBe('2026-03-01T12:00:00.000Z');
    expect(machine.commit).toMatch(/^([0-9a-f]{7,}(-dirty)?|unknown)$/);
    expect(machine.node).toBe(process.version);
    expect(machine.cores).toBeGreaterThan(0);
    expect(machine.memoryGib).toBeGreaterThan(0);
    expect(machine.cpuModel).not.toBe('');
    expect(machine.os).toContain(process.platform);
  });

  test('are one file for programs and one for readers, named by day and commit', async () => {
    const path = resultsPath(folder, results.machine);
    expect(path).toBe(join(folder, '2026-03-01-abc1234'));
    await checkNotSaved(path);
    await saveResults(path, results);
    expect(JSON.parse(await readFile(`${path}.json`, 'utf8'))).toEqual(results);
    const page = await readFile(`${path}.md`, 'utf8');
    for (const fact of [machine.cpuModel, machine.node, machine.os, 'abc1234', '100,000', 'the model is not there'])
      expect(page).toContain(fact);
    expect(page).toMatch(/open 100,000 +412 ms .*<= 1,500 +yes/);
  });

  test('are never overwritten', async () => {
    await expect(checkNotSaved(resultsPath(folder, results.machine))).rejects.toThrow(
      /2026-03-01-abc1234\.json exists\. Move or delete/,
    );
  });
});
