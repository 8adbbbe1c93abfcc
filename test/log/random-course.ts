import assert from 'node:assert/strict';
import { MemoryError } from '../../src/domain/errors';
import type { RaftLog, RaftLogDeps } from '../../src/log/raft-log';
import { Generator } from '../../src/raft/core/generator';
import { CrashingStorage, type DiskFaults } from '../raft/node/crashing-storage';
import { foundingMembers, NumberedState } from '../raft/node/numbered-state';
import { addressOf, RaftCluster } from './raft-cluster';
import { command, numbers } from './recorded-state';

const steps = 120;

/** Mistakes that a course must notice. */
export interface CourseMistakes {
  readonly createLog?: (deps: RaftLogDeps) => RaftLog;
  /** Whether the storages say that works are durable when they are only written. */
  readonly acknowledgesEarly?: boolean;
}

/**
 * A cluster to which everything happens: crashes that lose what is not durable, partitions in one or both directions, loss, delays, disks
 * that stall or are full, snapshots, and a member that comes and goes. Everything follows from the seed.
 *
 * Checked all the time: a linearizable read includes what was acknowledged before it, and no node with a read lease lacks a change of the
 * rules that was acknowledged. Checked at the end, when all is well again: every member has applied the same commands, each once, and among
 * them everything that was acknowledged.
 */
export class RandomCourse {
  readonly #random: Generator;
  readonly #cluster: RaftCluster;
  readonly #states: readonly NumberedState[];
  readonly #faults: readonly DiskFaults[];
  readonly #stopped = new Set<number>();
  readonly #acknowledged = new Set<number>();
  readonly #rules = new Set<number>();
  readonly #calls = new Set<Promise<unknown>>();
  readonly trace: string[] = [];
  #nextNumber = 1;

