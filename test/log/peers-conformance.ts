import assert from 'node:assert/strict';
import { MemoryError } from '../../src/domain/errors';
import type { ReplicatedLog } from '../../src/log/replicated-log';
import type { ConformanceCase } from '../../src/testing/conformance';
import { assertError, failDisk } from './log-conformance';
import type { NetworkFaults } from './raft-cluster';
import { answerOf, command, numbers, RecordedState } from './recorded-state';

/** The logs of several peers, with the network between them, as the suite needs them. */
export interface PeersUnderTest {
  readonly ids: readonly number[];
  readonly leader: number;
  faults: NetworkFaults;
  log(id: number): ReplicatedLog;
  stop(id: number): void;
  restart(id: number): ReplicatedLog;
  /** Loses everything between these peers and the others, until it is called with no id. */
  cutOff(...ids: readonly number[]): void;
  loseNextFrame(id: number): void;
  /** Resolves when every peer that can has applied everything. */
  settle(): Promise<void>;
}

/** Makes logs over these states: one peer for each state. */
export type PeersMaker = (states: readonly RecordedState[], seed: number) => PeersUnderTest;

class Run {
  readonly states = [new RecordedState(), new RecordedState(), new RecordedState()];
  readonly peers: PeersUnderTest;

  constructor(create: PeersMaker, seed: number) {
    this.peers = create(this.states, seed);
  }

  state(id: number): RecordedState {
    return this.states[id - 1] as RecordedState;
  }

  /** The ids of the peers that do not lead, in order. */
  get followers(): readonly [number, number] {
    const { leader, ids } = this.peers;
    return ids.filter((id) => id !== leader) as [number, number];
  }

  /** Proposes commands in one peer at once, and returns what their callers got. */
  propose(id: number, count: number, first: number): Promise<(number | string)[]> {
    return Promise.all(numbers(count, first).map((n) => answered(this.peers.log(id), n)));
  }

  /** Every peer has applied the same commands in the same order, each once, and got the same. */
  assertSame(): void {
    const [first, ...others] = this.states as [RecordedState, ...RecordedState[]];
    assert.equal(new Set(first.numbers).size, first.numbers.length, 'A command was applied twice.');
    assert.equal(first.memoryCount, first.numbers.length);
    for (const other of others) {
      assert.deepEqual(other.numbers, first.numbers);
      assert.deepEqual(other.digests, first.digests);
    }
  }

  /** All commands whose callers got an outcome are applied. */
  assertKept(answers: readonly (number | string)[]): void {
    for (const { numbers: applied } of this.states)
      assert.deepEqual(
        answers.filter((each) => typeof each === 'number' && !applied.includes(each)),
        [],
      );
  }
}

type Check = (name: string, run: (run: Run) => Promise<void>) => ConformanceCase;

/**
 * What the logs of several peers promise together, beside what `replicatedLogConformance` says of each.
 *
 * @param seeds Each case runs once for each. The faults of the network and the elections follow from it.
 */
export function peersConformance(create: PeersMaker, seeds: readonly number[] = [1]): ConformanceCase[] {
  const check: Check = (name, run) => ({
    name,
    run: async () => {
      for (const seed of seeds) {
        const course = new Run(create, seed);
        await course.peers.settle();
        await run(course);
      }
    },
  });
  return [
    ...sequenceCases(check),
    ...restartCases(check),
    ...haltCases(check),
    ...lossCases(check),
    ...readCases(check),
  ];
}

/** One order for all, whatever the network does. */
function sequenceCases(check: Check): ConformanceCase[] {
  const faults: readonly (readonly [string, NetworkFaults])[] = [
    ['gives every peer the same sequence', {}],
    ['gives every peer the same sequence while messages are lost', { lost: 10 }],
    ['gives every peer the same sequence while messages arrive twice', { doubled: 40 }],
    ['gives every peer the same sequence while messages overtake each other', { delayed: 50 }],
    ['gives every peer the same sequence while all of it happens', { lost: 10, doubled: 20, delayed: 30 }],
  ];
  return [
    ...faults.map(([name, struck]) =>
      check(name, async (run) => {
        run.peers.faults = struck;
        const answers = await Promise.all(run.peers.ids.map((id) => run.propose(id, 70, id * 1_000)));
        run.peers.faults = {};
        await run.peers.settle();
        run.assertSame();
        run.assertKept(answers.flat());
        assert.equal(run.state(1).numbers.length, 210);
      }),
    ),
    check('applies a frame once that reaches the log twice', async (run) => {
      run.peers.faults = { doubled: 100 };
      const [follower] = run.followers;
      assert.deepEqual(await run.propose(follower, 40, 0), numbers(40));
      run.peers.faults = {};
      await run.peers.settle();
      assert.ok(run.state(1).results.includes('repeated'), 'No frame was in the log twice.');
      run.assertSame();
    }),
    check('sends a frame again that was lost before the next one, and keeps the order', async (run) => {
      const [follower] = run.followers;
      run.peers.loseNextFrame(follower);
      // More than a frame holds.
      assert.deepEqual(await run.propose(follower, 300, 0), numbers(300));
      await run.peers.settle();
      assert.ok(run.state(1).results.includes('gap'), 'No frame came before the one that was lost.');
      assert.deepEqual(run.state(1).numbers, numbers(300));
      run.assertSame();
    }),
    check('has one leader', async ({ peers }) => {
      const roles = peers.ids.map((id) => peers.log(id).status().role);
      assert.deepEqual(roles.sort(), ['follower', 'follower', 'leader']);
    }),
  ];
}

