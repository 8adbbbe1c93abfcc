import type { Database } from 'better-sqlite3';
import type { SpaceName } from '../../domain/command';
import { MemoryError } from '../../domain/errors';
import type { Namespace } from '../../domain/namespace';
import type { Actor, Party } from '../../domain/principal';
import { prepare, type Statement } from '../../sqlite/sqlite';
import { queries, type Tables } from './schema';

/** A namespace with a set of access tags. */
export interface LabelSet {
  readonly namespace: Namespace;
  /** Sorted, without repeats. */
  readonly accessTags: readonly string[];
}

/** An embedding space of the store. */
export interface Space {
  readonly id: number;
  readonly name: SpaceName;
  readonly role: Tables['spaces']['role'];
}

/** The part of `Interning` that readers may use: every lookup, and no method that adds or changes a number. */
export type ReadonlyInterning = Omit<
  Interning,
  'reload' | 'internLabelSet' | 'internActor' | 'internSpace' | 'giveRole'
>;

/**
 * Translates between values and the numbers that stand for them in the tables. Namespaces, label sets, actors and embedding spaces
 * each have their own sequence of numbers. Only `apply` assigns numbers, in ascending order, and never uses a number twice.
 * Therefore the same commands give the same numbers in every store.
 */
export class Interning {
  readonly #insert: Inserts;
  readonly #database: Database;
  #tree = new LabelTree();
  #labelSets: (LabelSet & { readonly node: number })[] = [];
  #labelSetIds = new Map<number, Map<string, number>>();
  #labelSetTexts: string[] = [];
  #actors: Actor[] = [];
  #actorTexts: string[] = [];
  #actorIds = new Map<string, number>();
  #spaces: Space[] = [];

  constructor(database: Database) {
    this.#database = database;
    this.#insert = prepareInserts(database);
    this.reload();
  }

