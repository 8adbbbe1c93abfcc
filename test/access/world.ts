import type { Declaration } from 'multi-agent-memory';
import type { Item, Relabelled } from './cases';
import { type Bound, isGroup, isRole, mayGovern, mayList, namedBy, sameName } from './governing';
import type { Labels, Reference, Who } from './reference';

/** A memory as the model knows it. */
export interface Known {
  readonly id: string;
  labels: Labels;
  readonly key: string | undefined;
  revision: number;
  state: 'active' | 'superseded' | 'forgotten';
  supersedes?: string;
  supersededBy?: string;
}

/** One change of one memory, with its labels then. */
export interface Happened {
  readonly type: 'stored' | 'revised' | 'forgotten';
  readonly id: string;
  readonly revision: number;
  readonly labels: Labels;
}

/** A refusal, or what comes of the command: `apply` makes it so in the model. */
export type Verdict<T> = { readonly code: string } | { readonly answer: T; apply(id: string): void };

interface Stored {
  readonly outcome: 'stored' | 'revised' | 'duplicate';
  readonly id?: string;
  readonly revision: number;
}

const refused = (code: string) => ({ code });

/** What a store should hold, and should answer to each command. Who may do what is asked of a reference each time. */
export class World {
  reference: Reference;
  readonly memories: Known[] = [];
  readonly happened: Happened[] = [];
  /** What `open` was given: its roles and groups are not made anew at run time. */
  given: readonly Declaration[] = [];
  /** Declarations that were ended, or gave way to others. */
  readonly ended: Declaration[] = [];
  /** By author and idempotency key. */
  readonly #replays = new Map<string, { digest: string; id: string; revision: number }>();

  constructor(reference: Reference) {
    this.reference = reference;
  }

  /** Readable in a handle's bound: there at all, as far as this actor can tell. */
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

  /** A link to another memory, if that one, or what was left of it, may be read too. */
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

  /** The ids that a selection of a namespace holds, and those of them that may be forgotten. */
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
    // Who may list roles and groups is told first that a name is taken, or is none. Nobody else is told before it is allowed.
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

  /** The same once more, to try something in. */
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

  /** Whether the role and the group that a rule names are there. */
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

  /** A key names a memory among those with the same namespace, access tags and visibility; of the private, of the same author. */
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
