import type { Generated } from 'kysely';
import { queriesOver } from '../../sqlite/sqlite';

/** One label of a namespace, below its parent: a tree, so that namespaces are compared label by label. The root, 0, has no row. */
export interface NamespacesTable {
  id: number;
  parent: number;
  label: string;
}

/** A namespace with a set of access tags. Its number is never reused. */
export interface LabelSetsTable {
  id: number;
  namespace: number;
  /** JSON, sorted. */
  access_tags: string;
}

/** An actor. `on_behalf_of` is '' if it acts for itself: ids are never empty. */
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
  /** How the store uses the space. At most one space is 'current', 'next' and 'previous'. */
  role: 'current' | 'next' | 'previous' | 'dropping' | 'dropped';
  /** The latest number at which memories that were stored before got vectors in this space. */
  change_seq: number;
}

export interface MemoriesTable {
  row: number;
  id: string;
  revision: number;
  state: 'active' | 'superseded' | 'quarantined' | 'forgotten';
  label_set: number;
  /** The author of a private memory; 0 for a shared one. */
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
  /** The embedding space of its first vectors, and the number of these: 0 for none. For other spaces see `embedded`. */
  space: number | null;
  chunks: number;
  /** The number of tokens of the text, for BM25. */
  length: number;
  /** The numbers of its first and its latest change. */
  first_change_seq: number;
  change_seq: number;
  checksum: string;
}

export interface TextsTable {
  row: number;
  /** UTF-16 bytes if the text has a lone surrogate, which UTF-8 cannot hold. */
  text: string | Buffer;
}

export interface VectorsTable {
  /** See `vectorKey`. */
  key: number;
  vector: Buffer;
  checksum: number;
}

/** The feed of changes: one line for each change of a memory. A line never changes. */
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

/** An earlier revision of a memory. Deleted when the memory is forgotten. */
export interface RevisionsTable {
  row: number;
  revision: number;
  /** JSON of the row and its text. */
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

/** The number of vectors of a memory in a space other than the space of its first vectors. */
export interface EmbeddedTable {
  space: number;
  row: number;
  chunks: number;
  /** A number from the sequence of the changes, so that an index which follows the changes misses nothing. */
  change_seq: number;
}

/** A write that another process requested and that is done. Kept until that process has the answer. */
export interface RequestsTable {
  client: string;
  number: number;
  /** JSON. Contains no text of a memory. */
  outcome: string;
  at: number;
}

export interface DeclarationsTable {
  /** Numbered in the order in which they were made. */
  number: Generated<number>;
  id: string;
  /** JSON. */
  declaration: string;
  /** 1 for a declaration that was given to `open`. */
  at_open: number;
  since: number;
  /** The time at which it ended. A declaration is never deleted. */
  until: number | null;
  /** Null for a declaration from the first schema. */
  checksum: string | null;
}

/** A user that a memory was about before a revision changed that. */
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
