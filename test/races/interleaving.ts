import { setImmediate } from 'node:timers/promises';
import type { Memory, MemoryChange } from 'multi-agent-memory';
import type { Random } from '../faults/random';
import type { Arena } from './arena';
import { type Operation, type Outcome, operations } from './operations';
import { type Ground, type Revocation, revocations, type Target } from './revocations';

/** One running call. Moments are numbers from `Arena.tick`. */
interface Run {
  readonly operation: Operation;
  readonly word: string;
  /** The moment at which the call started, or at which the gate that held it was opened. The rest of the call runs after this moment. */
  since: number;
  readonly outcome: Promise<Outcome>;
}

/** Revokes access while calls are running, in a random order. Throws if a later call could still use the revoked access. */
export async function interleave(arena: Arena, random: Random, n: number): Promise<void> {
  const possible = revocations.filter(({ needsFolder = false }) => !needsFolder || arena.canOpenAgain);
  const revocation = random.pick(possible);
  const race = new Race(arena, random, revocation, n);
  try {
    await race.run();
  } catch (error) {
    await race.end();
    throw new Error(`${revocation.name}: ${(error as Error).message}`, { cause: error });
  }
}

class Race {
  readonly #arena: Arena;
  readonly #random: Random;
  readonly #revocation: Revocation;
  readonly #n: number;
  readonly #runs: Run[] = [];
  readonly #deliveries: Promise<void>[] = [];
  #ground: Ground | undefined;
  #hidden: ReadonlySet<string> = new Set();
  /** The moment at which the revocation was acknowledged. */
  #revokedAt = Number.POSITIVE_INFINITY;
  #revoking: Promise<unknown> | undefined;

  constructor(arena: Arena, random: Random, revocation: Revocation, n: number) {
    this.#arena = arena;
    this.#random = random;
    this.#revocation = revocation;
    this.#n = n;
  }

