import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Command } from '../../src/domain/command';
import type { Lease, LeaseRequest } from '../../src/domain/lease';
import { type Actor, root } from '../../src/domain/principal';
import { LeaseClaim } from '../../src/replica/lease-claim';
import { applyLease } from '../../src/state/apply/apply-lease';
import { leaseOf } from '../../src/state/tables/leases';
import { agentA, emptyState } from '../state/test-state';

const chore = 'rules';
const durationMs = 1_000;

function command(request: LeaseRequest, by: Actor = root): Command {
  return { type: 'lease', chore, ...request, stamp: { at: 0, by, scope: {}, seed: new Uint8Array(16) } };
}

describe('the lease of a chore', () => {
  test('goes to the first that asks, is renewed by its holder, and goes to another only over the grant in force', () => {
    const { state } = emptyState();
    const ask = (holder: string, request: number, over?: number) => {
      const given = over === undefined ? { holder, request } : { holder, request, over };
      const [outcome] = state.apply([command(given)]).outcomes;
      return outcome?.ok && outcome.type === 'lease' ? outcome.lease : undefined;
    };
    expect(ask('a', 1)).toEqual({ holder: 'a', request: 1, grant: 1 });
    expect(ask('b', 1)).toEqual({ holder: 'a', request: 1, grant: 1 });
    expect(ask('a', 2)).toEqual({ holder: 'a', request: 2, grant: 2 });
    expect(ask('b', 2, 1)).toEqual({ holder: 'a', request: 2, grant: 2 });
    expect(ask('b', 3, 2)).toEqual({ holder: 'b', request: 3, grant: 3 });
    expect(leaseOf(state.meta, chore)).toEqual({ holder: 'b', request: 3, grant: 3 });
    expect(leaseOf(state.meta, 'another chore')).toBeUndefined();
  });

  test('is for the host only, and a renewal fills no audit', () => {
    const { state } = emptyState();
    const size = state.auditLog.chain.size;
    const { outcomes } = state.apply([
      command({ holder: 'a', request: 1 }),
      command({ holder: 'x', request: 1 }, agentA),
    ]);
    expect(outcomes).toMatchObject([{ ok: true }, { ok: false, error: { code: 'FORBIDDEN' } }]);
    expect(state.auditLog.chain.size).toBe(size + 1);
  });
});

/** A process with a clock of its own, whose view of the log lags. */
interface Process {
  readonly claim: LeaseClaim;
  /** How many entries of the log it has applied. */
  applied: number;
}

/** A log of requests, and the lease after each of them. */
class World {
  now = 0;
  readonly leases: (Lease | undefined)[] = [undefined];
  readonly #values = new Map<string, string | number | Buffer>();
  readonly #meta = {
    get: (key: string) => this.#values.get(key),
    put: (key: string, value: string | number | Buffer) => void this.#values.set(key, value),
  };
  readonly processes: Process[];

  constructor(clocks: readonly { speed: number; origin: number }[]) {
    this.processes = clocks.map(({ speed, origin }, i) => ({
      claim: new LeaseClaim({ holder: `p${i}`, durationMs, elapsedMs: () => origin + this.now * speed }),
      applied: 0,
    }));
  }

  append(request: LeaseRequest): void {
    const { stamp, ...change } = command(request) as Extract<Command, { type: 'lease' }>;
    applyLease(this.#meta as never, change, stamp);
    this.leases.push(leaseOf(this.#meta, chore));
  }

  apply(process: Process): void {
    if (process.applied + 1 >= this.leases.length) return;
    process.applied++;
    process.claim.see(this.leases[process.applied]);
  }

  holders(): number {
    return this.processes.filter(({ claim }) => claim.isHeld).length;
  }
}

const clocks = fc.array(
  fc.record({
    speed: fc.double({ min: 0.99, max: 1.01, noNaN: true }),
    origin: fc.double({ min: -1e9, max: 1e9, noNaN: true }),
  }),
  { minLength: 2, maxLength: 4 },
);
/** What happens next: time passes, a process applies an entry, or asks; a request that was asked for arrives or is lost. */
const step = fc.oneof(
  fc.record({ type: fc.constant('wait' as const), ms: fc.nat(700) }),
  fc.record({ type: fc.constantFrom('apply' as const, 'ask' as const), process: fc.nat(3) }),
  fc.record({ type: fc.constantFrom('arrive' as const, 'arrive' as const, 'lose' as const), request: fc.nat(5) }),
);

describe('LeaseClaim', () => {
  test('lets one process at a time do a chore, with late and lost requests, lagging peers and clocks of any time', () => {
    let held = 0;
    fc.assert(
      fc.property(clocks, fc.array(step, { minLength: 50, maxLength: 150 }), (given, steps) => {
        const world = new World(given);
        const sent: LeaseRequest[] = [];
        for (const each of steps) {
          if (each.type === 'wait') world.now += each.ms;
          else if ('process' in each) {
            const process = world.processes[each.process % world.processes.length] as Process;
            if (each.type === 'apply') world.apply(process);
            const request = each.type === 'ask' ? process.claim.request() : undefined;
            if (request !== undefined) sent.push(request);
          } else {
            const [request] = sent.splice(each.request % Math.max(1, sent.length), 1);
            if (request !== undefined && each.type === 'arrive') world.append(request);
          }
          expect(world.holders()).toBeLessThanOrEqual(1);
          held += world.holders();
        }
      }),
      { numRuns: 500 },
    );
    expect(held).toBeGreaterThan(1_000);
  });

  test('leaves time between two holders whose clocks differ in speed by two percent', () => {
    const world = new World([
      { speed: 0.99, origin: 0 },
      { speed: 1.01, origin: 0 },
    ]);
    const [slow, fast] = world.processes as [Process, Process];
    world.append(slow.claim.request() as LeaseRequest);
    // Both see the grant at once, and then the slow process hears nothing any more.
    for (const process of world.processes) world.apply(process);
    expect(world.holders()).toBe(1);
    for (; world.now < 1.2 * durationMs; world.now += 0.25) {
      const request = fast.claim.request();
      if (request !== undefined) world.append(request);
      world.apply(fast);
      expect(world.holders()).toBeLessThanOrEqual(1);
    }
    expect(fast.claim.isHeld).toBe(true);
  });

  test('keeps the lease with its holder while it renews, and finds a new holder within two spans when it has stopped', () => {
    const world = new World([
      { speed: 1, origin: 0 },
      { speed: 1.009, origin: 5e8 },
    ]);
    const run = (ms: number, alive: readonly Process[]) => {
      for (const end = world.now + ms; world.now < end; world.now += 50)
        for (const process of alive) {
          const request = process.claim.request();
          if (request !== undefined) world.append(request);
          while (process.applied + 1 < world.leases.length) world.apply(process);
        }
    };
    const [first, second] = world.processes as [Process, Process];
    run(100, [first]);
    run(20 * durationMs, [first, second]);
    expect([first.claim.isHeld, second.claim.isHeld]).toEqual([true, false]);
    run(2 * durationMs, [second]);
    expect([first.claim.isHeld, second.claim.isHeld]).toEqual([false, true]);
  });
});
