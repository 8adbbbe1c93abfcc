import type { SequentialModel, TimedStep } from '../linearizability/search';
import type { SessionEvent } from '../linearizability/session';
import type { Command, CommandKind } from './command';
import { keyCount, type Machine, type Outcome, type Register } from './machine';

/** What a caller did with a key, and what came back. */
export interface KeyStep {
  readonly kind: CommandKind | 'read';
  readonly expected: number;
  readonly value: number;
  /** The key afterwards, and whether the step changed it. Absent if no answer said so. */
  readonly answer?: { readonly isDone: boolean; readonly register: Register };
}

/** What the callers of a key expect, one step after another. */
export const registerModel: SequentialModel<Register, KeyStep> = {
  initial: { revision: 0, value: 0 },
  next(before, { kind, expected, value, answer }) {
    const isDone = kind !== 'read' && (kind !== 'update' || before.revision === expected);
    const after = isDone ? { revision: before.revision + 1, value: kind === 'forget' ? 0 : value } : before;
    if (answer === undefined) return after;
    const isSame = answer.register.revision === after.revision && answer.register.value === after.value;
    return isSame && answer.isDone === isDone ? after : undefined;
  },
  fingerprint: ({ revision, value }) => `${revision}/${value}`,
};

/** The calls of a course, with their intervals, for each key. Times are places in the order of all calls and answers. */
export class History {
  #now = 0;
  readonly #commands = new Map<string, { readonly key: number; readonly timed: TimedStep<KeyStep> }>();
  readonly #reads: { readonly key: number; readonly timed: TimedStep<KeyStep> }[] = [];
  readonly #sessionEvents: SessionEvent[] = [];
  readonly #positionEvents: SessionEvent[] = [];
  #turn = 0;

  /** What the clients of each node learnt from their own writes and from reads with a lease. */
  get sessionEvents(): readonly SessionEvent[] {
    return this.#sessionEvents;
  }

  /** The writes, and the reads that were to include a position. */
  get positionEvents(): readonly SessionEvent[] {
    return this.#positionEvents;
  }

  /** A client hears that its write is done. */
  wrote({ command, register }: Outcome, position: number): void {
    const { session: client, key } = command;
    const write = { client, key, kind: 'write', ...register, position } as const;
    this.#sessionEvents.push(write);
    this.#positionEvents.push(write);
  }

  /** A client reads one of the keys with a lease. */
  readInSession(client: number, machine: Machine): void {
    this.#sessionEvents.push(this.#event(client, machine, 0));
  }

  /** A client reads one of the keys, and wants to see everything up to a position. */
  readAfter(client: number, machine: Machine, position: number): void {
    this.#positionEvents.push(this.#event(client, machine, position));
  }

  #event(client: number, machine: Machine, position: number): SessionEvent {
    this.#turn += 1;
    const key = this.#turn % keyCount;
    return { client, key, kind: 'read', ...machine.register(key), position };
  }

  /** The time of a call that begins now. */
  begin(): number {
    this.#now += 1;
    return this.#now;
  }

  called(name: string, { key, kind, expected, value }: Command): void {
    const step = { kind, expected, value };
    this.#commands.set(name, { key, timed: { step, invokedAt: this.begin() } });
  }

  /** A command is answered. A duplicate says only that it was done before. */
  answered(name: string, { status, register }: Outcome): void {
    const { key, timed } = this.#commands.get(name)!;
    const answer = status === 'duplicate' ? {} : { answer: { isDone: status === 'done', register } };
    this.#commands.set(name, {
      key,
      timed: { ...timed, step: { ...timed.step, ...answer }, respondedAt: this.begin() },
    });
  }

  /** A read is answered. Reads without an answer have no effect, and are left out. */
  read(invokedAt: number, machine: Machine): void {
    const key = this.#reads.length % keyCount;
    const answer = { isDone: false, register: machine.register(key) };
    const step = { kind: 'read', expected: 0, value: 0, answer } as const;
    this.#reads.push({ key, timed: { step, invokedAt, respondedAt: this.begin() } });
  }

  /**
   * For each key the steps of all callers. Commands that nobody was told of are left out if they took no effect anywhere: a search that
   * tried them at each place would not end.
   */
  keys(hasEffect: (name: string) => boolean): readonly (readonly TimedStep<KeyStep>[])[] {
    const commands = [...this.#commands].filter(
      ([name, { timed }]) => timed.respondedAt !== undefined || hasEffect(name),
    );
    const all = [...commands.map(([, command]) => command), ...this.#reads].sort(
      (a, b) => a.timed.invokedAt - b.timed.invokedAt,
    );
    return Array.from({ length: keyCount }, (_, key) =>
      all.filter((each) => each.key === key).map(({ timed }) => timed),
    );
  }
}

/** The history with one read that shows the key as it was before a change that was acknowledged before the read began. */
export function withStaleRead(steps: readonly TimedStep<KeyStep>[]): readonly TimedStep<KeyStep>[] | undefined {
  for (const [at, { step, invokedAt, ...end }] of steps.entries()) {
    const { answer } = step;
    if (step.kind !== 'read' || answer === undefined) continue;
    const changes = steps.filter((each) => each.step.answer?.isDone === true && (each.respondedAt ?? 0) > 0);
    const latest = changes.find((each) => each.step.answer?.register.revision === answer.register.revision);
    const before = changes.find((each) => each.step.answer?.register.revision === answer.register.revision - 1);
    if (latest === undefined || before === undefined || latest.respondedAt! >= invokedAt) continue;
    const stale = { ...step, answer: { isDone: false, register: before.step.answer!.register } };
    return steps.map((each, other) => (other === at ? { step: stale, invokedAt, ...end } : each));
  }
  return undefined;
}
