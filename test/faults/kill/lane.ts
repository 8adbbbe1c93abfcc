import type { Memory } from 'multi-agent-memory';
import type { Random } from '../random';
import type { Answer, Call, Content } from './calls';
import { type Contents, groups } from './contents';

interface Live {
  readonly id: string;
  readonly key: string | undefined;
  readonly group: string | undefined;
  readonly isActive: boolean;
}

const keys = ['key-0', 'key-1', 'key-2', 'key-3', 'key-4', 'key-5'] as const;
// A lane with more memories forgets a group, so that a long run stays as fast as a short one.
const crowded = 150;

/** Chooses the next calls in one lane, from the memories that the lane holds. */
export class Lane {
  readonly number: number;
  readonly #random: Random;
  readonly #contents: Contents;
  readonly #live = new Map<string, Live>();
  readonly #replayable: Extract<Call, { type: 'remember' }>[] = [];

  constructor(number: number, random: Random, contents: Contents, found: readonly Memory[]) {
    this.number = number;
    this.#random = random;
    this.#contents = contents;
    for (const { id, key, tags, state } of found)
      this.#live.set(id, { id, key, group: tags[0], isActive: state === 'active' });
  }

  /** The next calls, to be made at the same time. */
  next(): Call[] {
    const { number: lane } = this;
    const random = this.#random;
    const remember = (more: object = {}): Call => ({ lane, type: 'remember', content: this.#contents.next(), ...more });
    if (this.#live.size > crowded) return [this.#forgetWhere()];
    const target = this.#live.size > 4 ? random.pick([...this.#live.values()]) : undefined;
    const die = random.whole(0, 99);
    if (die < 16) return Array.from({ length: random.whole(1, 4) }, () => remember());
    if (die < 24) return [{ lane, type: 'each', contents: this.#contents.many(2, 12) }];
    if (die < 36) return [{ lane, type: 'atomic', contents: this.#contents.many(2, 12) }];
    if (die < 46) return [remember({ key: random.pick(keys) })];
    if (die < 50) {
      const key = random.pick(keys);
      return Array.from({ length: random.whole(2, 4) }, () => remember({ key }));
    }
    if (die < 60) return this.#idempotent();
    if (target === undefined) return [remember()];
    if (die < 74) return [{ lane, type: 'update', id: target.id, content: this.#contents.next() }];
    if (die < 84) return [{ lane, type: 'forget', id: target.id }];
    if (die < 87) return [this.#forgetWhere()];
    return [target.isActive ? remember({ supersedes: target.id }) : remember()];
  }

  /** Takes in the result of a call. */
  learn(call: Call, { remembered = [], forgotten = [] }: Answer): void {
    for (const id of forgotten) this.#live.delete(id);
    const contents = contentsOf(call);
    for (const [i, { id, outcome }] of remembered.entries()) {
      if (outcome === 'duplicate') continue;
      const key = call.type === 'remember' ? call.key : this.#live.get(id)?.key;
      const isActive = call.type === 'update' ? (this.#live.get(id)?.isActive ?? true) : true;
      this.#live.set(id, { id, key, group: contents[i]?.tags[0], isActive });
    }
    if (call.type !== 'remember') return;
    const replaced = call.supersedes === undefined ? undefined : this.#live.get(call.supersedes);
    if (replaced !== undefined) this.#live.set(replaced.id, { ...replaced, isActive: false });
    if (call.idempotencyKey !== undefined) this.#replayable.push(call);
  }

  #forgetWhere(): Call {
    const tag = this.#random.pick(groups);
    const ids = [...this.#live.values()].flatMap(({ id, group }) => (group === tag ? [id] : []));
    return { lane: this.number, type: 'forgetWhere', tag, ids };
  }

  // The same write several times at once, or again after it was acknowledged.
  #idempotent(): Call[] {
    const { number: lane } = this;
    if (this.#replayable.length > 0 && this.#random.chance(0.3)) return [this.#random.pick(this.#replayable)];
    const content = this.#contents.next();
    const call: Call = { lane, type: 'remember', content, idempotencyKey: `once-${content.token}` };
    return Array.from({ length: this.#random.whole(1, 3) }, () => call);
  }
}

/** The contents that a call writes, in the order of its results. */
export function contentsOf(call: Call): readonly Content[] {
  switch (call.type) {
    case 'remember':
    case 'update':
      return [call.content];
    case 'each':
    case 'atomic':
      return call.contents;
    case 'forget':
    case 'forgetWhere':
      return [];
  }
}
