import type { Database } from 'better-sqlite3';
import type { Policy } from '../../access/policy';
import type { ChunkVectors } from '../../domain/command';
import type { StoredDeclaration } from '../../domain/declaration';
import { defined } from '../../domain/defined';
import { MemoryError } from '../../domain/errors';
import { type ChangeType, type MemoryKind, memoryKinds, type SourceChannel, sourceChannels } from '../../domain/memory';
import type { Namespace } from '../../domain/namespace';
import type { TrustLevel } from '../../domain/trust';
import type { ChangeQueries } from '../queries/change-queries';
import type { ContainmentQueries } from '../queries/containment-queries';
import type { MemoryQueries } from '../queries/memory-queries';
import type { QuotaUsage, RevisionBytes } from '../quota-usage';
import type { StoredCounts } from '../stored-counts';
import type { Contributors } from '../tables/contributors';
import type { Derivations } from '../tables/derivations';
import type { Endorsements } from '../tables/endorsements';
import type { NameTables } from '../tables/erased-names';
import type { Erasures } from '../tables/erasures';
import type { Holds } from '../tables/holds';
import type { Incidents } from '../tables/incidents';
import type { Interning } from '../tables/interning';
import { type MemoryRow, parseStoredJson, type RowChecksum } from '../tables/memory-row';
import type { Receipts } from '../tables/receipts';
import type { Tables } from '../tables/schema';
import type { SpaceCoverage } from '../tables/space-coverage';
import type { StoreMeta } from '../tables/store-meta';
import type { Words } from '../tables/words';
import type { RetentionLookup } from './retention-lookup';
import type { TableWriter } from './table-writer';
import type { TrustColumns } from './trust';

/** The tables and functions that `apply` passes to the handler of each command. All work happens inside one transaction. */
export interface ApplyContext {
  readonly policy: Policy;
  readonly meta: StoreMeta;
  readonly interning: Interning;
  readonly records: MemoryQueries;
  readonly writer: TableWriter;
  readonly words: Pick<Words, 'insert' | 'replace' | 'delete' | 'deleteWaiting'>;
  readonly rowChecksum: RowChecksum;
  readonly coverage: SpaceCoverage;
  readonly derivations: Derivations;
  readonly contributors: Contributors;
  readonly endorsements: Endorsements;
  /** The trust of a memory now. Every record on which it depends is checked. */
  trustOf(record: TrustColumns): TrustLevel;
  readonly changes: ChangeQueries;
  readonly incidents: Incidents;
  readonly containment: ContainmentQueries;
  readonly holds: Holds;
  readonly erasures: Erasures;
  readonly names: NameTables;
  readonly database: Database;
  readonly receipts: Receipts;
  /** How long memories are kept. */
  readonly retention: RetentionLookup;
  /** What each actor uses. Undefined while nothing needs it: it is then computed from the tables when a command has a quota. */
  usage(): QuotaUsage | undefined;
  /** How many memories are stored. Undefined if nothing has needed it yet. */
  storedCounts(): StoredCounts | undefined;
  /** How many memories are stored. Counts them if nothing has needed it yet. */
  countStored(): StoredCounts;
  /** Counts again when it is needed. */
  discardStoredCounts(): void;
  /** Computes what each actor uses, unless it is known. */
  countUsage(): QuotaUsage;
  /** Discards what is known about what actors use. */
  discardUsage(): void;
  /** Checks whether a memory has, or ever had, this id. */
  isStored(id: string): boolean;
  /** Checks whether a declaration has, or ever had, this id. */
  isDeclared(id: string): boolean;
  /** Puts the `added` declarations in force, and ends the others. */
  changePolicy(added: readonly StoredDeclaration[], ended: readonly StoredDeclaration[], at: number): void;
  /** Converts all declarations, also those that have ended. */
  convertPolicy(convert: (stored: StoredDeclaration) => StoredDeclaration): void;
  /** Reads the latest line about a row from the change feed. It scans the feed, so it is only for damaged rows. */
  lastChangeOf(row: number): Tables['changes'] | undefined;
  /** Looks up the earlier write by this author with this idempotency key. */
  findIdempotent(author: number, key: string): { digest: string; id: string; revision: number } | undefined;
  /** Splits a text into the tokens that the keyword index stores. */
  analyze(text: string): readonly string[];
  nextRow(): number;
  /** Takes the next number for a change. */
  nextChangeSeq(): number;
  /** The number of the latest change. */
  lastChangeSeq(): number;
  /** Takes the next number from the same sequence for an event that is not a change of a memory. */
  nextSeq(): number;
  /** The earlier revisions of a memory, oldest first. Undefined in place of a damaged one. */
  earlierRevisions(record: MemoryRow): (MemoryRow | undefined)[];
  /** Reads how many bytes each revision of a memory takes, and its writer. Undefined if a revision is damaged. */
  revisionBytes(record: MemoryRow): RevisionBytes[] | undefined;
  report(change: RowChange): void;
  /** Adds a memory and its namespace to the audit entry for the command. */
  touch(id: string, namespace: Namespace | undefined): void;
  /** Reports that a stored text differs from the text that was indexed. All words must then be indexed again. */
  reportDamagedWords(): void;
}

