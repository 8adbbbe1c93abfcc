import { expect, test } from 'vitest';
import { ReaderLeases } from '../../src/jetstream/reader-leases';

const durationMs = 1_000;

function leases(others: number[] = []) {
  const time = { now: 0 };
  return { time, others, table: new ReaderLeases({ durationMs, elapsedMs: () => time.now, others: () => others }) };
}

test('a barrier waits for a store that holds a lease, until it has applied the entry', () => {
  const { table, others, time } = leases();
  expect(table.isPassed(5)).toBe(true);
  others.push(2);
  time.now = 2_000;
  table.granted(2);
  expect(table.isPassed(5)).toBe(false);
  table.applied(2, 4);
  expect(table.isPassed(5)).toBe(false);
  table.applied(2, 5);
  table.applied(2, 3);
  expect(table.isPassed(5)).toBe(true);
  expect(table.isPassed(6)).toBe(false);
});

test('a lease that is not renewed runs out a hundredth later than its holder thinks', () => {
  const { table, time } = leases([2]);
  time.now = 5_000;
  table.granted(2);
  time.now = 6_005;
  expect(table.isPassed(1)).toBe(false);
  time.now = 6_010;
  expect(table.isPassed(1)).toBe(true);
});

test('a store that has ended its lease is not waited for, also if it has been removed', () => {
  const { table, others } = leases([2, 3]);
  table.granted(2);
  table.ended(2);
  expect(table.isPassed(1)).toBe(false);
  others.pop();
  expect(table.isPassed(1)).toBe(true);
  table.granted(3);
  expect(table.isPassed(1)).toBe(false);
});

test('a member may hold a lease from before this process began, of which it knows nothing', () => {
  const { table, time } = leases([2]);
  expect(table.isPassed(1)).toBe(false);
  time.now = 1_010;
  expect(table.isPassed(1)).toBe(true);
});
