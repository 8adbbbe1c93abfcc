import assert from 'node:assert/strict';
import type { Answer, Call, Content, Remembered } from './calls';
import { contentsOf } from './lane';

/** The expected content of a revision. */
export interface Revision {
  readonly token: string;
  readonly supersededBy: string | undefined;
}

/** A memory that must exist, or must stay forgotten. */
export interface Known {
  readonly id: string;
  readonly lane: number;
  readonly key: string | undefined;
  readonly revisions: Revision[];
  forgotten: boolean;
}

export type Idempotent = Extract<Call, { type: 'remember' }> & { readonly idempotencyKey: string };

/** The expected state of a store after every acknowledged call, and after every other call that turned out to have succeeded. */
export class Model {
  readonly memories = new Map<string, Known>();
  readonly contents = new Map<string, Content>();
  /** The first result of each idempotent write. */
  readonly once = new Map<string, { readonly call: Idempotent; readonly first: Remembered }>();

  /** Takes in everything that a call wrote. */
  happened(call: Call, { remembered = [], forgotten = [] }: Answer): void {
    for (const id of forgotten) this.known(id).forgotten = true;
    const contents = contentsOf(call);
    assert.equal(remembered.length, contents.length, 'as many answers as memories');
    for (const [i, answer] of remembered.entries()) this.wrote(call, contents[i] as Content, answer);
  }

  /** Takes in one content that a call wrote. */
  wrote(call: Call, content: Content, answer: Remembered): void {
    if (answer.outcome === 'duplicate') {
      this.#repeated(call, answer);
      return;
    }
    this.contents.set(content.token, content);
    const known = this.memories.get(answer.id) ?? this.#added(call, answer.id);
    const before = known.revisions[answer.revision - 2];
    assert.equal(
      known.revisions[answer.revision - 1],
      undefined,
      `revision ${answer.revision} of ${known.id} was given twice`,
    );
    const supersededBy = call.type === 'update' ? before?.supersededBy : undefined;
    known.revisions[answer.revision - 1] = { token: content.token, supersededBy };
    if (call.type !== 'remember') return;
    if (call.supersedes !== undefined) {
      const { revisions } = this.known(call.supersedes);
      revisions.push({ token: (revisions.at(-1) as Revision).token, supersededBy: known.id });
    }
    if (isIdempotent(call)) this.once.set(call.idempotencyKey, { call, first: answer });
  }

  known(id: string): Known {
    const known = this.memories.get(id);
    assert.ok(known !== undefined, `no acknowledged memory has the id ${id}`);
    return known;
  }

  /** The memory with a key in a lane. */
  keyed(lane: number, key: string): Known | undefined {
    return [...this.memories.values()].find((known) => known.lane === lane && known.key === key && !known.forgotten);
  }

  #added({ lane, ...call }: Call, id: string): Known {
    const key = call.type === 'remember' ? call.key : undefined;
    assert.notEqual(call.type, 'update', `an update made the memory ${id}`);
    const known: Known = { id, lane, key, revisions: [], forgotten: false };
    this.memories.set(id, known);
    return known;
  }

  #repeated(call: Call, { id, revision }: Remembered): void {
    assert.ok(isIdempotent(call), 'only an idempotent write has a duplicate');
    const first = this.once.get(call.idempotencyKey)?.first;
    assert.deepEqual(
      { id, revision },
      { id: first?.id, revision: first?.revision },
      `a replay of ${call.idempotencyKey}`,
    );
  }
}

export function isIdempotent(call: Call): call is Idempotent {
  return call.type === 'remember' && call.idempotencyKey !== undefined;
}