/** The values of a row that `ColumnStore` keeps in RAM, because every search needs them. */
export interface RowColumns {
  readonly labelSet: number;
  readonly owner: number;
  /** The number of the author. 0 if the record is damaged and names none. */
  readonly author: number;
  /** The index of the channel in `sourceChannels`. */
  readonly channel: number;
  readonly active: boolean;
  /** The number of the memory's vectors in the space that searches use. */
  readonly chunks: number;
  /** The number of tokens in the memory's text. */
  readonly length: number;
  /** Epoch milliseconds. */
  readonly validFrom: number;
  /** Epoch milliseconds. Infinity if the memory never expires. */
  readonly expiresAt: number;
  readonly priority: number;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** Undefined if the record is damaged and names none. */
  readonly kind: MemoryKind | undefined;
  readonly pinned: boolean;
  readonly userId: string | null;
  readonly sessionId: string | null;
  /** The agent that wrote the memory. Null if the author is not an agent. */
  readonly agentId: string | null;
  readonly tags: readonly string[];
}

/** One change to one row. It is passed on to readers after the commit. */
export interface RowChange {
  readonly changeSeq: number;
  readonly row: number;
  readonly id: string;
  readonly type: ChangeType;
  /** Absent if the memory was forgotten. */
  readonly columns?: RowColumns;
  /** The trust of the memory after the change. Absent if the memory was forgotten: its tombstone keeps the trust. */
  readonly trust?: TrustLevel;
  /** The tokens of the text before and after the change. Absent if the text did not change. */
  readonly tokensBefore?: readonly string[];
  readonly tokens?: readonly string[];
  /** True if the vectors changed and vector indexes must read them again. */
  readonly reindex: boolean;
}

export interface ChangeDetails {
  readonly type: ChangeType;
  readonly at: number;
  /** The number that stands for the actor in the tables. */
  readonly by: number;
  readonly tokensBefore?: readonly string[];
  readonly tokens?: readonly string[];
  readonly reindex: boolean;
}

/**
 * Gives a change its number, adds the number and the checksum to the row, adds a line to the change feed, and reports the change.
 * The `first_change_seq` of a new row is 0.
 *
 * @returns the same row
 */
export function stampChange(
  context: ApplyContext,
  row: MemoryRow,
  { type, at, by, tokensBefore, tokens, reindex }: ChangeDetails,
): MemoryRow {
  const changeSeq = context.nextChangeSeq();
  row.change_seq = changeSeq;
  if (row.first_change_seq === 0) row.first_change_seq = changeSeq;
  context.rowChecksum.addChecksum(row);
  const { id, revision, label_set, owner } = row;
  context.writer.insertChange({ change_seq: changeSeq, row: row.row, revision, type, at, by, label_set, owner });
  context.touch(id, context.interning.labelSet(label_set).namespace);
  const columns = type === 'forgotten' ? undefined : rowColumnsOf(row, context.interning, currentChunks(context, row));
  const trust = columns && context.trustOf(row);
  context.report({ changeSeq, row: row.row, id, type, reindex, ...defined({ columns, trust, tokensBefore, tokens }) });
  return row;
}

