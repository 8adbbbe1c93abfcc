import type { Generated } from 'kysely';
import type { TrustLevel } from '../../domain/trust';
import { queriesOver } from '../../sqlite/sqlite';

/**
 * A namespace: its last label, and the number of its parent. Together the rows are a tree, so namespaces are compared label by label.
 * The root namespace has the number 0 and no row.
 */
export interface NamespacesTable {
  id: number;
  parent: number;
  label: string;
  /** See `aliasOf`. */
  alias: number;
  /** See `NameChecksum`. */
  checksum: string;
}

/** A namespace with a set of access tags. Its number is never reused. */
export interface LabelSetsTable {
  id: number;
  namespace: number;
  /** JSON, sorted. */
  access_tags: string;
  alias: number;
  checksum: string;
}

/** An actor. `on_behalf_of` is '' if the actor acts for itself. A real id is never empty. */
export interface ActorsTable {
  id: number;
  kind: 'agent' | 'user' | 'service' | 'root';
  name: string;
  on_behalf_of: string;
  alias: number;
  checksum: string;
}

export interface SpacesTable {
  id: number;
  model: string;
  dimensions: number;
  normalized: number;
  /** How the store uses the space. At most one space is 'current', 'next' and 'previous'. */
  role: 'current' | 'next' | 'previous' | 'dropping' | 'dropped';
  /** The sequence number at which `embed` last gave vectors in this space to memories that were already stored. */
  change_seq: number;
  checksum: string;
}

export interface MemoriesTable {
  row: number;
  id: string;
  revision: number;
  state: 'active' | 'superseded' | 'consolidated' | 'quarantined' | 'forgotten';
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
  /** The embedding space of the memory's first vectors, and how many there are (0 for none). For other spaces see `embedded`. */
  space: number | null;
  chunks: number;
  /** The number of tokens of the text, for BM25. */
  length: number;
  /** The numbers of the memory's first and latest change. */
  first_change_seq: number;
  change_seq: number;
  checksum: string;
  /** The stored trust as a number (see `TrustLevel`). Null if an earlier release wrote the memory, which kept no trust. */
  trust: number | null;
  /** 1 if no policy may consolidate or forget the memory. */
  pinned: 1 | null;
}

export interface TextsTable {
  row: number;
  /** Bytes in UTF-16 if the text has a lone surrogate, which UTF-8 cannot encode. */
  text: string | Buffer;
}

export interface VectorsTable {
  /** See `vectorKey`. */
  key: number;
  vector: Buffer;
  checksum: number;
}

/** The change feed: one line for each change to a memory. Lines are never modified. */
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
  /** JSON of the row and its text, or of the columns that the next revision changed (see `encodeRevision`). */
  record: string;
}

export interface TagsTable {
  tag: string;
  row: number;
}

export interface IdempotencyTable {
  author: number;
  /** See `hashIdempotencyKey`. */
  key: string;
  digest: string;
  id: string;
  revision: number;
}

/** The number of vectors that a memory has in a further space, not the space of its first vectors. */
export interface EmbeddedTable {
  space: number;
  row: number;
  chunks: number;
  /** A number from the same sequence as the changes, so that an index which reads all later numbers also finds these vectors. */
  change_seq: number;
}

/** The outcome of a write that another process requested. It is kept until that process has received the answer. */
export interface RequestsTable {
  client: string;
  number: number;
  /** JSON. It never contains the text of a memory. */
  outcome: string;
  at: number;
}

export interface DeclarationsTable {
  /** Numbered in the order in which they were made. */
  number: Generated<number>;
  id: string;
  /** JSON. */
  declaration: string;
  /** 1 for a declaration that was passed to `open`. */
  at_open: number;
  since: number;
  /** The time at which it ended. A declaration is never deleted. */
  until: number | null;
  /** Null for a declaration that was written with the first version of the schema. */
  checksum: string | null;
}

/** A user whom a memory was about until a revision changed its `userId`. */
export interface FormerSubjectsTable {
  user_id: string;
  row: number;
}

/**
 * A memory that was made from another one, its source. Both are rows of `memories`. The lines of a forgotten memory stay if something was made
 * from it: that is still bound by the trust of its sources.
 */
