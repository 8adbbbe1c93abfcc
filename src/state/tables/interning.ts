import type { Database } from 'better-sqlite3';
import { LRUCache } from 'lru-cache';
import type { SpaceName } from '../../domain/command';
import { MemoryError } from '../../domain/errors';
import type { Namespace } from '../../domain/namespace';
import type { Actor, Party } from '../../domain/principal';
import { prepare, type Statement } from '../../sqlite/sqlite';
import { maxDimensions } from '../../vector-index/kernel/byte-vectors';
import type { Checksum } from './checksum';
import { aliasOf, assertNames, NameChecksum, type NamePlace, rootAlias } from './name-rows';
import { queries, type Tables } from './schema';

/** A namespace with a set of access tags. */
export interface LabelSet {
  readonly namespace: Namespace;
  /** Sorted, without repeats. */
  readonly accessTags: readonly string[];
}

/** Names with what takes their place. */
export interface RenamedNames {
  readonly actors: readonly { readonly id: number; readonly actor: Actor }[];
  readonly namespaces: readonly { readonly id: number; readonly label: string }[];
  readonly labelSets: readonly { readonly id: number; readonly accessTags: readonly string[] }[];
}

// Its value changes with each change of names.
const renamingsKey = 'renamings';

/** An embedding space of the store. */
export interface Space {
  readonly id: number;
  readonly name: SpaceName;
  readonly role: Tables['spaces']['role'];
}

/** The part of `Interning` that readers may use: every lookup, and no method that adds or changes a number. */
export type ReadonlyInterning = Omit<
  Interning,
  'reload' | 'aliasSeed' | 'internLabelSet' | 'internActor' | 'internSpace' | 'giveRole' | 'rename'
>;

/**
 * Translates between values and the numbers that stand for them in the tables. Namespaces, label sets, actors and embedding spaces
 * each have their own sequence of numbers. Only `apply` assigns numbers, in ascending order, and never uses a number twice.
 * Therefore the same commands give the same numbers in every store.
 *
 * A label set stays in the tables after its last memory was forgotten: the tombstone and the change feed still name it, because a
 * reader of that namespace must learn that the memory was forgotten. Numbers are not reused either, because compiled masks, visible sets
 * and cursors hold them, and would then show memories of another namespace. So everything here is kept in as little RAM as possible:
 * about 100 bytes for a namespace with its label set, and less for one that shares its labels with others.
 */