  async run(): Promise<void> {
    const [ground, revoke] = await this.#prepare();
    this.#ground = ground;
    this.#hidden = new Set(this.#revocation.hides.map((target) => ground.memories[target]));
    const handle = this.#arena.store.as(ground.reader);
    const list = handle.list({ namespace: ground.namespace, limit: this.#random.whole(1, 3) })[Symbol.asyncIterator]();
    const end = new AbortController();
    const watch = handle.watch({ since: 'start', signal: end.signal })[Symbol.asyncIterator]();
    const steps: (() => unknown)[] = [];
    for (let i = this.#random.whole(4, 9); i > 0; i--)
      steps.push(() => this.#start(this.#random.pick(operations), `w${this.#n}x${i}`));
    for (let i = this.#random.whole(0, 4); i > 0; i--) steps.push(() => this.#deliver('list iteration', list));
    for (let i = this.#random.whole(0, 4); i > 0; i--) steps.push(() => this.#deliver('watch', watch));
    for (let i = this.#random.whole(0, 3); i > 0; i--) steps.push(() => this.#openGate());
    for (let i = this.#random.whole(0, 2); i > 0; i--) steps.push(() => this.#control(ground));
    const order = this.#random.sample(steps, steps.length);
    const at = this.#random.whole(0, order.length);
    order.splice(at, 0, () => {
      this.#revoking = revoke(ground).then(() => {
        this.#revokedAt = this.#arena.tick();
      });
    });
    // In some races, the remaining steps begin only after the revocation was acknowledged.
    if (this.#random.chance(0.6)) order.splice(this.#random.whole(at + 1, order.length), 0, () => this.#revoking);
    for (const step of order) {
      await step();
      for (let turns = this.#random.whole(0, 2); turns > 0; turns--)
        await (this.#random.chance(0.5) ? null : setImmediate());
    }
    await this.#revoking;
    for (const run of this.#runs) run.since = this.#heldSince(run);
    this.#arena.gates.openAll();
    const outcomes = await Promise.all(this.#runs.map(({ outcome }) => outcome));
    // Calls that start after the revocation must not return revoked memories.
    await this.#afterwards(ground);
    await this.#deliver('list iteration', list);
    end.abort();
    await Promise.all(this.#deliveries);
    this.#runs.forEach((run, i) => {
      this.#judge(run, outcomes[i] as Outcome);
    });
    await this.#settle(ground, outcomes);
  }

  /** Waits until all calls have ended, and ignores their results. */
  async end(): Promise<void> {
    this.#arena.gates.openAll();
    await Promise.allSettled([this.#revoking, ...this.#runs.map(({ outcome }) => outcome)]);
  }

  async #prepare(): Promise<[Ground, (ground: Ground) => Promise<unknown>]> {
    const { store } = this.#arena;
    const namespace = [`n${this.#n}`];
    const agent = { agentId: `agent ${this.#n}` };
    const reader = this.#random.chance(0.4) ? { ...agent, onBehalfOf: { userId: `user ${this.#n}` } } : agent;
    const revoke = await this.#revocation.prepare(this.#arena, { reader, namespace });
    const remember = async (options: object) => (await store.admin.remember('note', { namespace, ...options })).id;
    const memories: Record<Target, string> = {
      plain: await remember({ tags: ['old'] }),
      keyed: await remember({ key: 'key' }),
      tagged: await remember({ accessTags: ['pii'] }),
      moving: await remember({}),
    };
    return [{ reader, namespace, memories }, revoke];
  }

  #start(operation: Operation, word: string): void {
    if (operation.isGated && this.#random.chance(0.6)) this.#arena.gates.close(word);
    const since = this.#arena.tick();
    const outcome = operation.run(this.#arena.store.as(this.#ground!.reader), this.#ground!, word);
    outcome.catch(() => undefined);
    this.#runs.push({ operation, word, since, outcome });
  }

  #openGate(): void {
    const held = this.#runs.filter(({ word }) => this.#arena.gates.isHeld(word));
    if (held.length === 0) return;
    const run = this.#random.pick(held);
    run.since = this.#heldSince(run);
    this.#arena.gates.open(run.word);
  }

  #heldSince({ word, since }: Run): number {
    return this.#arena.gates.isHeld(word) ? this.#arena.tick() : since;
  }

  /** Requests the next item from an iterator, and checks it at the moment of its delivery. */
  #deliver(what: string, items: AsyncIterator<Memory | MemoryChange>): Promise<void> {
    const since = this.#arena.tick();
    const delivery = items.next().then(({ value, done }) => {
      const isLate = what === 'watch' ? this.#revokedAt < this.#arena.tick() : this.#revokedAt < since;
      if (done !== true && isLate && this.#hidden.has(value.id)) throw new Error(`${what} shows what was revoked`);
    });
    this.#deliveries.push(delivery);
    delivery.catch(() => undefined);
    return what === 'watch' ? Promise.resolve() : delivery;
  }

  /**
   * Checks that a principal is not affected by a revocation that does not concern it. It writes without vectors, because calls that a gate
   * holds also delay later calls of the embedder.
   */
  async #control({ namespace, memories }: Ground): Promise<void> {
    const { admin } = this.#arena.store;
    const ids = (await admin.list({ namespace: [...namespace, 'control'] })).items.map(({ id }) => id);
    const { id } = await admin.remember('control', { namespace: [...namespace, 'control'], embed: false });
    const now = (await admin.list({ namespace: [...namespace, 'control'] })).items.map((memory) => memory.id);
    if (now.length !== ids.length + 1 || !now.includes(id)) throw new Error('what was never revoked did not go on');
    if (Object.values(memories).includes(id)) throw new Error('an id came twice');
  }

  async #afterwards(ground: Ground): Promise<void> {
    const handle = this.#arena.store.as(ground.reader);
    for (const operation of operations.filter(({ takes }) => takes === undefined)) {
      const { shown } = await operation.run(handle, ground, `after${this.#n}`);
      const leaked = shown.filter((id) => this.#hidden.has(id));
      if (leaked.length > 0) throw new Error(`${operation.name}, asked for afterwards, shows what was revoked`);
      const kept = Object.entries(ground.memories).filter(([, id]) => !this.#hidden.has(id));
      const isWhole = ['list', 'recall keyword', 'recall hybrid'].includes(operation.name);
      for (const [target, id] of isWhole ? kept : []) {
        // Only this memory is checked, because the reader's calls may have forgotten or moved the others.
        if (target === 'keyed' && !shown.includes(id)) throw new Error(`${operation.name} lacks what was not revoked`);
      }
    }
    const { ends } = this.#revocation;
    if (ends.includes('write')) return;
    const word = `after${this.#n}`;
    const remember = operations.find(({ name }) => name === 'remember') as Operation;
    const { change } = await remember.run(handle, ground, word);
    if (change !== 'done') throw new Error('remember was refused, and was not revoked');
  }

  #isForbidden({ takes, target, tags = false }: Operation): boolean {
    const { ends, hides, endsTag = false } = this.#revocation;
    return (
      (takes !== undefined && ends.includes(takes)) ||
      (target !== undefined && hides.includes(target)) ||
      (tags && endsTag)
    );
  }

  #judge({ operation, since }: Run, { shown, change, made = [] }: Outcome): void {
    const { name } = operation;
    const isForbidden = this.#isForbidden(operation);
    if (isForbidden && change === 'done') {
      if (since > this.#revokedAt) throw new Error(`${name}, carried out afterwards, was done`);
      const late = made.some((id) => (this.#arena.committed.get(id) ?? 0) > this.#revokedAt);
      if (late) throw new Error(`${name} was committed after the revocation was acknowledged`);
    }
    if (since <= this.#revokedAt) return;
    if (shown.some((id) => this.#hidden.has(id)))
      throw new Error(`${name}, carried out afterwards, shows what was revoked`);
  }

  /** Checks that no change is half done: a change that was done is complete, and a refused change has left nothing. */
  async #settle({ namespace, memories }: Ground, outcomes: readonly Outcome[]): Promise<void> {
    const { admin } = this.#arena.store;
    const here: Memory[] = [];
    for (const at of [namespace, ['away']]) {
      for await (const memory of admin.list({ namespace: at, include: ['superseded'] })) here.push(memory);
    }
    const texts = new Set(here.map(({ text }) => text));
    for (const id of Object.values(memories)) {
      for (const { memory } of await admin.history(id)) if (memory !== undefined) texts.add(memory.text);
    }
    const forgotten = new Set(outcomes.flatMap((each) => each.forgotten ?? []));
    const gone = Object.values(memories).filter((id) => !here.some((memory) => memory.id === id));
    if (gone.some((id) => !forgotten.has(id))) throw new Error('a memory went that nobody was told to have forgotten');
    outcomes.forEach(({ change, texts: own = [] }, i) => {
      const { operation } = this.#runs[i] as Run;
      // The text of a forgotten memory is deleted, so it cannot be checked.
      if (operation.target !== undefined && forgotten.has(memories[operation.target])) return;
      const found = own.filter((text) => texts.has(text)).length;
      if (change === 'refused' && found > 0)
        throw new Error(`${operation.name} was refused, and left something behind`);
      if (change === 'done' && found < own.length) throw new Error(`${operation.name} was done, and is not there`);
    });
    const superseded = here.find(({ id }) => id === memories.moving)?.supersededBy;
    if (superseded !== undefined && !here.some(({ id }) => id === superseded)) throw new Error('superseded by nothing');
  }
}