/** A process ends at any moment. */
function restartCases(check: Check): ConformanceCase[] {
  return [
    check('applies an entry after a restart that came between its commit and its application', async (run) => {
      for (const [round, id] of run.peers.ids.entries()) {
        const state = run.state(id);
        state.onBatch = () => {
          state.onBatch = undefined;
          run.peers.stop(id);
          throw new Error('The process was killed.');
        };
        const [answer] = await run.propose(id, 1, round);
        assert.equal(answer, 'OUTCOME_UNKNOWN');
        run.peers.restart(id);
        await run.peers.settle();
        assert.deepEqual(state.numbers, numbers(round + 1));
        run.assertSame();
      }
    }),
    check('applies an entry once whose peer was stopped between its application and its answer', async (run) => {
      for (const [round, id] of run.peers.ids.entries()) {
        const state = run.state(id);
        state.onApplied = () => {
          state.onApplied = undefined;
          run.peers.stop(id);
        };
        const [answer] = await run.propose(id, 1, round);
        assert.equal(answer, 'OUTCOME_UNKNOWN');
        run.peers.restart(id);
        await run.peers.settle();
        assert.deepEqual(state.numbers, numbers(round + 1));
        run.assertSame();
      }
    }),
    check('accepts commands on a peer that was started again, and numbers its frames anew', async (run) => {
      for (const [round, id] of run.peers.ids.entries()) {
        assert.deepEqual(await run.propose(id, 40, round * 100), numbers(40, round * 100));
        run.peers.restart(id);
        await run.peers.settle();
        assert.deepEqual(await run.propose(id, 40, round * 100 + 50), numbers(40, round * 100 + 50));
      }
      await run.peers.settle();
      run.assertSame();
    }),
    check('loses nothing that was answered while peers stop one after the other', async (run) => {
      run.peers.faults = { lost: 3, doubled: 10, delayed: 20 };
      const answers: (number | string)[] = [];
      for (const id of [...run.peers.ids, ...run.peers.ids]) {
        const first = answers.length;
        const proposed = run.peers.ids.map((each) => run.propose(each, 20, first + each * 20));
        await Promise.race(proposed);
        run.peers.restart(id);
        answers.push(...(await Promise.all(proposed)).flat());
      }
      run.peers.faults = {};
      await run.peers.settle();
      run.assertSame();
      run.assertKept(answers);
    }),
  ];
}

/** A peer that cannot apply an entry stops, and the others go on. */
function haltCases(check: Check): ConformanceCase[] {
  return [
    check('halts a peer that cannot apply an entry, and goes on with the others', async (run) => {
      const [halted, other] = run.followers;
      const log = run.peers.log(halted);
      run.state(halted).onBatch = failDisk;
      assert.deepEqual(await run.propose(other, 3, 0), numbers(3));
      await run.peers.settle();
      const before = log.position();
      assert.deepEqual(log.status(), { role: 'halted', reason: 'The disk is full.' });
      const [refused] = await run.propose(halted, 1, 50);
      assert.ok(typeof refused === 'string' && refused !== 'OUTCOME_UNKNOWN', `A halted peer answered ${refused}.`);
      assert.deepEqual(await run.propose(other, 3, 10), numbers(3, 10));
      await run.peers.settle();
      assert.equal(log.position(), before);
      assert.deepEqual(run.state(halted).numbers, []);
    }),
    check('continues with the same entry after the peer was repaired', async (run) => {
      const [halted, other] = run.followers;
      run.state(halted).onBatch = failDisk;
      await run.propose(other, 40, 0);
      run.state(halted).onBatch = undefined;
      run.peers.restart(halted);
      await run.peers.settle();
      assert.deepEqual(run.state(halted).numbers, numbers(40));
      run.assertSame();
    }),
    check('does not know the outcome of a command that its own peer could not apply', async (run) => {
      const { leader } = run.peers;
      run.state(leader).onBatch = failDisk;
      assert.deepEqual(await run.propose(leader, 2, 0), ['OUTCOME_UNKNOWN', 'OUTCOME_UNKNOWN']);
      run.state(leader).onBatch = undefined;
      run.peers.restart(leader);
      await run.peers.settle();
      run.assertSame();
      assert.deepEqual(run.state(leader).numbers, numbers(2));
    }),
    check('halts every peer at an entry that none can apply, and skips it on none', async (run) => {
      for (const state of run.states) state.onBatch = failDisk;
      assert.deepEqual(await run.propose(run.peers.leader, 1, 0), ['OUTCOME_UNKNOWN']);
      await run.peers.settle();
      for (const state of run.states) state.onBatch = undefined;
      for (const id of run.peers.ids) run.peers.restart(id);
      await run.peers.settle();
      run.assertSame();
      assert.deepEqual(run.state(1).numbers, [0]);
    }),
  ];
}

