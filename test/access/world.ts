import type { Declaration } from 'multi-agent-memory';
import type { Item, Relabelled } from './cases';
import { type Bound, isGroup, isRole, mayGovern, mayList, namedBy, sameName } from './governing';
import type { Labels, Reference, Who } from './reference';

/** A memory in the model. */
export interface Known {
  readonly id: string;
  labels: Labels;
  readonly key: string | undefined;
  revision: number;
  state: 'active' | 'superseded' | 'forgotten';
  supersedes?: string;
  supersededBy?: string;
}

/** One change to one memory, with the labels that the memory had after it. */
export interface Happened {
  readonly type: 'stored' | 'revised' | 'forgotten';
  readonly id: string;
  readonly revision: number;
  readonly labels: Labels;
}

/** The expected result of a command: an error code, or an answer. `apply` then makes the change in the model. */
export type Verdict<T> = { readonly code: string } | { readonly answer: T; apply(id: string): void };

interface Stored {
  readonly outcome: 'stored' | 'revised' | 'duplicate';
  readonly id?: string;
  readonly revision: number;
}

const refused = (code: string) => ({ code });

/** A model of a store: what it should contain, and how it should answer each command. A `Reference` decides about access. */
export class World {
  reference: Reference;
  readonly memories: Known[] = [];
  readonly happened: Happened[] = [];
  /** The declarations that were passed to `open`. Their roles and groups cannot be replaced at run time. */
  given: readonly Declaration[] = [];
  /** Declarations that were ended or replaced. */
  readonly ended: Declaration[] = [];
  /** The results of earlier calls, by author and idempotency key. */
  readonly #replays = new Map<string, { digest: string; id: string; revision: number }>();

  constructor(reference: Reference) {
    this.reference = reference;
  }

  /** Checks whether an actor can read a memory through a handle with this scope. Otherwise the memory seems not to exist. */
  sees(who: Who, bound: Bound, labels: Labels): boolean {
    return (
      (bound === undefined || this.reference.holds(bound, labels.namespace)) && this.reference.mayRead(who, labels)
    );
  }

  visible(who: Who, bound: Bound): Known[] {
    return this.memories.filter(({ state, labels }) => state !== 'forgotten' && this.sees(who, bound, labels));
  }

  /** "A revision or event is shown if its labels then, and the memory's labels now, are readable." */
  events(who: Who, bound: Bound): Happened[] {
    return this.happened.filter(({ id, labels }) => {
      const now = this.memories.find((known) => known.id === id);
      return now !== undefined && this.sees(who, bound, labels) && this.sees(who, bound, now.labels);
    });
  }

  /** Returns the id of a linked memory if the actor may read that memory, even if it was forgotten. Otherwise undefined. */
  shownLink(who: Who, bound: Bound, id: string | undefined): string | undefined {
    const other = this.memories.find((known) => known.id === id);
    return other !== undefined && this.sees(who, bound, other.labels) ? id : undefined;
  }

  remember(who: Who, bound: Bound, item: Item, supersedes: string | undefined): Verdict<Stored> {
    const { namespace, visibility, accessTags, key, idempotencyKey } = item;
    const labels: Labels = { namespace, visibility, accessTags, author: who };
    const isInBound = bound === undefined || this.reference.holds(bound, namespace);
    if (!isInBound || !this.reference.mayRemember(who, labels, key)) return refused('FORBIDDEN');
    const replay = `${JSON.stringify(who)} ${idempotencyKey}`;
    const digest = JSON.stringify([namespace, visibility, accessTags, key, supersedes]);
    const earlier = idempotencyKey === undefined ? undefined : this.#replays.get(replay);
    if (earlier !== undefined) {
      if (earlier.digest !== digest) return refused('IDEMPOTENCY_CONFLICT');
      const answer = { outcome: 'duplicate', id: earlier.id, revision: earlier.revision } as const;
      return { answer, apply: () => undefined };
    }
    const target = this.#target(who, bound, supersedes);
    if (supersedes !== undefined) {
      if (target === undefined) return refused('NOT_FOUND');
      if (!this.reference.mayChange(who, 'update', target.labels)) return refused('FORBIDDEN');
    }
    const keyed = key === undefined ? undefined : this.#keyed(labels, key);
    if (keyed !== undefined && !this.reference.mayChange(who, 'update', keyed.labels)) return refused('FORBIDDEN');
    if (target?.state === 'superseded') return refused('REVISION_CONFLICT');
    const revision = (keyed?.revision ?? 0) + 1;
    return {
      answer: { outcome: keyed ? 'revised' : 'stored', revision, ...(keyed ? { id: keyed.id } : {}) },
      apply: (id) => {
        if (keyed === undefined) this.#store(id, labels, key, target);
        else this.#reviveByKey(keyed);
        if (idempotencyKey !== undefined) this.#replays.set(replay, { digest, id, revision });
      },
    };
  }