  /** Reads all numbers from the tables again. Needed after a rollback, and after another process has written. */
  reload(): void {
    this.#tree = new LabelTree();
    this.#labelSets = [];
    this.#labelSetIds = new Map();
    this.#labelSetTexts = [];
    this.#actors = [];
    this.#actorTexts = [];
    this.#actorIds = new Map();
    this.#spaces = [];
    assertNames(this.#database);
    const all = <T>(sql: string) => this.#database.prepare(sql).all() as T[];
    for (const n of all<{ id: number; parent: number; label: string }>('select * from namespaces order by id')) {
      this.#tree.add(n.id, n.parent, n.label);
    }
    for (const s of all<{ namespace: number; access_tags: string }>('select * from label_sets order by id')) {
      this.#addLabelSet(s.namespace, s.access_tags);
    }
    for (const a of all<ActorRow>('select * from actors order by id')) this.#addActor(actorOf(a));
    for (const s of all<SpaceName & Pick<Space, 'role'>>('select * from spaces order by id')) this.#addSpace(s, s.role);
  }

  /** Label sets are numbered from 1 to this number. */
  get labelSetCount(): number {
    return this.#labelSets.length;
  }

  labelSet(id: number): LabelSet {
    return found(this.#labelSets[id - 1], 'label set', id);
  }

  actor(id: number): Actor {
    return found(this.#actors[id - 1], 'actor', id);
  }

  findActor(actor: Actor): number | undefined {
    return this.#actorIds.get(actorKey(actor));
  }

  /** The numbers of the actors whose party is this agent, whether it acts for itself or on behalf of a user. */
  actorsOfAgent(agentId: string): number[] {
    return this.#actors.flatMap(({ party }, i) =>
      party !== 'root' && party.kind === 'agent' && party.id === agentId ? [i + 1] : [],
    );
  }

  /** Every actor with its number. */
  actors(): { id: number; actor: Actor }[] {
    return this.#actors.map((actor, i) => ({ id: i + 1, actor }));
  }

  space(id: number): SpaceName {
    return found(this.#spaces[id - 1], 'embedding space', id).name;
  }

  /** The space that searches use. Undefined until the store has its first vector. */
  get currentSpace(): Space | undefined {
    return this.spaceInRole('current');
  }

  /** The name of the space that searches use. */
  currentSpaceName(): SpaceName | undefined {
    return this.currentSpace?.name;
  }

  /** The space with this role. At most one space has each of these roles. */
  spaceInRole(role: Exclude<Space['role'], 'dropped'>): Space | undefined {
    return this.#spaces.find((space) => space.role === role);
  }

  /** The space with this name. Undefined if its vectors were dropped, or are being dropped. */
  findSpace({ model, dimensions }: SpaceName): Space | undefined {
    return this.#spaces.find(
      ({ name, role }) =>
        role !== 'dropping' && role !== 'dropped' && name.model === model && name.dimensions === dimensions,
    );
  }

  findLabelSet(namespace: Namespace, accessTags: readonly string[]): number | undefined {
    const node = this.#tree.find(namespace);
    return node === undefined ? undefined : this.#labelSetIds.get(node)?.get(canonicalTags(accessTags));
  }

  /**
   * The labels, the author and the owner that a row's numbers stand for, as one text. Different values give different texts.
   * Undefined if a number stands for nothing.
   */
  describe({ label_set, author, owner }: { label_set: number; author: number; owner: number }): string | undefined {
    const label = this.#labelSetTexts[label_set - 1];
    const writer = this.#actorTexts[author - 1];
    const reader = owner === 0 ? '' : this.#actorTexts[owner - 1];
    return label === undefined || writer === undefined || reader === undefined ? undefined : label + writer + reader;
  }

  /**
   * The numbers of all label sets with this namespace. Those with the fewest access tags come first, and ties are in alphabetical
   * order, so the order does not reveal when a label set was first used.
   */
  labelSetsOf(namespace: Namespace): number[] {
    const node = this.#tree.find(namespace);
    const byTags = node === undefined ? undefined : this.#labelSetIds.get(node);
    return [...(byTags ?? [])]
      .sort(([a, one], [b, other]) => this.#tagCount(one) - this.#tagCount(other) || (a < b ? -1 : 1))
      .map(([, id]) => id);
  }

  #tagCount(labelSet: number): number {
    return this.labelSet(labelSet).accessTags.length;
  }

  internLabelSet(namespace: Namespace, accessTags: readonly string[]): number {
    const known = this.findLabelSet(namespace, accessTags);
    if (known !== undefined) return known;
    const node = this.#internNamespace(namespace);
    const tags = canonicalTags(accessTags);
    this.#insert.labelSet.run({ id: this.#labelSets.length + 1, namespace: node, access_tags: tags });
    return this.#addLabelSet(node, tags);
  }

  internActor(actor: Actor): number {
    const known = this.findActor(actor);
    if (known !== undefined) return known;
    const { party, onBehalfOf } = actor;
    const [kind, name] = party === 'root' ? (['root', ''] as const) : ([party.kind, party.id] as const);
    this.#insert.actor.run({ id: this.#actors.length + 1, kind, name, on_behalf_of: onBehalfOf?.id ?? '' });
    return this.#addActor(actor);
  }

  /** The number of spaces that the store has ever had. */
  get spaceCount(): number {
    return this.#spaces.length;
  }

  internSpace(name: SpaceName, role: Space['role'] = 'current'): number {
    const { model, dimensions } = name;
    const id = this.#spaces.length + 1;
    this.#insert.space.run({ id, model, dimensions, normalized: Number(name.normalized), role, change_seq: 0 });
    return this.#addSpace(name, role);
  }

  giveRole(id: number, role: Space['role']): void {
    const space = found(this.#spaces[id - 1], 'embedding space', id);
    this.#insert.role.run({ id, role });
    this.#spaces[id - 1] = { ...space, role };
  }

  #internNamespace(namespace: Namespace): number {
    let node = 0;
    for (const [depth, label] of namespace.entries()) {
      const known = this.#tree.find(namespace.slice(0, depth + 1));
      if (known === undefined) {
        const id = this.#tree.next;
        this.#insert.namespace.run({ id, parent: node, label });
        this.#tree.add(id, node, label);
        node = id;
      } else node = known;
    }
    return node;
  }

  #addLabelSet(node: number, tags: string): number {
    this.#labelSets.push({ node, namespace: this.#tree.pathOf(node), accessTags: JSON.parse(tags) });
    this.#labelSetTexts.push(JSON.stringify(this.#tree.pathOf(node)) + tags);
    const byTags = this.#labelSetIds.get(node) ?? new Map<string, number>();
    this.#labelSetIds.set(node, byTags.set(tags, this.#labelSets.length));
    return this.#labelSets.length;
  }

  #addActor(actor: Actor): number {
    this.#actors.push(actor);
    const key = actorKey(actor);
    this.#actorTexts.push(key);
    this.#actorIds.set(key, this.#actors.length);
    return this.#actors.length;
  }

  #addSpace({ model, dimensions, normalized }: SpaceName, role: Space['role']): number {
    const name = { model, dimensions, normalized: Boolean(normalized) };
    return this.#spaces.push({ id: this.#spaces.length + 1, name, role });
  }
}