/** A peer that loses the others. */
function lossCases(check: Check): ConformanceCase[] {
  return [
    check('does not know the outcome of a frame that left a peer without an answer', async (run) => {
      const { leader } = run.peers;
      run.peers.cutOff(leader);
      assert.deepEqual(await run.propose(leader, 2, 0), ['OUTCOME_UNKNOWN', 'OUTCOME_UNKNOWN']);
      assert.deepEqual(run.state(leader).numbers, []);
      run.peers.cutOff();
      await run.peers.settle();
      run.assertSame();
      assert.deepEqual(run.state(leader).numbers, numbers(2));
    }),
    check('writes nothing of a command that never left its peer', async (run) => {
      const { leader } = run.peers;
      run.peers.cutOff(leader);
      await run.peers.settle();
      const [refused] = await run.propose(leader, 1, 0);
      assert.ok(typeof refused === 'string' && refused !== 'OUTCOME_UNKNOWN', `The answer was ${refused}.`);
      run.peers.cutOff();
      await run.peers.settle();
      run.assertSame();
      assert.deepEqual(run.state(leader).numbers, []);
    }),
    check('answers on the peers that can decide while another one is cut off, which then follows', async (run) => {
      const { leader } = run.peers;
      const [follower] = run.followers;
      run.peers.cutOff(leader);
      await run.peers.settle();
      assert.deepEqual(await run.propose(follower, 40, 0), numbers(40));
      assert.deepEqual(run.state(leader).numbers, []);
      run.peers.cutOff();
      await run.peers.settle();
      run.assertSame();
    }),
  ];
}

/** Reads that must include what happened on another peer. */
function readCases(check: Check): ConformanceCase[] {
  return [
    check('includes in a linearizable read what was acknowledged on any peer before', async (run) => {
      run.peers.faults = { delayed: 60 };
      for (const n of numbers(20)) {
        await run.propose(1 + (n % 3), 1, n);
        const reader = 1 + ((n + 1) % 3);
        await run.peers.log(reader).barrier('linearizable');
        assert.ok(run.state(reader).numbers.includes(n), `Peer ${reader} does not see command ${n}.`);
      }
    }),
    check('waits for a position of another peer', async (run) => {
      run.peers.faults = { delayed: 60 };
      for (const n of numbers(20)) {
        await run.propose(1 + (n % 3), 1, n);
        const reader = 1 + ((n + 1) % 3);
        await run.peers.log(reader).barrier({ after: run.peers.log(1 + (n % 3)).position() });
        assert.ok(run.state(reader).numbers.includes(n), `Peer ${reader} does not see command ${n}.`);
      }
    }),
    check('rejects a linearizable read on a former leader that is cut off', async (run) => {
      const { leader } = run.peers;
      const [follower] = run.followers;
      run.peers.cutOff(leader);
      const read = assert.rejects(run.peers.log(leader).barrier('linearizable'), (error) =>
        assertError(error, 'NO_QUORUM'),
      );
      assert.deepEqual(await run.propose(follower, 1, 0), [0]);
      await read;
    }),
  ];
}

/** The answer to a command, or the code of the error. */
async function answered(log: ReplicatedLog, n: number): Promise<number | string> {
  try {
    return answerOf(await log.propose(command(n)));
  } catch (error) {
    assert.ok(MemoryError.is(error), `Not a MemoryError: ${String(error)}`);
    return error.code;
  }
}
