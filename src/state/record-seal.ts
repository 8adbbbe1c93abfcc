import type { Checksum } from './checksum';
import type { Interning } from './interning';
import { damaged, type Record, recordOf, type StoredRecord } from './record';

const checked: readonly (keyof Record)[] = [
  ...(['row', 'id', 'revision', 'state', 'scope', 'owner', 'author', 'kind', 'user_id', 'session_id', 'key'] as const),
  ...(['priority', 'tags', 'metadata', 'source_channel', 'source_ref', 'created_at', 'updated_at'] as const),
  ...(['valid_from', 'valid_to', 'expires_at', 'supersedes', 'superseded_by', 'space', 'parts', 'length'] as const),
  ...(['first_entry', 'entry', 'text'] as const),
];

/**
 * Seals records with their checksum. It covers what their numbers stand for, too: a flipped bit in the name of a namespace or
 * of an author would else move memories to other readers.
 */
export class RecordSeal {
  readonly #checksum: Checksum;
  readonly #interning: Interning;

  constructor(checksum: Checksum, interning: Interning) {
    this.#checksum = checksum;
    this.#interning = interning;
  }

  seal(record: Omit<Record, 'checksum'>): Record {
    const checksum = this.#checksumOf(record);
    if (checksum === undefined) throw new Error(`Record ${record.id} has labels that stand for nothing.`);
    return { ...record, checksum };
  }

  isIntact(record: Record): boolean {
    // A field that is missing would pass for one that is null.
    return checked.every((field) => record[field] !== undefined) && record.checksum === this.#checksumOf(record);
  }

  /**
   * A record as it was written.
   *
   * @throws RECORD_DAMAGED where it does not match its checksum.
   */
  open(stored: StoredRecord): Record {
    return this.opened(recordOf(stored));
  }

  /** As `open`, of a record that was loaded unchecked. */
  opened(record: Record): Record {
    if (!this.isIntact(record)) throw damaged(record.id);
    return record;
  }

  #checksumOf(record: Omit<Record, 'checksum'>): string | undefined {
    const labels = this.#interning.describe(record);
    if (labels === undefined) return undefined;
    const values = checked.map((field) => record[field as keyof Omit<Record, 'checksum'>]);
    return this.#checksum.ofText(`${JSON.stringify(values)}${labels}`);
  }
}
