import type { Policy } from '../../access/policy';
import type { ChunkVectors } from '../../domain/command';
import type { StoredDeclaration } from '../../domain/declaration';
import { MemoryError } from '../../domain/errors';
import type { ChangeType } from '../../domain/memory';
import type { Namespace } from '../../domain/namespace';
import type { MemoryQueries } from '../queries/memory-queries';
import type { EmbeddedTable } from '../tables/embedded-table';
import type { Interning } from '../tables/interning';
import type { MemoryRow, RowChecksum } from '../tables/memory-row';
import type { Tables } from '../tables/schema';
import type { TableWriter } from './table-writer';

/** What the handlers of commands share inside one transaction. */
export interface ApplyContext {
  readonly policy: Policy;
  readonly interning: Interning;
  readonly records: MemoryQueries;
  readonly writer: TableWriter;
  readonly rowChecksum: RowChecksum;
  readonly embeddedTable: EmbeddedTable;
  /** Whether a declaration has, or ever had, that id. */
  isDeclared(id: string): boolean;
  /** Puts declarations in force and out of it. */
  changePolicy(added: readonly StoredDeclaration[], ended: readonly StoredDeclaration[], at: number): void;
  /** The latest line of the feed about a row: slow, for records that are damaged. */
  lastChange(row: number): Tables['changes'] | undefined;
  /** Idempotency keys, within one author. */
  findIdempotent(author: number, key: string): { digest: string; id: string; revision: number } | undefined;
  analyze(text: string): readonly string[];
  nextRow(): number;
  /** The number of a change. */
  nextChangeSeq(): number;
  /** A number in the same order, of something that is no change. */
  nextSeq(): number;
  report(change: RowChange): void;
  /** The audit names a memory that the command was about, with the namespace that it is in. */
  touch(id: string, namespace: Namespace | undefined): void;
  /** A text was not what it was when its words were indexed: the words must be indexed anew, from all texts. */
  reportDamagedWords(): void;
}

export interface ChangeDetails {
  readonly type: ChangeType;
  readonly at: number;
  /** Number of the actor. */
  readonly by: number;
  readonly tokensBefore?: readonly string[];
  readonly tokens?: readonly string[];
  readonly reindex: boolean;
}

/** Gives the record its entry and its checksum, writes the line of the feed, and reports the change. */
export function stampChange(
  context: ApplyContext,
  record: Omit<MemoryRow, 'first_change_seq' | 'change_seq' | 'checksum'> & { readonly first_change_seq?: number },
  change: ChangeDetails,
): MemoryRow {
  const changeSeq = context.nextChangeSeq();
  const stamped = context.rowChecksum.addChecksum({
    ...record,
    first_change_seq: record.first_change_seq ?? changeSeq,
    change_seq: changeSeq,
  });
  const { row, id, revision, label_set, owner } = stamped;
  const { type, at, by, tokensBefore, tokens, reindex } = change;
  context.writer.insertChange({ change_seq: changeSeq, row, revision, type, at, by, label_set, owner });
  context.touch(id, context.interning.labelSet(label_set).namespace);
  context.report({
    changeSeq,
    row,
    id,
    type,
    reindex,
    ...(type === 'forgotten' ? {} : { columns: rowColumnsOf({ ...stamped, chunks: chunksNow(context, stamped) }) }),
    ...(tokensBefore === undefined ? {} : { tokensBefore }),
    ...(tokens === undefined ? {} : { tokens }),
  });
  return stamped;
}

/** How many vectors a memory has in the store's space. */
function chunksNow({ interning, embeddedTable }: ApplyContext, { row, space, chunks }: MemoryRow): number {
  const current = interning.currentSpace?.id;
  if (space === null || space === current) return chunks;
  return embeddedTable.ofRow(row).find((line) => line.space === current)?.chunks ?? 0;
}

type LabelColumns = Pick<
  MemoryRow,
  'label_set' | 'owner' | 'state' | 'chunks' | 'length' | 'valid_from' | 'expires_at' | 'priority'
>;

export function rowColumnsOf(record: LabelColumns): RowColumns {
  return {
    labelSet: record.label_set,
    owner: record.owner,
    active: record.state === 'active',
    chunks: record.chunks,
    length: record.length,
    validFrom: record.valid_from,
    expiresAt: record.expires_at ?? Number.POSITIVE_INFINITY,
    priority: record.priority,
  };
}

/** Writes a memory's vectors, in the store's space. The first vector of all decides which space that is. */
export function insertVectors(context: ApplyContext, row: number, embedded: ChunkVectors | undefined) {
  if (embedded === undefined) return { space: null, chunks: 0 };
  const { interning, writer } = context;
  const space = interning.currentSpace?.id ?? interning.internSpace(embedded.space);
  writer.insertVectors(row, space, embedded);
  return { space, chunks: embedded.vectors.length };
}

/** Takes away a memory's vectors in every space. */
export function removeVectors({ writer, embeddedTable }: ApplyContext, record: Pick<MemoryRow, 'row' | 'space'>): void {
  const { row, space } = record;
  if (space !== null) writer.deleteVectors(row, space);
  for (const line of embeddedTable.ofRow(row)) writer.deleteVectors(row, line.space);
  embeddedTable.deleteOfRow(row);
}

/** @throws EMBEDDER_MISMATCH where the vectors are of another space than the store's. */
export function assertSpace({ interning }: ApplyContext, embedded: ChunkVectors | undefined): void {
  const current = interning.currentSpace?.name;
  if (embedded === undefined || current === undefined) return;
  const { model, dimensions } = embedded.space;
  if (model === current.model && dimensions === current.dimensions) return;
  const message = `The vector comes from ${model} (${dimensions} dimensions), the store's vectors from ${current.model} (${current.dimensions}): vectors compare only inside one space.`;
  throw new MemoryError('EMBEDDER_MISMATCH', message);
}

/** What memory-resident columns and indexes need to know of a row. */
export interface RowColumns {
  readonly labelSet: number;
  readonly owner: number;
  readonly active: boolean;
  readonly chunks: number;
  /** Tokens of the text. */
  readonly length: number;
  readonly validFrom: number;
  /** Infinity where it never expires. */
  readonly expiresAt: number;
  readonly priority: number;
}

/** One change of one row, after its commit. */
export interface RowChange {
  readonly changeSeq: number;
  readonly row: number;
  readonly id: string;
  readonly type: ChangeType;
  /** Absent once it is forgotten. */
  readonly columns?: RowColumns;
  /** Tokens of the text before and after, where the text changed. */
  readonly tokensBefore?: readonly string[];
  readonly tokens?: readonly string[];
  /** Whether vectors or labels changed: what an index of vectors has to follow. */
  readonly reindex: boolean;
}