/** Counts the vectors that a memory has in the space that searches use. */
function currentChunks({ interning, coverage }: ApplyContext, { row, space, chunks }: MemoryRow): number {
  const current = interning.currentSpace?.id;
  if (space === null || space === current) return chunks;
  return coverage.ofRow(row).find((line) => line.space === current)?.chunks ?? 0;
}

type LabelColumns = Pick<
  MemoryRow,
  | 'label_set'
  | 'owner'
  | 'author'
  | 'source_channel'
  | 'user_id'
  | 'session_id'
  | 'tags'
  | 'state'
  | 'chunks'
  | 'length'
  | 'valid_from'
  | 'expires_at'
  | 'priority'
  | 'created_at'
  | 'kind'
  | 'pinned'
>;

/** Converts a row to the form that `ColumnStore` keeps in RAM. */
export function rowColumnsOf(
  row: LabelColumns,
  interning: Pick<Interning, 'agentIdOf' | 'actorCount' | 'labelSetCount'>,
  chunks = row.chunks,
): RowColumns {
  return {
    labelSet: isNumberUpTo(row.label_set, interning.labelSetCount) ? row.label_set : noLabelSet,
    owner: row.owner,
    author: isNumberUpTo(row.author, interning.actorCount) ? row.author : 0,
    channel: Math.max(0, sourceChannels.indexOf(row.source_channel as SourceChannel)),
    active: row.state === 'active',
    chunks,
    length: row.length,
    validFrom: row.valid_from,
    expiresAt: row.expires_at ?? Number.POSITIVE_INFINITY,
    priority: row.priority,
    createdAt: row.created_at,
    kind: memoryKinds.find((kind) => kind === row.kind),
    pinned: row.pinned !== null,
    userId: isText(row.user_id) ? row.user_id : null,
    sessionId: isText(row.session_id) ? row.session_id : null,
    agentId: interning.agentIdOf(row.author),
    tags: tagsOf(row.tags),
  };
}

// No actor may read it. A damaged record can have any number, and a list for a huge one would take as much RAM as one for each number below.
const noLabelSet = 0;

function isNumberUpTo(value: unknown, last: number): boolean {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= last;
}

const noTags: readonly string[] = [];

/** The tags of a row. None if they are damaged: then the whole record is, which is reported when it is read. */
function tagsOf(json: unknown): readonly string[] {
  if (json === '[]' || typeof json !== 'string') return noTags;
  try {
    const tags = parseStoredJson(json);
    return Array.isArray(tags) ? tags.filter(isText) : noTags;
  } catch {
    return noTags;
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/** Writes a memory's vectors to the current space. The first vectors in a store determine its current space. */
export function insertVectors({ interning, writer }: ApplyContext, row: number, embedded: ChunkVectors | undefined) {
  if (embedded === undefined) return { space: null, chunks: 0 };
  const space = interning.currentSpace?.id ?? interning.internSpace(embedded.space);
  writer.insertVectors(row, space, embedded);
  return { space, chunks: embedded.vectors.length };
}

/** Deletes a memory's vectors from every space. */
export function removeVectors(
  { writer, coverage }: ApplyContext,
  { row, space }: Pick<MemoryRow, 'row' | 'space'>,
): void {
  if (space !== null) writer.deleteVectors(row, space);
  for (const line of coverage.ofRow(row)) writer.deleteVectors(row, line.space);
  coverage.deleteOfRow(row);
}

/** @throws EMBEDDER_MISMATCH if the vectors were not made for the store's current embedding space */
export function assertSpace({ interning }: ApplyContext, embedded: ChunkVectors | undefined): void {
  const current = interning.currentSpace?.name;
  if (embedded === undefined || current === undefined) return;
  const { model, dimensions } = embedded.space;
  if (model === current.model && dimensions === current.dimensions) return;
  const message = `Not the embedding space of the store: expected vectors made with ${current.model} (${current.dimensions} dimensions), got ${model} (${dimensions} dimensions).`;
  throw new MemoryError('EMBEDDER_MISMATCH', message);
}
