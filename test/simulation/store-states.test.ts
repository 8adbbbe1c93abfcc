import { expect, test } from 'vitest';
import type { StoreState, StoreStates } from './machine';
import { type Scenario, scenarioOf } from './scenario';
import { runScenario } from './simulation';
import { storeStates } from './store-states';

/** What a test changes in real states. */
interface Changes {
  /** Answers the outcome that the state gets in place of the one of an entry. */
  readonly outcomeOf?: (outcome: Parameters<StoreState['apply']>[2]) => typeof outcome;
  readonly contentOf?: (content: string) => string;
}

class ChangedState implements StoreState {
  readonly #state: StoreState;
  readonly #changes: Changes;

  constructor(state: StoreState, changes: Changes) {
    this.#state = state;
    this.#changes = changes;
  }

  get digest(): number {
    return this.#state.digest;
  }

  apply(...[entry, membership, outcome]: Parameters<StoreState['apply']>): void {
    this.#state.apply(entry, membership, this.#changes.outcomeOf?.(outcome) ?? outcome);
  }

  encode(): string {
    return this.#state.encode();
  }

  copy(): StoreState {
    return new ChangedState(this.#state.copy(), this.#changes);
  }

  content(): string {
    const content = this.#state.content();
    return this.#changes.contentOf?.(content) ?? content;
  }

  close(): void {
    this.#state.close();
  }
}

function changed(changes: Changes): StoreStates {
  return {
    first: (membership) => new ChangedState(storeStates.first(membership), changes),
    decode: (text) => new ChangedState(storeStates.decode(text), changes),
  };
}

const shortOf = (seed: number): Scenario => ({ ...scenarioOf(seed), durationMs: 2_500 });

// `npm run test:simulation -- --apply` plays more.
test('nodes that apply the log to real states of stores have the same state at each index, and the same tables at the end', () => {
  let applied = 0;
  const counted = changed({
    outcomeOf: (outcome) => {
      if (outcome !== undefined) applied += 1;
      return outcome;
    },
  });
  for (const seed of [3, 5]) {
    expect(runScenario(shortOf(seed), undefined, counted).violation, `seed ${seed}`).toBeUndefined();
  }
  expect(applied).toBeGreaterThan(100);
});

test('a state that applies one entry in another way is found', () => {
  let entries = 0;
  const one = changed({
    outcomeOf: (outcome) => {
      if (outcome?.status === 'done') entries += 1;
      // Another value stands for other commands.
      return entries === 20 && outcome !== undefined
        ? { ...outcome, command: { ...outcome.command, value: outcome.command.value + 1 } }
        : outcome;
    },
  });
  expect(runScenario(shortOf(3), undefined, one).violation?.message).toContain('has another state at');
});

test('a table that differs although the digests agree is found', () => {
  let asked = 0;
  const one = changed({ contentOf: (content) => content + (asked++ === 1 ? ' ' : '') });
  expect(runScenario(shortOf(3), undefined, one).violation?.message).toContain('although their digests agree');
});