  constructor(seed: number, { createLog, acknowledgesEarly = false }: CourseMistakes = {}) {
    this.#random = new Generator(seed);
    const founding = foundingMembers([1, 2, 3]);
    this.#states = numbers(4, 1).map((id) => new NumberedState(id <= 3 ? founding : undefined));
    this.#faults = this.#states.map(() => ({
      isStalled: false,
      isFull: false,
      syncMs: () => 1 + this.#random.below(20),
    }));
    this.#cluster = new RaftCluster({
      targets: this.#states,
      voters: 3,
      maxPending: 1_000,
      seed,
      first: this.#state(1).snapshot(),
      ...(createLog && { createLog }),
      storageOf: (id, disk) =>
        new CrashingStorage(disk, this.#faults[id - 1] as DiskFaults, {
          schedule: (ms, action) => this.#cluster.time.schedule(ms, action),
          acknowledgesEarly,
        }),
    });
  }

  async run(): Promise<void> {
    await this.#cluster.settle();
    for (let step = 0; step < steps; step++) {
      this.#act();
      await this.#cluster.time.pass(this.#random.below(400));
      this.#checkRules();
    }
    await this.#mend();
    await this.#check();
  }

  #act(): void {
    const id = this.#running();
    const kind = this.#random.below(100);
    if (kind < 45) this.#write(id);
    else if (kind < 52) this.#changeRule(id);
    else if (kind < 60) this.#read(id);
    else if (kind < 66) this.#stop(id);
    else if (kind < 74) this.#restart();
    else if (kind < 80) this.#cut();
    else if (kind < 85) this.#disk();
    else if (kind < 90) this.#snapshot(id);
    else if (kind < 94) this.#call(id, 'transfers', () => this.#cluster.host(id).transfer());
    else if (kind < 97) this.#changeMembers(id);
    else this.#network();
  }

  #write(id: number): void {
    for (let count = 1 + this.#random.below(4); count > 0; count--) {
      const n = this.#nextNumber++;
      this.#call(id, `writes ${n}`, async () => {
        await this.#cluster.log(id).propose(command(n));
        this.#acknowledged.add(n);
      });
    }
  }

  #changeRule(id: number): void {
    const n = this.#nextNumber++;
    const { stamp } = command(n);
    this.#call(id, `ends rule ${n}`, async () => {
      await this.#cluster.log(id).propose({ stamp, type: 'end-declaration', id: 'rule' });
      this.#acknowledged.add(n);
      this.#rules.add(n);
    });
  }

  #read(id: number): void {
    const known = [...this.#acknowledged];
    this.#call(id, 'reads', async () => {
      await this.#cluster.log(id).barrier('linearizable');
      const applied = new Set(this.#state(id).numbers);
      assert.deepEqual(
        known.filter((n) => !applied.has(n)),
        [],
        `Node ${id} has read, and lacks what was acknowledged.`,
      );
    });
  }

  #stop(id: number): void {
    if (this.#stopped.size >= 2) return;
    this.#note(`${id} stops`);
    this.#stopped.add(id);
    this.#cluster.stop(id);
  }

  #restart(): void {
    const [id] = this.#stopped;
    if (id === undefined) return;
    this.#note(`${id} starts`);
    this.#stopped.delete(id);
    this.#cluster.restart(id);
  }

  #cut(): void {
    const kind = this.#random.below(4);
    const a = 1 + this.#random.below(4);
    const b = 1 + this.#random.below(4);
    this.#note(`network ${['healed', 'healed', 'cut', 'cut one way'][kind]} at ${a}, ${b}`);
    if (kind < 2) this.#cluster.cutOff();
    else if (kind === 2) this.#cluster.cutOff(a);
    else this.#cluster.network.cutOff(addressOf(a), addressOf(b));
  }

  #disk(): void {
    const at = this.#random.below(4);
    const faults = this.#faults[at] as DiskFaults;
    const kind = this.#random.below(4);
    faults.isStalled = kind === 0;
    faults.isFull = kind === 1;
    this.#note(`disk of ${at + 1}: ${['stalled', 'full', 'well', 'well'][kind]}`);
  }

  #snapshot(id: number): void {
    this.#call(id, 'takes a snapshot', async () => {
      const snapshot = this.#state(id).snapshot();
      if (snapshot.index < 2) return;
      const host = this.#cluster.host(id);
      await host.saveSnapshot(snapshot);
      await host.purge(snapshot.index - this.#random.below(3));
    });
  }

  #changeMembers(id: number): void {
    const host = this.#cluster.host(id);
    const change = this.#random.below(3);
    if (change === 0)
      this.#call(id, 'adds 4', () => host.changeMembers({ kind: 'add', node: 4, address: addressOf(4) }));
    else if (change === 1) this.#call(id, 'promotes 4', () => host.changeMembers({ kind: 'promote', node: 4 }));
    else this.#call(id, 'demotes 4', () => host.changeMembers({ kind: 'demote', node: 4 }));
  }

  #network(): void {
    const isBad = this.#random.below(2) === 0;
    this.#note(`network ${isBad ? 'bad' : 'good'}`);
    this.#cluster.faults = isBad ? { lost: 5, doubled: 10, delayed: 15 } : {};
  }

  /** Makes a call that may fail as calls do in a cluster with faults, and in no other way. */
  #call(id: number, what: string, run: () => Promise<unknown>): void {
    this.#note(`${id} ${what}`);
    const call = run()
      .then(
        () => this.#note(`${id} ${what}: done`),
        (error: unknown) => {
          if (!MemoryError.is(error)) throw error;
          this.#note(`${id} ${what}: ${error.code}`);
        },
      )
      .finally(() => this.#calls.delete(call));
    // A violation is reported when all calls are awaited.
    call.catch((error: unknown) => {
      this.#violation ??= error;
    });
    this.#calls.add(call);
  }

  #violation: unknown;

  #checkRules(): void {
    if (this.#violation !== undefined) throw this.#violation;
    for (const id of this.#cluster.ids) {
      if (this.#stopped.has(id) || !this.#cluster.host(id).hasReadLease) continue;
      const applied = new Set(this.#state(id).numbers);
      const missing = [...this.#rules].filter((n) => !applied.has(n));
      assert.deepEqual(missing, [], `Node ${id} has a read lease, and lacks rules that were acknowledged.`);
    }
  }

  async #mend(): Promise<void> {
    this.#note('all is well');
    this.#cluster.cutOff();
    this.#cluster.faults = {};
    for (const faults of this.#faults) Object.assign(faults, { isStalled: false, isFull: false });
    while (this.#stopped.size > 0) this.#restart();
    await this.#cluster.time.pass(20_000);
    for (const call of this.#calls) await this.#cluster.run(call.catch(() => undefined));
    if (this.#violation !== undefined) throw this.#violation;
    await this.#cluster.settle();
  }

  async #check(): Promise<void> {
    const { leader } = this.#cluster;
    for (const id of [leader, 1, 2, 3]) {
      const n = this.#nextNumber++;
      await this.#cluster.log(id).propose(command(n));
      this.#acknowledged.add(n);
    }
    await this.#cluster.settle();
    const expected = this.#state(leader).numbers;
    assert.equal(new Set(expected).size, expected.length, 'A command was applied twice.');
    const kept = new Set(expected);
    const lost = [...this.#acknowledged].filter((n) => !kept.has(n));
    assert.deepEqual(lost, [], 'Commands that were acknowledged are lost.');
    const { membership } = this.#cluster.host(leader).status();
    for (const id of Object.keys(membership.addresses).map(Number)) {
      assert.equal(this.#cluster.host(id).status().haltReason, undefined, `Node ${id} has halted.`);
      assert.deepEqual(this.#state(id).numbers, expected, `Node ${id} differs from the leader.`);
      assert.deepEqual(this.#cluster.host(id).status().membership, membership);
    }
  }

  #running(): number {
    const running = this.#cluster.ids.filter((id) => !this.#stopped.has(id));
    return running[this.#random.below(running.length)] as number;
  }

  #state(id: number): NumberedState {
    return this.#states[id - 1] as NumberedState;
  }

  #note(text: string): void {
    this.trace.push(`${this.#cluster.time.elapsedMs()} ${text}`);
  }
}
