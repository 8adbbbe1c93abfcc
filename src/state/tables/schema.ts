import type { Generated } from 'kysely';
import { queriesOver } from '../../sqlite/sqlite';

/** Interned path of labels: a tree, so that namespaces are compared label by label. The root, 0, has no row. */
export interface NamespacesTable {
  id: number;
  parent: number;
  label: string;
}

/** A namespace with a set of access tags. Numbers are never reused. */
export interface LabelSetsTable {
  id: number;
  namespace: number;
  /** JSON, sorted. */
  access_tags: string;
}

/** An author pair. `on_behalf_of` is '' where there is none: ids are never empty. */
export interface ActorsTable {
  id: number;
  kind: 'agent' | 'user' | 'service' | 'root';
  name: string;
  on_behalf_of: string;
}

export interface SpacesTable {
  id: number;
  model: string;
  dimensions: number;
  normalized: number;
  /** What the store does with it. */
  role: 'current' | 'next' | 'previous' | 'dropping' | 'dropped';
  /** The number of the latest vectors that were made there of memories that were stored before. */
  change_seq: number;
}

export interface MemoriesTable {
  row: number;
  id: string;
  revision: number;
  state: 'active' | 'superseded' | 'quarantined' | 'forgotten';
  label_set: number;
  /** 0 for shared, else the author. */
  owner: number;
  author: number;
  kind: string;
  user_id: string | null;
  session_id: string | null;
  key: string | null;
  priority: number;
  /** JSON. */
  tags: string;
  /** JSON. */
  metadata: string;
  source_channel: string;
  source_ref: string | null;
  created_at: number;
  updated_at: number;
  valid_from: number;
  valid_to: number | null;
  expires_at: number | null;
  supersedes: string | null;
  superseded_by: string | null;
  /** The embedding space in which it got its vectors, and how many parts they are: 0 for none. Other spaces: see `embedded`. */
  space: number | null;
  chunks: number;
  /** Tokens of the text, for BM25. */
  length: number;
  /** The numbers of its first and of its latest change. */
  first_change_seq: number;
  change_seq: number;
  checksum: string;
}

export interface TextsTable {
  row: number;
  /** A buffer of UTF-16 where the text has a lone surrogate, which UTF-8 cannot hold. */
  text: string | Buffer;
}

export interface VectorsTable {
  /** See `vectorKey`. */
  key: number;
  vector: Buffer;
  checksum: number;
}

/** One line for each change of a memory, never altered. */
export interface ChangesTable {
  change_seq: number;
  row: number;
  revision: number;
  type: 'stored' | 'revised' | 'forgotten';
  at: number;
  by: number;
  /** The labels of the memory after the change. */
  label_set: number;
  owner: number;
}

/** What a memory was before its latest revision: gone once it is forgotten. */
export interface RevisionsTable {
  row: number;
  revision: number;
  /** JSON of the record and its text. */
  record: string;
}

export interface TagsTable {
  tag: string;
  row: number;
}

export interface IdempotencyTable {
  author: number;
  key: string;
  digest: string;
  id: string;
  revision: number;
}

/** How many parts a memory has in a space other than the one in which it got its first vectors. */
export interface EmbeddedTable {
  space: number;
  row: number;
  chunks: number;
  /** In one order with the changes, so that an index that follows them misses neither. */
  change_seq: number;
}

/** Writes that other processes asked for and that were done, until the asker has the answer. */
export interface RequestsTable {
  client: string;
  number: number;
  /** JSON. Holds no text of a memory. */
  outcome: string;
  at: number;
}

export interface DeclarationsTable {
  /** In the order in which they were made. */
  number: Generated<number>;
  id: string;
  /** JSON. */
  declaration: string;
  /** 1 for one that was given to `open`. */
  at_open: number;
  since: number;
  /** Declarations are ended, never deleted. */
  until: number | null;
  /** Null for those that came from the first schema. */
  checksum: string | null;
}

/** Whom a memory was about before a revision that changed it. */
export interface FormerSubjectsTable {
  user_id: string;
  row: number;
}

export interface StoreMetaTable {
  key: string;
  value: string | number | Buffer;
}

export interface Tables {
  namespaces: NamespacesTable;
  label_sets: LabelSetsTable;
  actors: ActorsTable;
  spaces: SpacesTable;
  memories: MemoriesTable;
  texts: TextsTable;
  vectors: VectorsTable;
  changes: ChangesTable;
  revisions: RevisionsTable;
  tags: TagsTable;
  idempotency: IdempotencyTable;
  declarations: DeclarationsTable;
  former_subjects: FormerSubjectsTable;
  embedded: EmbeddedTable;
  requests: RequestsTable;
  store_meta: StoreMetaTable;
}

/** Builds queries over the tables of a store. */
export const queries = queriesOver<Tables>();