export interface DerivationsTable {
  row: number;
  source: number;
  /**
   * 'derived': the writer named the source. 'consolidated': a summarizer made the memory from the source, and the memory quotes it.
   * 'omitted': the summarizer has read the source, and no fact quotes it. It is then a source of the first fact of its group.
   */
  kind: 'derived' | 'consolidated' | 'omitted';
  checksum: number;
}

/** An actor that changed the content of a memory and is not its author. */
export interface ContributorsTable {
  row: number;
  actor: number;
  checksum: number;
}

/** A statement of a principal that the content of a memory may be relied on. */
export interface EndorsementsTable {
  row: number;
  actor: number;
  trust: TrustLevel;
  /** The revision that the endorsement made. */
  revision: number;
  at: number;
  checksum: number;
}

/** Memories that were contained together. */
export interface IncidentsTable {
  number: number;
  id: string;
  at: number;
  /** JSON of the numbers of the actors whose memories were selected. */
  authors: string;
  since: number | null;
  /** The time at which the incident held nothing any more. */
  ended: number | null;
  /** The reason that was given for the latest release. */
  reason: string | null;
  checksum: number;
}

/** A memory that an incident holds, or a source that stands in the place of a held fact again. */
export interface ContainedTable {
  incident: number;
  row: number;
  /** The state that the memory had before any incident held it. */
  state: 'active' | 'superseded' | 'consolidated';
  reason: 'selected' | 'changed' | 'derived' | 'superseding' | 'returned';
  /** The revision that the incident made. */
  revision: number;
  checksum: number;
}

/** How far this peer has applied the log. Empty in a store without peers. */
export interface LogPositionTable {
  log: number;
  /** The index of the last entry that was applied. */
  entry: number;
  term: number;
  digest: string;
}

/** The latest incarnation of each node. An earlier one adds no frames any more, so that the table has one line for each node. */
export interface SessionsTable {
  log: number;
  node: number;
  start: number;
  /** The number of the last frame of the incarnation in the log. */
  last_frame: number;
}

/** The cluster to which the store belongs. Empty in a store that is alone. */
export interface ClusterMembershipTable {
  log: number;
  cluster: string;
  /** The index of the entry that made the members what they are. */
  entry: number;
  /** JSON of the configuration and the addresses. */
  members: string;
  checksum: string;
}

/** Legal holds. One that has ended stays in the table. */
export interface HoldsTable {
  id: string;
  matter: string;
  /** JSON of a `ParsedScope`. */
  selection: string;
  since: number;
  until: number | null;
  checksum: string;
}

/** The revisions of memories that were forgotten while a legal hold concerned them. */
export interface WithheldTable {
  row: number;
  revision: number;
  /** JSON of the row and its text. */
  record: string;
}

/** Erasures. They name nobody. */
export interface ErasuresTable {
  id: string;
  at: number;
  /** JSON of an `ErasureSubject`. Null if the erasure is about some memories by their ids. */
  subject: string | null;
  reason: string | null;
  erased: number;
  /** See `StoredErasure`. */
  finished: number | null;
  names_wait: number;
  checksum: string;
}

/** A memory that an erasure has erased, and that a legal hold still keeps. */
export interface AwaitingErasureTable {
  row: number;
  erasure: string;
}

/** The latest receipt of each erasure. */
export interface ReceiptsTable {
  erasure: string;
  /** How many erasures had begun with this one. */
  number: number;
  /** JSON of an `ErasureReceipt`. */
  receipt: string;
  checksum: string;
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
  derivations: DerivationsTable;
  contributors: ContributorsTable;
  endorsements: EndorsementsTable;
  incidents: IncidentsTable;
  contained: ContainedTable;
  embedded: EmbeddedTable;
  requests: RequestsTable;
  holds: HoldsTable;
  withheld: WithheldTable;
  erasures: ErasuresTable;
  awaiting_erasure: AwaitingErasureTable;
  receipts: ReceiptsTable;
  store_meta: StoreMetaTable;
  log_position: LogPositionTable;
  sessions: SessionsTable;
  cluster_membership: ClusterMembershipTable;
}

/** Builds queries over the tables of a store. */
export const queries = queriesOver<Tables>();