// More than any limit allows.
const maxDepth = 10_000;
const maxNameBytes = 2 ** 24;
const nameColumns = [
  ['namespaces', 'label'],
  ['label_sets', 'access_tags'],
  ['actors', 'kind'],
  ['actors', 'name'],
  ['actors', 'on_behalf_of'],
  ['spaces', 'model'],
] as const;

/**
 * Checks the types and lengths of names before they are read: a text that is longer than a string of V8 would end the process.
 *
 * @throws RECORD_DAMAGED
 */
function assertNames(database: Database): void {
  for (const [table, column] of nameColumns) {
    const sql = `select 1 from ${table} where typeof(${column}) <> 'text' or octet_length(${column}) > ? limit 1`;
    if (database.prepare(sql).get(maxNameBytes) === undefined) continue;
    const message = `The database is damaged: a ${column} in the table ${table} is not a name. Restore the folder from a backup.`;
    throw new MemoryError('RECORD_DAMAGED', message);
  }
}

interface ActorRow {
  kind: Party['kind'] | 'root';
  name: string;
  on_behalf_of: string;
}

function actorOf({ kind, name, on_behalf_of }: ActorRow): Actor {
  if (kind === 'root') return { party: 'root' };
  const party: Party = { kind, id: name };
  return on_behalf_of === '' ? { party } : { party, onBehalfOf: { kind: 'user', id: on_behalf_of } };
}

// The JSON of a list is unambiguous: two different actors never share a key, whatever characters their ids contain.
function actorKey({ party, onBehalfOf }: Actor): string {
  return JSON.stringify(party === 'root' ? ['root'] : [party.kind, party.id, onBehalfOf?.id ?? null]);
}

function canonicalTags(accessTags: readonly string[]): string {
  return JSON.stringify([...new Set(accessTags)].sort());
}

function found<T>(value: T | undefined, what: string, id: number): T {
  if (value !== undefined) return value;
  // The number came from a table, so the table with its value must be damaged.
  const message = `The database is damaged: no ${what} has the number ${id}. Restore the folder from a backup.`;
  throw new MemoryError('RECORD_DAMAGED', message);
}

interface Inserts {
  namespace: Statement<{ id: number; parent: number; label: string }, unknown>;
  labelSet: Statement<{ id: number; namespace: number; access_tags: string }, unknown>;
  actor: Statement<ActorRow & { id: number }, unknown>;
  space: Statement<Tables['spaces'], unknown>;
  role: Statement<Pick<Tables['spaces'], 'id' | 'role'>, unknown>;
}

function prepareInserts(database: Database): Inserts {
  return {
    namespace: prepare(database, (p) =>
      queries.insertInto('namespaces').values({ id: p('id'), parent: p('parent'), label: p('label') }),
    ),
    labelSet: prepare(database, (p) =>
      queries
        .insertInto('label_sets')
        .values({ id: p('id'), namespace: p('namespace'), access_tags: p('access_tags') }),
    ),
    actor: prepare(database, (p) =>
      queries
        .insertInto('actors')
        .values({ id: p('id'), kind: p('kind'), name: p('name'), on_behalf_of: p('on_behalf_of') }),
    ),
    space: prepare(database, (p) =>
      queries.insertInto('spaces').values({
        id: p('id'),
        model: p('model'),
        dimensions: p('dimensions'),
        normalized: p('normalized'),
        role: p('role'),
        change_seq: p('change_seq'),
      }),
    ),
    role: prepare(database, (p) =>
      queries
        .updateTable('spaces')
        .set({ role: p('role') })
        .where('id', '=', p('id')),
    ),
  };
}

/** The numbers of namespaces, as a tree with one label of the path at each node. The root namespace has the number 0. */
class LabelTree {
  readonly #children: Map<string, number>[] = [new Map()];
  readonly #paths: Namespace[] = [[]];

  /** Looks up the number of a namespace. Undefined if the namespace is not stored. */
  find(namespace: Namespace): number | undefined {
    let node: number | undefined = 0;
    for (const label of namespace) {
      node = this.#children[node]?.get(label);
      if (node === undefined) return undefined;
    }
    return node;
  }

  pathOf(node: number): Namespace {
    const path = this.#paths[node];
    if (path === undefined) throw new Error(`No namespace has the number ${node}.`);
    return path;
  }

  /** The number for the next new namespace. */
  get next(): number {
    return this.#paths.length;
  }

  add(id: number, parent: number, label: string): void {
    if (id !== this.next) throw new Error(`Namespace ${id} does not follow ${this.next - 1}.`);
    const path = [...this.pathOf(parent), label];
    if (path.length > maxDepth) throw new Error(`Namespace ${id} has more than ${maxDepth} labels.`);
    this.#paths.push(path);
    this.#children.push(new Map());
    this.#children[parent]?.set(label, id);
  }
}
