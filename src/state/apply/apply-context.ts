import type { Policy } from '../../access/policy';
import type { StoredDeclaration } from '../../domain/declaration';
import type { ChangeType } from '../../domain/memory';
import type { Namespace } from '../../domain/namespace';
import type { MemoryQueries } from '../queries/memory-queries';
import type { EmbeddedTable } from '../tables/embedded-table';
import type { Interning } from '../tables/interning';
import type { MemoryRow } from '../tables/memory-row';
import type { RowChecksum } from '../tables/row-checksum';
import type { Tables } from '../tables/schema';
import type { RowChange, RowColumns } from './row-change';
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
