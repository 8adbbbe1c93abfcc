import type { Command } from '../domain/command';
import type { AnsweredFrame } from './frame-session';
import { unknownOutcome } from './log-errors';

export interface BarrierAnswersDeps {
  /** Asks to be told when no node can serve a read from a state before `index`. The request may get lost. */
  ask(context: number, index: number): void;
  elapsedMs(): number;
  readonly waitMs: number;
  /** See `ReadWaitsDeps`. */
  readonly firstContext: number;
}

interface Held {
  readonly index: number;
  readonly frame: AnsweredFrame;
  readonly deadline: number;
  askedAt: number;
}

const askAgainMs = 300;

/**
 * Whether the outcome of a command is told only when every node acts on it. These are the commands that can take a memory away from a
 * reader: rules, `share` and `forget`. When one is acknowledged, it binds every later call on whatever node.
 */
export function isBarrierCommand({ type }: Command): boolean {
  return barrierTypes.has(type);
}

const barrierTypes: ReadonlySet<Command['type']> = new Set([
  'declare',
  'add-declaration',
  'end-declaration',
  'share',
  'forget',
]);

/** Outcomes that are held back until no node can serve a read from a state before them. */
export class BarrierAnswers {
  readonly #deps: BarrierAnswersDeps;
  readonly #held = new Map<number, Held>();
  #lastContext: number;

  constructor(deps: BarrierAnswersDeps) {
    this.#deps = deps;
    this.#lastContext = deps.firstContext;
  }

  /** The number of outcomes that are held back. */
  get pending(): number {
    let sum = 0;
    for (const { frame } of this.#held.values()) sum += frame.callers.length;
    return sum;
  }

  /** Holds back the outcomes of an entry. */
  hold(index: number, frame: AnsweredFrame): void {
    const now = this.#deps.elapsedMs();
    const context = ++this.#lastContext;
    this.#held.set(context, { index, frame, deadline: now + this.#deps.waitMs, askedAt: now });
    this.#deps.ask(context, index);
  }

  /** Every node acts on what was held under this number. */
  release(context: number): void {
    const held = this.#held.get(context);
    this.#held.delete(context);
    if (held !== undefined) answer(held.frame);
  }

  expire(): void {
    const now = this.#deps.elapsedMs();
    for (const [context, held] of this.#held) {
      if (held.deadline <= now) this.#giveUp(context, held);
      else if (now - held.askedAt >= askAgainMs) this.#ask(context, held);
    }
  }

  /** The leader has changed: what the one before was asked may be lost. */
  askAllAgain(): void {
    for (const [context, held] of this.#held) this.#ask(context, held);
  }

  end(reason: string): void {
    for (const { frame } of this.#held.values()) for (const { reject } of frame.callers) reject(unknownOutcome(reason));
    this.#held.clear();
  }

  #ask(context: number, held: Held): void {
    held.askedAt = this.#deps.elapsedMs();
    this.#deps.ask(context, held.index);
  }

  #giveUp(context: number, { frame }: Held): void {
    this.#held.delete(context);
    const reason = 'The change was made, but not every node of the cluster has confirmed in time that it acts on it.';
    for (const { reject } of frame.callers) reject(unknownOutcome(reason));
  }
}

/** Those of a frame who get their outcomes at once, and those whose outcomes are held back. */
export function divided({ callers, outcomes }: AnsweredFrame): {
  readonly now: AnsweredFrame;
  readonly held: AnsweredFrame;
} {
  const part = (isBarrier: boolean): AnsweredFrame => ({
    callers: callers.filter((caller) => caller.isBarrier === isBarrier),
    outcomes: outcomes.filter((_, at) => callers[at]?.isBarrier === isBarrier),
  });
  return { now: part(false), held: part(true) };
}

/** Gives each caller the outcome of its command. */
export function answer({ callers, outcomes }: AnsweredFrame): void {
  for (const [i, { resolve }] of callers.entries()) {
    const outcome = outcomes[i];
    if (outcome !== undefined) resolve(outcome);
  }
}
