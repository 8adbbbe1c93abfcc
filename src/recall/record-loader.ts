import type { MemoryRow } from '../state/tables/memory-row';
import { parseMetadataAhead } from '../state/tables/memory-row';
import type { ReadContext } from './read-context';

/** Returned in place of a record that will be loaded in a later turn of the event loop. */
export const inLaterTurn = Symbol('in a later turn');

// Reading, decoding and checking this much takes about 20 milliseconds.
const bytesPerTurn = 2 * 2 ** 20;

/**
 * Loads the records for one answer in several turns of the event loop, so that a large answer does not block other work. Each turn
 * evaluates the whole read again in its own snapshot. The loader keeps records from earlier turns, and loads a record again if it has
 * changed since. Therefore only the last turn determines the answer, and everything in the answer belongs to one moment.
 */
export class RecordLoader {
  readonly #state: ReadContext['state'];
  readonly #loaded = new Map<number, MemoryRow>();
  #bytesInTurn = 0;

  constructor({ state }: ReadContext) {
    this.#state = state;
  }

  /** Begins a turn. It loads as many records as it has time for, and at least one. */
  beginTurn(): void {
    this.#bytesInTurn = 0;
  }

  /**
   * Returns the record of a row. Undefined if the memory was forgotten.
   *
   * @throws RECORD_DAMAGED
   */
  get(row: number): MemoryRow | undefined | typeof inLaterTurn {
    const { records } = this.#state;
    const loaded = this.#loaded.get(row);
    if (loaded !== undefined && records.placeOf(row)?.change_seq === loaded.change_seq) return loaded;
    if (this.#bytesInTurn >= bytesPerTurn) return inLaterTurn;
    const record = records.byRow(row);
    if (record === undefined) return undefined;
    parseMetadataAhead(record);
    this.#loaded.set(row, record);
    this.#bytesInTurn += answerBytesOf(record);
    return record;
  }
}

/** Estimates how many bytes a memory adds to an answer: one for each UTF-16 code unit of text, metadata and tags, and its other fields. */
export function answerBytesOf({ text, metadata, tags }: Pick<MemoryRow, 'text' | 'metadata' | 'tags'>): number {
  return text.length + metadata.length + tags.length + otherFieldBytes;
}

const otherFieldBytes = 500;
