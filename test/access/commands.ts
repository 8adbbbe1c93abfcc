import { deepEqual, equal, ok } from 'node:assert/strict';
import { type Declaration, type Memory, MemoryError, type MemoryHandle, type MemoryStore } from 'multi-agent-memory';
import type { Item, Relabelled, Seed, Step } from './cases';
import { type Bound, isGroup, isRole, mayList, sameName } from './governing';
import type { Who } from './reference';
import type { Verdict, World } from './world';

type Outcome<T> = { readonly value: T } | { readonly code: string; readonly message: string };

/** Sends the same commands to a store and to its model, and compares the answers. */
export class Commands {
  readonly #store: MemoryStore;
  readonly #world: World;
  readonly #ids = new Map<Declaration, string>();
  readonly #repeatable: { who: Who; item: Item; supersedes: string | undefined }[] = [];
  readonly #handles = new Map<string, MemoryHandle>();
  /** The number of times that each command had each answer. */
  readonly answers = new Map<string, number>();

  constructor(store: MemoryStore, world: World) {
    this.#store = store;
    this.#world = world;
  }

  /** Returns the same handle each time, because a handle must follow rules that changed after it was made. */
  handle(who: Who, bound: Bound): MemoryHandle {
    const name = JSON.stringify([who, bound]);
    const scope = bound === undefined ? {} : { namespace: bound };
    const made =
      this.#handles.get(name) ?? (who === 'root' ? this.#store.admin.within(scope) : this.#store.as(who, scope));
    this.#handles.set(name, made);
    return made;
  }

  async seed({ author, replaces, ...item }: Seed): Promise<void> {
    const before = this.#world.memories.at(-1);
    const isThere = replaces && item.key === undefined && before?.state === 'active';
    // The author must be able to read the memory that it supersedes.
    const supersedes = isThere && this.#world.sees(author, undefined, before.labels) ? before.id : undefined;
    await this.#remember(author, undefined, item, supersedes);
  }

