import { describe, expect, test } from 'vitest';
import type { Command, Outcome } from '../../src/domain/command';
import { root } from '../../src/domain/principal';
import { draft, emptyState, openToAll, remember, type TestState } from './test-state';

const day = 24 * 60 * 60 * 1000;
const today = Date.UTC(2026, 0, 1);

/** The first write of a client, in a process whose clock says this time. */
function firstWrite(client: string, at: number): Command {
  const command = remember(root, at, draft({ id: `by ${client}`, validFrom: at }));
  return { ...command, stamp: { ...command.stamp, request: { client, number: 0, answered: 0 } } };
}

function apply({ state }: TestState, command: Command): Outcome | undefined {
  return state.apply([command]).outcomes[0];
}

function store(): TestState {
  const made = emptyState();
  made.apply([openToAll]);
  return made;
}

describe('the outcome of a request', () => {
  test('is kept although the clock of another process is a year ahead', () => {
    const made = store();
    const outcome = apply(made, firstWrite('a', today));
    apply(made, firstWrite('from the future', today + 365 * day));
    expect(apply(made, firstWrite('a', today))).toEqual(outcome);
  });

  test('is kept although the clock of its own process is a year behind', () => {
    const made = store();
    apply(made, firstWrite('a', today));
    const outcome = apply(made, firstWrite('from the past', today - 365 * day));
    apply(made, firstWrite('b', today));
    expect(apply(made, firstWrite('from the past', today - 365 * day))).toEqual(outcome);
  });

  test('is dropped after 30 days', () => {
    const made = store();
    apply(made, firstWrite('a', today));
    for (let i = 1; i <= 32; i++) apply(made, firstWrite(`day ${i}`, today + i * day));
    const kept = made.state.database.prepare('select client from requests order by at').pluck().all();
    expect(kept).toHaveLength(31);
    expect(kept[0]).toBe('day 2');
  });
});