export class Interning {
  /** The random bytes of the command that is being applied. New names get their aliases from it. */
  aliasSeed: Uint8Array = new Uint8Array();
  readonly #insert: Inserts;
  readonly #database: Database;
  readonly #checksum: NameChecksum;
  #tree = new LabelTree();
  #labelSets = new LabelSetTable();
  #actors: Actor[] = [];
  #actorTexts: string[] = [];
  #actorIds = new Map<string, number>();
  readonly #actorAliases: number[] = [];
  #spaces: Space[] = [];
  readonly #damaged = new DamagedNames();
  /** See `ensureNormalNames`. */
  #nameForm: unknown;
  /** See `rename`. */
  #renamings: unknown;
  /** The label sets that were used last, in the form in which callers want them. */
  readonly #decoded = new LRUCache<number, DecodedLabelSet>({
    maxSize: maxDecodedChars,
    sizeCalculation: ({ text }) => text.length + 100,
  });

  constructor(database: Database, checksum: Checksum) {
    this.#database = database;
    this.#checksum = new NameChecksum(checksum);
    this.#insert = prepareInserts(database);
    this.reload();
  }

  /**
   * Reads the numbers from the tables again. Needed after a rollback, and after another process has written. Only new lines are read,
   * unless a rollback has removed some, another process has converted all names to their normal form, names were erased, or a name was
   * damaged. Else lines never change.
   */
  reload(): void {
    const last = (table: string) =>
      this.#database.prepare(`select coalesce(max(id), 0) from ${table}`).pluck().get() as number;
    const readForm = "select value from store_meta where key = 'name_form'";
    const nameForm = this.#database.prepare(readForm).pluck().get();
    const renamings = this.#database.prepare('select value from store_meta where key = ?').pluck().get(renamingsKey);
    const isOutdated =
      nameForm !== this.#nameForm ||
      renamings !== this.#renamings ||
      !this.#damaged.isEmpty ||
      last('namespaces') < this.#tree.last ||
      last('label_sets') < this.#labelSets.count ||
      last('actors') < this.#actors.length;
    if (isOutdated) this.#clear();
    this.#nameForm = nameForm;
    this.#renamings = renamings;
    const known = { namespaces: this.#tree.last, label_sets: this.#labelSets.count, actors: this.#actors.length };
    assertNames(this.#database, { ...known, spaces: 0 });
    const added = <T extends unknown[]>(table: keyof typeof known, columns: string) => {
      const sql = `select ${columns} from ${table} where id > ? order by id`;
      return this.#database.prepare(sql).raw().iterate(known[table]) as IterableIterator<T>;
    };
    for (const [id, parent, label, alias, checksum] of added<NamespaceLine>(
      'namespaces',
      'id, parent, label, alias, checksum',
    )) {
      this.#tree.add({ id, parent, label, alias });
      const expected = this.#checksum.ofNamespace({ id, parent, label, alias }, this.#tree.aliasOf(parent));
      const isDamaged = checksum !== expected || this.#damaged.has('namespaces', parent);
      if (isDamaged) this.#damaged.add('namespaces', id);
    }
    for (const [id, namespace, access_tags, alias, checksum] of added<LabelSetLine>(
      'label_sets',
      'id, namespace, access_tags, alias, checksum',
    )) {
      assertFollows('label set', id, this.#addLabelSet(namespace, access_tags, alias));
      const row = { id, namespace, access_tags, alias };
      const isIntact = checksum === this.#checksum.ofLabelSet(row, this.#tree.aliasOf(namespace));
      if (!isIntact || this.#damaged.has('namespaces', namespace)) this.#damaged.add('label_sets', id);
    }
    for (const [id, kind, name, on_behalf_of, alias, checksum] of added<ActorLine>(
      'actors',
      'id, kind, name, on_behalf_of, alias, checksum',
    )) {
      assertFollows('actor', id, this.#addActor(actorOf({ kind, name, on_behalf_of }), alias));
      const row = { id, kind, name, on_behalf_of, alias };
      if (checksum !== this.#checksum.ofActor(row)) this.#damaged.add('actors', id);
    }
    this.#readSpaces();
  }

  #readSpaces(): void {
    this.#spaces = [];
    const spaces = this.#database.prepare('select * from spaces order by id').all() as Tables['spaces'][];
    for (const space of spaces) {
      assertSpace(space);
      const { id, model, dimensions, normalized, role, checksum } = space;
      this.#addSpace({ model, dimensions, normalized: Boolean(normalized) }, role);
      if (checksum !== this.#checksum.ofSpace(space)) this.#damaged.add('spaces', id);
    }
  }

  #clear(): void {
    this.#tree = new LabelTree();
    this.#labelSets = new LabelSetTable();
    this.#actors = [];
    this.#actorTexts = [];
    this.#actorIds = new Map();
    this.#actorAliases.length = 0;
    this.#damaged.clear();
    this.#decoded.clear();
  }

  /** Label sets are numbered from 1 to this number. */
  get labelSetCount(): number {
    return this.#labelSets.count;
  }

  labelSet(id: number): LabelSet {
    return this.#decode(id) ?? missing('label set', id);
  }

  /** The number of the namespace of a label set. */
  namespaceIdOf(labelSet: number): number {
    return this.#labelSets.has(labelSet) ? this.#labelSets.nodeOf(labelSet) : missing('label set', labelSet);
  }

  /** The number of a namespace. The root namespace has the number 0. Undefined if no memory was ever stored in it or below. */
  findNamespace(namespace: Namespace): number | undefined {
    return this.#tree.find(namespace);
  }

  /** Checks whether a namespace is another one or below it. Compares only numbers. */
  isWithin(namespaceId: number, ancestorId: number): boolean {
    return this.#tree.isWithin(namespaceId, ancestorId);
  }

  /** Actors are numbered from 1 to this number. */
  get actorCount(): number {
    return this.#actors.length;
  }

  actor(id: number): Actor {
    return this.#actors[id - 1] ?? missing('actor', id);
  }

  /** The id of the agent that an actor is. Null if it is a user, a service or the host, or if no actor has this number. */
  agentIdOf(actor: number): string | null {
    const party = this.#actors[actor - 1]?.party;
    return party === undefined || party === 'root' || party.kind !== 'agent' ? null : party.id;
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

  /** Every namespace with its number, parents first. */
  namespaces(): { id: number; path: Namespace }[] {
    return Array.from({ length: this.#tree.last }, (_, i) => ({ id: i + 1, path: this.#tree.pathOf(i + 1) }));
  }

  /** Every label set with its number and that of its namespace. */
  labelSets(): { id: number; namespaceId: number; accessTags: readonly string[] }[] {
    return Array.from({ length: this.#labelSets.count }, (_, i) => {
      const id = i + 1;
      return { id, namespaceId: this.#labelSets.nodeOf(id), accessTags: JSON.parse(this.#labelSets.tagsOf(id)) };
    });
  }

  /** Every actor with its number. */
  actors(): { id: number; actor: Actor }[] {
    return this.#actors.map((actor, i) => ({ id: i + 1, actor }));
  }

  /** Checks whether an embedding space has, or ever had, this number. */
  isSpace(id: number): boolean {
    return this.#spaces[id - 1] !== undefined;
  }

  space(id: number): SpaceName {
    return (this.#spaces[id - 1] ?? missing('embedding space', id)).name;
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
    return node === undefined ? undefined : this.#labelSets.find(node, canonicalTags(accessTags));
  }

  /**
   * The aliases of the labels, the author and the owner that a row's numbers stand for, as one text. Undefined if a number stands for
   * nothing. Does not check the names.
   */
  aliasesOf({ label_set, author, owner }: LabelNumbers): string | undefined {
    const writer = this.#actorAliases[author - 1];
    const reader = owner === 0 ? '' : this.#actorAliases[owner - 1];
    if (!this.#labelSets.has(label_set) || writer === undefined || reader === undefined) return undefined;
    return `${this.#labelSets.aliasOf(label_set)} ${writer} ${reader}`;
  }

  /** Checks whether the names that a row's numbers stand for match their checksums. */
  areIntact({ label_set, author, owner }: LabelNumbers): boolean {
    if (this.#damaged.isEmpty) return true;
    const areActorsIntact = !this.#damaged.has('actors', author) && !this.#damaged.has('actors', owner);
    return areActorsIntact && !this.#damaged.has('label_sets', label_set);
  }

  /** The alias of an actor. Undefined if no actor has this number. */
  aliasOfActor(id: number): number | undefined {
    return this.#actorAliases[id - 1];
  }

  /** Checks whether the name of an actor matches its checksum. */
  isActorIntact(id: number): boolean {
    return !this.#damaged.has('actors', id);
  }

  /** True if a name does not match its checksum. `verify` says which. */
  get hasDamagedNames(): boolean {
    return !this.#damaged.isEmpty;
  }

  /**
   * The labels, the author and the owner that a row's numbers stand for, as one text. Different values give different texts.
   * Undefined if a number stands for nothing.
   */
  describe({ label_set, author, owner }: LabelNumbers): string | undefined {
    const label = this.#decode(label_set)?.text;
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
    const ids = node === undefined ? [] : this.#labelSets.ofNode(node);
    const keyed = ids.map((id) => ({
      id,
      count: this.labelSet(id).accessTags.length,
      tags: this.#labelSets.tagsOf(id),
    }));
    keyed.sort((a, b) => a.count - b.count || (a.tags < b.tags ? -1 : 1));
    return keyed.map(({ id }) => id);
  }

  internLabelSet(namespace: Namespace, accessTags: readonly string[]): number {
    const known = this.findLabelSet(namespace, accessTags);
    if (known !== undefined) return this.#intact('label_sets', known);
    const node = this.#internNamespace(namespace);
    const id = this.#labelSets.count + 1;
    const alias = aliasOf(this.aliasSeed, { table: 'label_sets', id });
    const row = { id, namespace: node, access_tags: canonicalTags(accessTags), alias };
    this.#insert.labelSet.run({ ...row, checksum: this.#checksum.ofLabelSet(row, this.#tree.aliasOf(node)) });
    return this.#addLabelSet(node, row.access_tags, alias);
  }

  internActor(actor: Actor): number {
    const known = this.findActor(actor);
    if (known !== undefined) return this.#intact('actors', known);
    const id = this.#actors.length + 1;
    const alias = aliasOf(this.aliasSeed, { table: 'actors', id });
    const row = { id, ...actorColumns(actor), alias };
    this.#insert.actor.run({ ...row, checksum: this.#checksum.ofActor(row) });
    return this.#addActor(actor, alias);
  }

  /** Gives names another value. Their numbers and aliases stay, so that the records which refer to them stay intact. */
  rename({ actors, namespaces, labelSets }: RenamedNames): void {
    if (actors.length + namespaces.length + labelSets.length === 0) return;
    const database = this.#database;
    const rowOf = <T>(table: NamePlace['table'], id: number) =>
      database.prepare(`select * from ${table} where id = ?`).get(id) as T;
    for (const { id, actor } of actors) {
      const row = { ...rowOf<Tables['actors']>('actors', id), ...actorColumns(actor) };
      database
        .prepare('update actors set name = @name, on_behalf_of = @on_behalf_of, checksum = @checksum where id = @id')
        .run({ ...row, checksum: this.#checksum.ofActor(row) });
    }
    for (const { id, label } of namespaces) {
      const row = { ...rowOf<Tables['namespaces']>('namespaces', id), label };
      const checksum = this.#checksum.ofNamespace(row, this.#tree.aliasOf(row.parent));
      database.prepare('update namespaces set label = ?, checksum = ? where id = ?').run(label, checksum, id);
    }
    for (const { id, accessTags } of labelSets) {
      const row = { ...rowOf<Tables['label_sets']>('label_sets', id), access_tags: canonicalTags(accessTags) };
      const checksum = this.#checksum.ofLabelSet(row, this.#tree.aliasOf(row.namespace));
      database
        .prepare('update label_sets set access_tags = ?, checksum = ? where id = ?')
        .run(row.access_tags, checksum, id);
    }
    const renamings = typeof this.#renamings === 'number' ? this.#renamings + 1 : 1;
    database.prepare('insert or replace into store_meta (key, value) values (?, ?)').run(renamingsKey, renamings);
    this.reload();
  }

  /** The number of spaces that the store has ever had. */
  get spaceCount(): number {
    return this.#spaces.length;
  }

  internSpace(name: SpaceName, role: Space['role'] = 'current'): number {
    const { model, dimensions } = name;
    const row = { id: this.#spaces.length + 1, model, dimensions, normalized: Number(name.normalized) };
    this.#insert.space.run({ ...row, role, change_seq: 0, checksum: this.#checksum.ofSpace(row) });
    return this.#addSpace(name, role);
  }

  giveRole(id: number, role: Space['role']): void {
    const space = this.#spaces[id - 1] ?? missing('embedding space', id);
    this.#insert.role.run({ id, role });
    this.#spaces[id - 1] = { ...space, role };
  }

  #internNamespace(namespace: Namespace): number {
    let node = 0;
    for (const label of namespace) {
      node = this.#tree.childOf(node, label) ?? this.#addNamespace(node, label);
      this.#intact('namespaces', node);
    }
    return node;
  }

  #addNamespace(parent: number, label: string): number {
    const id = this.#tree.last + 1;
    const alias = aliasOf(this.aliasSeed, { table: 'namespaces', id });
    const row = { id, parent, label, alias };
    this.#insert.namespace.run({ ...row, checksum: this.#checksum.ofNamespace(row, this.#tree.aliasOf(parent)) });
    this.#tree.add(row);
    return id;
  }

  /**
   * Checks a name before a new record refers to it: readers would refuse the record.
   *
   * @throws RECORD_DAMAGED
   */
  #intact(table: NamePlace['table'], id: number): number {
    if (!this.#damaged.has(table, id)) return id;
    const message = `The database is damaged: row ${id} in the table ${table} does not match its checksum. Restore the folder from a backup.`;
    throw new MemoryError('RECORD_DAMAGED', message);
  }

  #decode(id: number): DecodedLabelSet | undefined {
    const known = this.#decoded.get(id);
    if (known !== undefined || !this.#labelSets.has(id)) return known;
    const namespace = this.#tree.pathOf(this.#labelSets.nodeOf(id));
    const tags = this.#labelSets.tagsOf(id);
    const decoded = { namespace, accessTags: JSON.parse(tags), text: JSON.stringify(namespace) + tags };
    this.#decoded.set(id, decoded);
    return decoded;
  }

  #addLabelSet(node: number, tags: string, alias: number): number {
    if (!Number.isInteger(node) || node < 0 || node > this.#tree.last) missing('namespace', node);
    return this.#labelSets.add(node, tags, alias);
  }

  #addActor(actor: Actor, alias: number): number {
    this.#actors.push(actor);
    this.#actorAliases.push(alias);
    const key = actorKey(actor);
    this.#actorTexts.push(key);
    this.#actorIds.set(key, this.#actors.length);
    return this.#actors.length;
  }

  #addSpace({ model, dimensions, normalized }: SpaceName, role: Space['role']): number {
    return this.#spaces.push({ id: this.#spaces.length + 1, name: { model, dimensions, normalized }, role });
  }
}

interface DecodedLabelSet extends LabelSet {
  /** Different label sets have different texts. */
  readonly text: string;
}

// Enough for the label sets of several thousand memories, which have to be described to check their checksums.
const maxDecodedChars = 2 ** 20;

// More than any limit allows.
const maxDepth = 10_000;

/** Vectors are read in pieces of the length of a space, and memory is reserved for it. */
function assertSpace({ dimensions }: Pick<SpaceName, 'dimensions'>): void {
  if (Number.isInteger(dimensions) && dimensions > 0 && dimensions <= maxDimensions) return;
  const message =
    'The database is damaged: an embedding space has no valid number of dimensions. Restore the folder from a backup.';
  throw new MemoryError('RECORD_DAMAGED', message);
}

/** The numbers in a row that decide who may read it. */
interface LabelNumbers {
  readonly label_set: number;
  readonly author: number;
  readonly owner: number;
}

/** Names that do not match their checksums, and names that depend on one of these. */
class DamagedNames {
  readonly #ids = new Set<string>();

  get isEmpty(): boolean {
    return this.#ids.size === 0;
  }

  has(table: NamePlace['table'], id: number): boolean {
    return this.#ids.size > 0 && this.#ids.has(`${table} ${id}`);
  }

  add(table: NamePlace['table'], id: number): void {
    this.#ids.add(`${table} ${id}`);
  }

  clear(): void {
    this.#ids.clear();
  }
}

type NamespaceLine = [id: number, parent: number, label: string, alias: number, checksum: string];
type LabelSetLine = [id: number, namespace: number, accessTags: string, alias: number, checksum: string];
type ActorLine = [
  id: number,
  kind: ActorRow['kind'],
  name: string,
  onBehalfOf: string,
  alias: number,
  checksum: string,
];

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

function actorColumns({ party, onBehalfOf }: Actor): ActorRow {
  const [kind, name] = party === 'root' ? (['root', ''] as const) : ([party.kind, party.id] as const);
  return { kind, name, on_behalf_of: onBehalfOf?.id ?? '' };
}

// The JSON of a list is unambiguous: two different actors never share a key, whatever characters their ids contain.
function actorKey({ party, onBehalfOf }: Actor): string {
  return JSON.stringify(party === 'root' ? ['root'] : [party.kind, party.id, onBehalfOf?.id ?? null]);
}

/** Converts access tags to the text that `label_sets` stores. */
export function canonicalTags(accessTags: readonly string[]): string {
  return JSON.stringify([...new Set(accessTags)].sort());
}

function missing(what: string, id: number): never {
  // The number came from a table, so the table with its value must be damaged.
  const message = `The database is damaged: no ${what} has the number ${id}. Restore the folder from a backup.`;
  throw new MemoryError('RECORD_DAMAGED', message);
}

/** A number that is missing would give all later names the number of another. */
function assertFollows(what: string, id: number, expected: number): void {
  if (id !== expected) missing(what, expected);
}

interface Inserts {
  namespace: Statement<Tables['namespaces'], unknown>;
  labelSet: Statement<Tables['label_sets'], unknown>;
  actor: Statement<Tables['actors'], unknown>;
  space: Statement<Tables['spaces'], unknown>;
  role: Statement<Pick<Tables['spaces'], 'id' | 'role'>, unknown>;
}

function prepareInserts(database: Database): Inserts {
  return {
    namespace: prepare(database, (p) =>
      queries.insertInto('namespaces').values({
        id: p('id'),
        parent: p('parent'),
        label: p('label'),
        alias: p('alias'),
        checksum: p('checksum'),
      }),
    ),
    labelSet: prepare(database, (p) =>
      queries.insertInto('label_sets').values({
        id: p('id'),
        namespace: p('namespace'),
        access_tags: p('access_tags'),
        alias: p('alias'),
        checksum: p('checksum'),
      }),
    ),
    actor: prepare(database, (p) =>
      queries.insertInto('actors').values({
        id: p('id'),
        kind: p('kind'),
        name: p('name'),
        on_behalf_of: p('on_behalf_of'),
        alias: p('alias'),
        checksum: p('checksum'),
      }),
    ),
    space: prepare(database, (p) =>
      queries.insertInto('spaces').values({
        id: p('id'),
        model: p('model'),
        dimensions: p('dimensions'),
        normalized: p('normalized'),
        role: p('role'),
        change_seq: p('change_seq'),
        checksum: p('checksum'),
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

/**
 * The numbers of namespaces, as a tree with one label of the path at each node. The root namespace has the number 0. A node takes a few
 * bytes in typed arrays and its label. Only a node with several children has a map of them: an empty map takes 150 bytes, and most nodes
 * have no child.
 */
class LabelTree {
  /** The highest number in use. A parent always has a lower number than its children. */
  last = 0;
  readonly #alias = new NumberList();
  #parent = new NumberList();
  #firstChild = new NumberList();
  readonly #label: string[] = [''];
  readonly #children = new Map<number, Map<string, number>>();

  /** Looks up the number of a namespace. Undefined if the namespace is not stored. */
  find(namespace: Namespace): number | undefined {
    let node: number | undefined = 0;
    for (const label of namespace) {
      node = this.childOf(node, label);
      if (node === undefined) return undefined;
    }
    return node;
  }

  childOf(node: number, label: string): number | undefined {
    const children = this.#children.get(node);
    if (children !== undefined) return children.get(label);
    const only = this.#firstChild.at(node);
    return only !== 0 && this.#label[only] === label ? only : undefined;
  }

  pathOf(node: number): Namespace {
    const path: string[] = [];
    for (let at = node; at !== 0; at = this.#parent.at(at)) path.push(this.#label[at] as string);
    return path.reverse();
  }

  isWithin(node: number, ancestor: number): boolean {
    let at = node;
    while (at > ancestor) at = this.#parent.at(at);
    return at === ancestor;
  }

  aliasOf(node: number): number {
    return node === 0 ? rootAlias : this.#alias.at(node);
  }

  add({ id, parent, label, alias }: Omit<Tables['namespaces'], 'checksum'>): void {
    assertFollows('namespace', id, this.last + 1);
    if (!Number.isInteger(parent) || parent < 0 || parent >= id) missing('namespace', parent);
    if (this.pathOf(parent).length >= maxDepth) missing('namespace', parent);
    this.last = id;
    this.#alias.set(id, alias);
    this.#parent.set(id, parent);
    this.#label.push(label);
    const first = this.#firstChild.at(parent);
    if (first === 0) {
      this.#firstChild.set(parent, id);
      return;
    }
    const children = this.#children.get(parent) ?? new Map([[this.#label[first] as string, first]]);
    this.#children.set(parent, children.set(label, id));
  }
}

const noTags = '[]';

/** The numbers of label sets. Most have no access tags, so these are found without a map. */
class LabelSetTable {
  /** Label sets are numbered from 1 to this number. */
  count = 0;
  readonly #node = new NumberList();
  readonly #tags = new NumberList();
  readonly #alias = new NumberList();
  /** The latest label set of each namespace, and of each label set the one before it with the same namespace. */
  readonly #latest = new NumberList();
  readonly #before = new NumberList();
  readonly #untagged = new NumberList();
  readonly #tagged = new Map<string, number>();
  /** The distinct sets of access tags, as JSON. */
  readonly #tagTexts: string[] = [noTags];
  readonly #tagIds = new Map([[noTags, 0]]);

  has(id: number): boolean {
    return Number.isInteger(id) && id > 0 && id <= this.count;
  }

  nodeOf(id: number): number {
    return this.#node.at(id);
  }

  aliasOf(id: number): number {
    return this.#alias.at(id);
  }

  tagsOf(id: number): string {
    return this.#tagTexts[this.#tags.at(id)] as string;
  }

  find(node: number, tags: string): number | undefined {
    if (tags === noTags) return this.#untagged.at(node) || undefined;
    const tagsId = this.#tagIds.get(tags);
    return tagsId === undefined ? undefined : this.#tagged.get(`${node} ${tagsId}`);
  }

  ofNode(node: number): number[] {
    const ids: number[] = [];
    for (let id = this.#latest.at(node); id !== 0; id = this.#before.at(id)) ids.push(id);
    return ids;
  }

  add(node: number, tags: string, alias: number): number {
    const id = ++this.count;
    this.#alias.set(id, alias);
    let tagsId = this.#tagIds.get(tags);
    if (tagsId === undefined) {
      // A text that is no JSON must be noticed when the store opens, not by the first reader.
      JSON.parse(tags);
      tagsId = this.#tagTexts.push(tags) - 1;
      this.#tagIds.set(tags, tagsId);
    }
    this.#node.set(id, node);
    this.#tags.set(id, tagsId);
    this.#before.set(id, this.#latest.at(node));
    this.#latest.set(node, id);
    if (tags === noTags) this.#untagged.set(node, id);
    else this.#tagged.set(`${node} ${tagsId}`, id);
    return id;
  }
}

/** A list of integers from 0 that grows when needed. A place that was not set has a 0. */
class NumberList {
  #numbers = new Uint32Array(16);

  at(index: number): number {
    return this.#numbers[index] ?? 0;
  }

  set(index: number, value: number): void {
    if (index >= this.#numbers.length) {
      const larger = new Uint32Array(Math.max(index + 1, Math.ceil(this.#numbers.length * 1.5)));
      larger.set(this.#numbers);
      this.#numbers = larger;
    }
    this.#numbers[index] = value;
  }
}