  async declare(who: Who, bound: Bound, declaration: Declaration): Promise<void> {
    const expected = this.#world.declare(who, bound, declaration);
    const outcome = await attempt(() => made(this.handle(who, bound), declaration));
    this.#compare('declare', `${show(who)} declares ${show(declaration)}`, expected, outcome, ({ id, declared }) => {
      equal(declared, false);
      this.#adopt(declaration, id);
      return id;
    });
  }

  async end(who: Who, bound: Bound, declaration: Declaration): Promise<void> {
    const expected = this.#world.end(who, bound, declaration);
    const id = this.#ids.get(declaration) ?? 'none';
    const outcome = await attempt(() => this.handle(who, bound).access.end(id));
    this.#compare('end', `${show(who)} ends ${show(declaration)}`, expected, outcome, (ended, answer) => {
      equal(ended, answer, 'whether it was ended');
      return id;
    });
  }

  async step({ who, bound, ...step }: Step): Promise<void> {
    const memory = (index: number) => this.#nth(who, bound, index) ?? 'none';
    if (step.type === 'remember') return this.#remember(who, bound, step.item, this.#target(who, bound, step.item));
    if (step.type === 'rememberMany') return this.#rememberMany(who, bound, step.items, step.atomic);
    if (step.type === 'declare') return this.declare(who, bound, step.declaration);
    if (step.type === 'end') return this.#endNth(who, bound, step.declaration);
    if (step.type === 'replay') return this.#replay(who, bound, step.earlier);
    if (step.type === 'forgetWhere') return this.#forgetWhere(who, bound, step.within, step.dryRun);
    if (step.type === 'share') return this.#share(who, bound, memory(step.memory), step);
    return this.#change(who, bound, memory(step.memory), step);
  }

  async #remember(who: Who, bound: Bound, item: Item, supersedes: string | undefined): Promise<void> {
    if (item.idempotencyKey !== undefined) this.#repeatable.push({ who, item, supersedes });
    const expected = this.#world.remember(who, bound, item, supersedes);
    const outcome = await attempt(() => this.handle(who, bound).remember('note', written(item, supersedes)));
    this.#compare('remember', `${show(who)} remembers ${show(item)}`, expected, outcome, (value, answer) => {
      deepEqual(value, { ...answer, id: answer.id ?? value.id });
      return value.id;
    });
  }

  /** Repeats an earlier `remember`, usually by its author, because idempotency keys belong to one author. */
  async #replay(who: Who, bound: Bound, index: number): Promise<void> {
    const earlier = this.#repeatable[index % Math.max(1, this.#repeatable.length)];
    if (earlier === undefined) return;
    await this.#remember(index % 4 === 0 ? who : earlier.who, bound, earlier.item, earlier.supersedes);
  }

  async #rememberMany(who: Who, bound: Bound, items: readonly Item[], atomic: boolean): Promise<void> {
    const targets = items.map((item) => this.#target(who, bound, item));
    const given = items.map((item, i) => ({ text: 'note', ...written(item, targets[i]) }));
    const outcome = await attempt(() => this.handle(who, bound).rememberMany(given, { atomic }));
    const what = `${show(who)} remembers many ${show(items)}`;
    const trial = this.#world.copy();
    const failing = items.flatMap((item, i) => {
      const verdict = trial.remember(who, bound, item, targets[i]);
      if ('apply' in verdict) verdict.apply(verdict.answer.id ?? `new ${i}`);
      return 'code' in verdict ? [verdict.code] : [];
    });
    if (atomic && failing.length > 0) {
      // If several items fail, the batch may have the error of any of them.
      ok('code' in outcome && failing.includes(outcome.code), `${what}: ${show(outcome)}, not ${failing.join(' or ')}`);
      this.#tally(`rememberMany, atomic: ${outcome.code}`);
      return;
    }
    if (!('value' in outcome)) throw new Error(`${what}: ${outcome.code} ${outcome.message}`);
    for (const [i, result] of outcome.value.results.entries()) {
      const expected = this.#world.remember(who, bound, items[i] as Item, targets[i]);
      const { code, message } = result.ok ? { code: '', message: '' } : result.error;
      this.#compare(
        'rememberMany',
        `${what}, item ${i}`,
        expected,
        result.ok ? { value: result } : { code, message },
        (value, answer) => {
          equal(value.outcome, answer.outcome);
          return value.id;
        },
      );
    }
  }

  async #change(
    who: Who,
    bound: Bound,
    id: string,
    step: { type: 'update' | 'forget'; stale: boolean },
  ): Promise<void> {
    const expected = this.#world.change(who, bound, step.type, id, step.stale);
    const handle = this.handle(who, bound);
    const options = step.stale ? { ifRevision: 999 } : {};
    const change = (of: string): Promise<unknown> =>
      step.type === 'update' ? handle.update(of, { priority: 0.7 }, options) : handle.forget(of, options);
    const what = `${show(who)} asks for ${step.type} of ${id}`;
    if (step.type === 'forget' && 'code' in expected && expected.code === 'NOT_FOUND') {
      deepEqual(await attempt(() => change(id)), { value: false }, what);
      this.#tally('forget: false');
      return;
    }
    const outcome = await attempt(() => change(id));
    this.#compare(step.type, what, expected, outcome, () => id);
    await this.#sameAsAbsent(outcome, id, () => change('absent'));
  }

  async #share(
    who: Who,
    bound: Bound,
    id: string,
    { change, stale }: { change: Relabelled; stale: boolean },
  ): Promise<void> {
    const expected = this.#world.share(who, bound, id, change, stale);
    const handle = this.handle(who, bound);
    const share = (of: string) => handle.share(of, change, stale ? { ifRevision: 999 } : {});
    const outcome = await attempt(() => share(id));
    this.#compare(
      'share',
      `${show(who)} shares ${id} as ${show(change)}`,
      expected,
      outcome,
      (value: Memory, answer) => {
        deepEqual(value.namespace, answer.namespace);
        equal(value.visibility, answer.visibility);
        return id;
      },
    );
    await this.#sameAsAbsent(outcome, id, () => share('absent'));
  }

  async #forgetWhere(who: Who, bound: Bound, within: readonly string[], dryRun: boolean): Promise<void> {
    const { matched, ids } = this.#world.forgettable(who, bound, within);
    const selection = { namespace: within, filter: { kind: 'episodic' } };
    const forgotten = await this.handle(who, bound).forgetWhere(selection, { dryRun });
    const what = `${show(who)} forgets where ${show(within)}`;
    equal(forgotten.matched, matched.length, what);
    deepEqual([...forgotten.ids].sort(), [...ids].sort(), what);
    equal(forgotten.forgotten, dryRun ? 0 : ids.length, what);
    if (!dryRun) this.#world.forgetAll(ids);
    this.#tally(`forgetWhere: ${ids.length > 0 ? 'some' : 'none'}`);
  }

  async #endNth(who: Who, bound: Bound, index: number): Promise<void> {
    const all = [...this.#ids.keys()];
    const listed = all.filter((each) => mayList(this.#world.reference, who, each, bound));
    const some = index % 4 > 0 && listed.length > 0 ? listed : all;
    const declaration = some[index % some.length];
    if (declaration !== undefined) await this.end(who, bound, declaration);
  }

  #adopt(declaration: Declaration, id: string): void {
    if (isRole(declaration) || isGroup(declaration)) {
      for (const [other] of this.#ids) if (sameName(other, declaration)) this.#ids.delete(other);
    }
    this.#ids.set(declaration, id);
  }

  #target(who: Who, bound: Bound, { supersedes }: Item): string | undefined {
    return supersedes === undefined ? undefined : this.#nth(who, bound, supersedes);
  }

  /** Picks a memory, usually one that the actor can see, because for all others every call has the same answer. */
  #nth(who: Who, bound: Bound, index: number): string | undefined {
    const visible = this.#world.visible(who, bound);
    const some = index % 4 > 0 && visible.length > 0 ? visible : this.#world.memories;
    return some[index % some.length]?.id;
  }

  /** Checks that the error for a memory that the actor may not read is the same as for a memory that does not exist. */
  async #sameAsAbsent(outcome: Outcome<unknown>, id: string, again: () => Promise<unknown>): Promise<void> {
    if (!('code' in outcome) || outcome.code !== 'NOT_FOUND') return;
    const absent = await attempt(again);
    ok('code' in absent, 'what does not exist is refused');
    equal(outcome.message.replaceAll(id, 'absent'), absent.message, 'the words of a refusal');
  }

  #tally(answer: string): void {
    this.answers.set(answer, (this.answers.get(answer) ?? 0) + 1);
  }

  #compare<T, V>(
    verb: string,
    what: string,
    expected: Verdict<V>,
    outcome: Outcome<T>,
    matched: (value: T, answer: V) => string,
  ): void {
    const answered = 'code' in outcome ? outcome.code : 'done';
    const should = 'code' in expected ? expected.code : 'done';
    this.#tally(`${verb}: ${answered}`);
    equal(answered, should, `${what}${'code' in outcome ? ` (${outcome.message})` : ''}`);
    if ('apply' in expected && 'value' in outcome) expected.apply(matched(outcome.value, expected.answer));
  }
}

async function attempt<T>(call: () => PromiseLike<T>): Promise<Outcome<T>> {
  try {
    return { value: await call() };
  } catch (error) {
    if (MemoryError.is(error)) return { code: error.code, message: error.message };
    throw error;
  }
}

function made(handle: MemoryHandle, declaration: Declaration) {
  const { access } = handle;
  if (isRole(declaration)) return access.role(declaration.role, declaration.actions);
  if (isGroup(declaration)) return access.group(declaration.group, declaration.members);
  if ('clear' in declaration) return access.clear(declaration.to, declaration.clear, declaration.at);
  if ('ceiling' in declaration) return access.ceiling(declaration.to, declaration.ceiling, declaration.at);
  if ('retain' in declaration) throw new Error('The policies have no retentions.');
  return access[declaration.effect](declaration.to, declaration.actions, declaration.at);
}

function written({ supersedes: _, ...item }: Item, supersedes: string | undefined): object {
  return supersedes === undefined ? item : { ...item, supersedes };
}

function show(value: unknown): string {
  return JSON.stringify(value);
}