  change(who: Who, bound: Bound, action: 'update' | 'forget', id: string, stale: boolean): Verdict<true> {
    const target = this.#target(who, bound, id);
    if (target === undefined) return refused('NOT_FOUND');
    if (!this.reference.mayChange(who, action, target.labels)) return refused('FORBIDDEN');
    if (stale) return refused('REVISION_CONFLICT');
    return { answer: true, apply: () => this.#revise(target, action === 'update' ? target.state : 'forgotten') };
  }

  /** Returns the ids of the memories in a namespace that the actor can read, and those that it may forget. */
  forgettable(who: Who, bound: Bound, within: readonly string[]): { matched: string[]; ids: string[] } {
    const matched = this.visible(who, bound).filter(({ labels }) => this.reference.holds(within, labels.namespace));
    const ids = matched.filter(({ labels }) => this.reference.mayChange(who, 'forget', labels));
    return { matched: matched.map(({ id }) => id), ids: ids.map(({ id }) => id) };
  }

  forgetAll(ids: readonly string[]): void {
    for (const known of this.memories) if (ids.includes(known.id)) this.#revise(known, 'forgotten');
  }

  share(who: Who, bound: Bound, id: string, change: Relabelled, stale: boolean): Verdict<Labels> {
    const target = this.#target(who, bound, id);
    if (target === undefined) return refused('NOT_FOUND');
    const labels: Labels = { ...target.labels, ...change };
    const isInBound = bound === undefined || this.reference.holds(bound, labels.namespace);
    if (
      !isInBound ||
      !this.reference.mayShare(who, target.labels, labels, change.visibility === 'private', target.key)
    ) {
      return refused('FORBIDDEN');
    }
    if (stale) return refused('REVISION_CONFLICT');
    const keyed = target.key === undefined ? undefined : this.#keyed(labels, target.key);
    if (keyed !== undefined && keyed !== target) return refused('INVALID_INPUT');
    return {
      answer: labels,
      apply: () => {
        target.labels = labels;
        this.#revise(target, target.state);
      },
    };
  }

  declare(who: Who, bound: Bound, declaration: Declaration): Verdict<Declaration> {
    const isGiven = this.given.some((each) => sameName(each, declaration));
    const makesSense = !isGiven && this.#isNamed(declaration);
    // An actor that may list roles and groups gets an error about the name first. All others get it only if the rule is allowed.
    const isTold = mayList(this.reference, who, { group: '', members: [] }, bound);
    if (isTold && !makesSense) return refused('INVALID_INPUT');
    if (!this.mayGovern(who, declaration, bound)) return refused('FORBIDDEN');
    const apply = () => {
      const kept = this.reference.declarations.filter((each) => !sameName(each, declaration));
      this.#govern([...kept, declaration]);
    };
    return makesSense ? { answer: declaration, apply } : refused('INVALID_INPUT');
  }

  end(who: Who, bound: Bound, declaration: Declaration): Verdict<boolean> {
    const isThere = this.reference.declarations.includes(declaration);
    if (!isThere || !mayList(this.reference, who, declaration, bound)) return { answer: false, apply: () => undefined };
    if (!this.mayGovern(who, declaration, bound)) return refused('FORBIDDEN');
    const isUsed = (isRole(declaration) || isGroup(declaration)) && namedBy(this.reference, declaration).length > 0;
    if (isUsed) return refused('INVALID_INPUT');
    const apply = () => this.#govern(this.reference.declarations.filter((each) => each !== declaration));
    return { answer: true, apply };
  }

  mayGovern(who: Who, declaration: Declaration, bound: Bound): boolean {
    return mayGovern(this.reference, who, declaration, bound);
  }

  /** Makes a copy of the model, for trying commands. */
  copy(): World {
    const copy = new World(this.reference);
    copy.memories.push(...this.memories.map((known) => ({ ...known })));
    copy.happened.push(...this.happened);
    for (const [replay, earlier] of this.#replays) copy.#replays.set(replay, earlier);
    return copy;
  }

  #govern(declarations: readonly Declaration[]): void {
    this.ended.push(...this.reference.declarations.filter((each) => !declarations.includes(each)));
    this.reference = new (this.reference.constructor as typeof Reference)(declarations);
  }

  /** Checks whether the role and the group that a rule names exist. */
  #isNamed(declaration: Declaration): boolean {
    const { declarations } = this.reference;
    const groups = declarations.filter(isGroup).map(({ group }) => group);
    const to = 'to' in declaration ? declaration.to : 'everyone';
    if (to !== 'everyone' && 'group' in to && !groups.includes(to.group)) return false;
    if (!('effect' in declaration) || typeof declaration.actions !== 'string') return true;
    return this.reference.actionsOf(declaration.actions).length > 0;
  }

  #target(who: Who, bound: Bound, id: string | undefined): Known | undefined {
    return this.visible(who, bound).find((known) => known.id === id);
  }

  /**
   * Finds the memory with a key. Keys are unique among memories with the same namespace, access tags and visibility. For private memories
   * the author must be the same too.
   */
  #keyed({ namespace, accessTags, visibility, author }: Labels, key: string): Known | undefined {
    const form = (list: readonly string[]) => JSON.stringify([...new Set(list)].sort());
    return this.memories.find((known) => {
      if (known.state === 'forgotten' || known.key !== key || known.labels.visibility !== visibility) return false;
      if (JSON.stringify(known.labels.namespace) !== JSON.stringify(namespace)) return false;
      if (form(known.labels.accessTags) !== form(accessTags)) return false;
      return visibility === 'shared' || this.reference.isAuthor(author, known.labels.author);
    });
  }

  #store(id: string, labels: Labels, key: string | undefined, target: Known | undefined): void {
    const known: Known = { id, labels, key, revision: 1, state: 'active' };
    this.memories.push(known);
    this.happened.push({ type: 'stored', id, revision: 1, labels });
    if (target === undefined) return;
    known.supersedes = target.id;
    target.supersededBy = id;
    this.#revise(target, 'superseded');
  }

  #reviveByKey(known: Known): void {
    delete known.supersededBy;
    delete known.supersedes;
    this.#revise(known, 'active');
  }

  #revise(known: Known, state: Known['state']): void {
    known.state = state;
    known.revision++;
    const type = state === 'forgotten' ? 'forgotten' : 'revised';
    this.happened.push({ type, id: known.id, revision: known.revision, labels: known.labels });
  }
}
