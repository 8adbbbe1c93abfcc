import type { MemoryRow } from '../state/tables/memory-row';
import { parseMetadataAhead } from '../state/tables/memory-row';
import type { ReadContext } from './read-context';

/** Stands for a record that is left for a later turn of the event loop. */
export const inLaterTurn = Symbol('in a later turn');

// Reading, decoding and checking this much takes about 20 milliseconds.
const bytesPerTurn = 2 * 2 ** 20;

/**
 * Loads the records of one answer over several turns of the event loop, so that a large answer does not block other work. Each turn
 * evaluates the read again, in its own snapshot, and finds the records of earlier turns here; a record that has changed since is
 * loaded again. So the last turn alone decides what the answer contains, and everything in it is of one moment.
 */
export class RecordLoader {
  readonly #state: ReadContext['state'];
  readonly #loaded = new Map<number, MemoryRow>();
  #bytesInTurn = 0;

  constructor({ state }: ReadContext) {
    this.#state = state;
  }

  /** Begins a turn, which loads as many records as fit into it, and at least one. */
  beginTurn(): void {
    this.#bytesInTurn = 0;
  }

  /**
   * The record of a row; undefined if the memory was forgotten.
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

/** What a memory adds to the size of an answer, roughly: its text and metadata, each UTF-16 code unit as a byte, and its other fields. */
export function answerBytesOf({ text, metadata, tags }: Pick<MemoryRow, 'text' | 'metadata' | 'tags'>): number {
  return text.length + metadata.length + tags.length + otherFieldBytes;
}

const otherFieldBytes = 500;
