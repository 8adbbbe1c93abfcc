import type { Checksum } from './checksum';
import type { Interning } from './interning';
import { damaged, type MemoryRow, memoryRowOf, type StoredMemoryRow } from './memory-row';

const checked: readonly (keyof MemoryRow)[] = [
  ...([
    'row',
    'id',
    'revision',
    'state',
    'label_set',
    'owner',
    'author',
    'kind',
    'user_id',
    'session_id',
    'key',
  ] as const),
  ...(['priority', 'tags', 'metadata', 'source_channel', 'source_ref', 'created_at', 'updated_at'] as const),
  ...(['valid_from', 'valid_to', 'expires_at', 'supersedes', 'superseded_by', 'space', 'chunks', 'length'] as const),
  ...(['first_change_seq', 'change_seq', 'text'] as const),
];

/**
 * Seals records with their checksum. It covers what their numbers stand for, too: a flipped bit in the name of a namespace or
 * of an author would else move memories to other readers.
 */
export class RowChecksum {
  readonly #checksum: Checksum;
  readonly #interning: Interning;

  constructor(checksum: Checksum, interning: Interning) {
    this.#checksum = checksum;
    this.#interning = interning;
  }

  addChecksum(record: Omit<MemoryRow, 'checksum'>): MemoryRow {
    const checksum = this.#checksumOf(record);
    if (checksum === undefined) throw new Error(`Record ${record.id} has labels that stand for nothing.`);
    return { ...record, checksum };
  }

  isIntact(record: MemoryRow): boolean {
    // A field that is missing would pass for one that is null.
    return checked.every((field) => record[field] !== undefined) && record.checksum === this.#checksumOf(record);
  }

  /**
   * A record as it was written.
   *
   * @throws RECORD_DAMAGED where it does not match its checksum.
   */
  checkedRow(stored: StoredMemoryRow): MemoryRow {
    return this.checked(memoryRowOf(stored));
  }

  /** As `open`, of a record that was loaded unchecked. */
  checked(record: MemoryRow): MemoryRow {
    if (!this.isIntact(record)) throw damaged(record.id);
    return record;
  }

  #checksumOf(record: Omit<MemoryRow, 'checksum'>): string | undefined {
    const labels = this.#interning.describe(record);
    if (labels === undefined) return undefined;
    const values = checked.map((field) => record[field as keyof Omit<MemoryRow, 'checksum'>]);
    return this.#checksum.ofText(`${JSON.stringify(values)}${labels}`);
  }
}
