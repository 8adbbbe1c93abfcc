import type { Policy } from '../../access/policy';
import type { ChunkVectors } from '../../domain/command';
import type { StoredDeclaration } from '../../domain/declaration';
import { defined } from '../../domain/defined';
import { MemoryError } from '../../domain/errors';
import type { ChangeType } from '../../domain/memory';
import type { Namespace } from '../../domain/namespace';
import type { MemoryQueries } from '../queries/memory-queries';
import type { Interning } from '../tables/interning';
import type { MemoryRow, RowChecksum } from '../tables/memory-row';
import type { Tables } from '../tables/schema';
import type { SpaceCoverage } from '../tables/space-coverage';
import type { TableWriter } from './table-writer';

/** What the handlers of commands share inside one transaction. */
export interface ApplyContext {
  readonly policy: Policy;
  readonly interning: Interning;
  readonly records: MemoryQueries;
  readonly writer: TableWriter;
  readonly rowChecksum: RowChecksum;
  readonly coverage: SpaceCoverage;
  /** Whether a memory has, or ever had, this id. */
  isStored(id: string): boolean;
  /** Whether a declaration has, or ever had, this id. */
  isDeclared(id: string): boolean;
  /** Puts declarations in force, and ends others. */
  changePolicy(added: readonly StoredDeclaration[], ended: readonly StoredDeclaration[], at: number): void;
  /** The latest line of a row in the feed of changes. Slow: only for damaged rows. */
  lastChangeOf(row: number): Tables['changes'] | undefined;
  /** The write of this author with this idempotency key. */
  findIdempotent(author: number, key: string): { digest: string; id: string; revision: number } | undefined;
  /** The tokens of a text, as the index of words holds them. */
  analyze(text: string): readonly string[];
  nextRow(): number;
  /** The number of the next change. */
  nextChangeSeq(): number;
  /** A number from the sequence of the changes, for something that is not a change. */
  nextSeq(): number;
  report(change: RowChange): void;
  /** Names a memory and its namespace in the audit entry of the command. */
  touch(id: string, namespace: Namespace | undefined): void;
  /** Reports that a text is not the text whose words were indexed, so that all words must be indexed again. */
  reportDamagedWords(): void;
}

/** The columns of a row that every search needs in memory. */
export interface RowColumns {
  readonly labelSet: number;
  readonly owner: number;
  readonly active: boolean;
  /** The number of its vectors in the space that is searched. */
  readonly chunks: number;
  /** The number of tokens of its text. */
  readonly length: number;
  /** Epoch milliseconds. */
  readonly validFrom: number;
  /** Epoch milliseconds. Infinity if the memory never expires. */
  readonly expiresAt: number;
  readonly priority: number;
}

/** One change of one row, after its commit. */
export interface RowChange {
  readonly changeSeq: number;
  readonly row: number;
  readonly id: string;
  readonly type: ChangeType;
  /** Absent if the memory was forgotten. */
  readonly columns?: RowColumns;
  /** The tokens of the text before and after, if the text changed. */
  readonly tokensBefore?: readonly string[];
  readonly tokens?: readonly string[];
  /** Whether the vectors changed, so that vector indexes must follow. */
  readonly reindex: boolean;
}

export interface ChangeDetails {
  readonly type: ChangeType;
  readonly at: number;
  /** The number of the actor. */
  readonly by: number;
  readonly tokensBefore?: readonly string[];
  readonly tokens?: readonly string[];
  readonly reindex: boolean;
}

/** Numbers a change, adds the checksum to its row, writes the line in the feed of changes, and reports the change. */
export function stampChange(
  context: ApplyContext,
  row: Omit<MemoryRow, 'first_change_seq' | 'change_seq' | 'checksum'> & { readonly first_change_seq?: number },
  { type, at, by, tokensBefore, tokens, reindex }: ChangeDetails,
): MemoryRow {
  const changeSeq = context.nextChangeSeq();
  const numbered = { ...row, first_change_seq: row.first_change_seq ?? changeSeq, change_seq: changeSeq };
  const stamped = context.rowChecksum.addChecksum(numbered);
  const { id, revision, label_set, owner } = stamped;
  context.writer.insertChange({ change_seq: changeSeq, row: row.row, revision, type, at, by, label_set, owner });
  context.touch(id, context.interning.labelSet(label_set).namespace);
  const columns =
    type === 'forgotten' ? undefined : rowColumnsOf({ ...stamped, chunks: currentChunks(context, stamped) });
  context.report({ changeSeq, row: row.row, id, type, reindex, ...defined({ columns, tokensBefore, tokens }) });
  return stamped;
}

/** The number of vectors that a memory has in the space that is searched. */
function currentChunks({ interning, coverage }: ApplyContext, { row, space, chunks }: MemoryRow): number {
  const current = interning.currentSpace?.id;
  if (space === null || space === current) return chunks;
  return coverage.ofRow(row).find((line) => line.space === current)?.chunks ?? 0;
}

type LabelColumns = Pick<
  MemoryRow,
  'label_set' | 'owner' | 'state' | 'chunks' | 'length' | 'valid_from' | 'expires_at' | 'priority'
>;

/** A row as the columns in memory hold it. */
export function rowColumnsOf(row: LabelColumns): RowColumns {
  return {
    labelSet: row.label_set,
    owner: row.owner,
    active: row.state === 'active',
    chunks: row.chunks,
    length: row.length,
    validFrom: row.valid_from,
    expiresAt: row.expires_at ?? Number.POSITIVE_INFINITY,
    priority: row.priority,
  };
}

/** Writes the vectors of a memory in the current space. The first vectors of a store decide its space. */
export function insertVectors({ interning, writer }: ApplyContext, row: number, embedded: ChunkVectors | undefined) {
  if (embedded === undefined) return { space: null, chunks: 0 };
  const space = interning.currentSpace?.id ?? interning.internSpace(embedded.space);
  writer.insertVectors(row, space, embedded);
  return { space, chunks: embedded.vectors.length };
}

/** Deletes the vectors of a memory in every space. */
export function removeVectors(
  { writer, coverage }: ApplyContext,
  { row, space }: Pick<MemoryRow, 'row' | 'space'>,
): void {
  if (space !== null) writer.deleteVectors(row, space);
  for (const line of coverage.ofRow(row)) writer.deleteVectors(row, line.space);
  coverage.deleteOfRow(row);
}

/** @throws EMBEDDER_MISMATCH if the vectors lie in another space than the store's */
export function assertSpace({ interning }: ApplyContext, embedded: ChunkVectors | undefined): void {
  const current = interning.currentSpace?.name;
  if (embedded === undefined || current === undefined) return;
  const { model, dimensions } = embedded.space;
  if (model === current.model && dimensions === current.dimensions) return;
  const message = `Not the embedding space of the store: expected vectors of ${current.model} (${current.dimensions} dimensions), got ${model} (${dimensions} dimensions).`;
  throw new MemoryError('EMBEDDER_MISMATCH', message);
}
