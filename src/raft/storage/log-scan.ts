import type { LogPlace } from '../core/entry';
import { EntryPlaces } from './entry-places';
import { alignedLength, entryAt, headerAt, isBodyIntact, type RecordHeader } from './record-codec';
import { type Segment, segmentHeaderBytes } from './segment';

/** What the hard state says about the log. */
export interface LogBounds {
  readonly purged: LogPlace;
  readonly logStart: number;
  readonly logPrevious: number;
  readonly durableEnd: number;
  readonly segmentBytes: number;
}

/** What is left of a write that a power cut or a kill interrupted. It was never confirmed, and is overwritten with zeros. */
export interface TornBytes {
  readonly segment: Segment;
  /** The offset in the segment. Everything from there on is 0 afterwards. */
  readonly from: number;
}

/** A log as it was found. */
export interface ScannedLog {
  readonly places: EntryPlaces;
  /** The position where the log ends. */
  readonly end: number;
  /** The position of the last record; 0 if there was none. */
  readonly lastRecord: number;
  readonly lastTerm: number;
  readonly torn: readonly TornBytes[];
  /** Whether there are purged records in the segment where the log begins. */
  readonly hasPurged: boolean;
  /** Why the log is damaged, and where. Undefined if it is not. */
  readonly damage: { readonly segment: Segment | undefined; readonly reason: string } | undefined;
}

/**
 * Reads a log from its start, and changes nothing.
 *
 * Each record names the one before it, so a record that is missing is noticed. What follows the last record of the chain is either torn or
 * damaged. It is damaged if the hard state says that it was durable, or if a record behind it was written after that place was durable. It
 * is torn if neither is so: then nobody was told that it is stored.
 */
export function scanLog(segments: readonly Segment[], bounds: LogBounds): ScannedLog {
  return new LogScan(segments, bounds).run();
}

interface FoundRecord {
  readonly offset: number;
  readonly header: RecordHeader;
}

class LogScan {
  readonly #segments: readonly Segment[];
  readonly #bounds: LogBounds;
  readonly #places: EntryPlaces;
  readonly #torn: TornBytes[] = [];
  #hasPurged = false;
  #end: number;
  #lastRecord: number;
  #lastTerm: number;
  /** Whether the chain is broken. Only torn records follow, or the log is damaged. */
  #isBroken = false;
  #damage: ScannedLog['damage'];

  constructor(segments: readonly Segment[], bounds: LogBounds) {
    this.#segments = segments;
    this.#bounds = bounds;
    this.#places = new EntryPlaces(bounds.purged.index + 1);
    this.#end = bounds.logStart;
    this.#lastRecord = bounds.logPrevious;
    this.#lastTerm = bounds.purged.term;
  }

  run(): ScannedLog {
    const { segmentBytes, logStart, durableEnd } = this.#bounds;
    const startNumber = Math.floor(logStart / segmentBytes);
    const bytes = Buffer.alloc(segmentBytes);
    let expected = startNumber;
    for (const segment of this.#segments) {
      if (segment.number < startNumber) continue;
      if (segment.number !== expected) break;
      expected++;
      segment.file.readInto(bytes, 0);
      const from = segment.number === startNumber ? logStart % segmentBytes : segmentHeaderBytes;
      this.#hasPurged ||= !isZero(bytes.subarray(0, from), segmentHeaderBytes);
      this.#scanSegment(segment, bytes, from);
      if (this.#damage !== undefined) break;
    }
    const last = this.#segments.at(-1);
    if (this.#damage === undefined && (expected === startNumber || (last?.number ?? 0) >= expected))
      this.#damage = { segment: undefined, reason: `the segment with the number ${expected} is missing` };
    else if (this.#damage === undefined && this.#end < durableEnd)
      this.#damaged('the records from there on are missing');
    return {
      places: this.#places,
      end: this.#end,
      lastRecord: this.#lastRecord,
      lastTerm: this.#lastTerm,
      torn: this.#torn,
      hasPurged: this.#hasPurged,
      damage: this.#damage,
    };
  }

  #scanSegment(segment: Segment, bytes: Buffer, from: number): void {
    let offset = from;
    let tornFrom: number | undefined;
    for (;;) {
      const found = nextRecord(segment, bytes, offset);
      // Without a record, everything up to the end of the segment must be 0; `found` cannot be in the place of other bytes, either.
      const isGap = found === undefined ? !isZero(bytes, offset) : found.offset !== offset;
      if (found === undefined) {
        if (isGap) tornFrom ??= offset;
        break;
      }
      if (!this.#isBroken && !isGap && found.header.previous === this.#lastRecord) this.#accept(segment, bytes, found);
      else {
        this.#isBroken = true;
        tornFrom ??= offset;
        if (found.header.durableEnd > this.#end) this.#damaged('records behind it are complete');
      }
      if (this.#damage !== undefined) return;
      offset = found.offset + alignedLength(found.header.length);
    }
    if (tornFrom !== undefined) this.#torn.push({ segment, from: tornFrom });
  }

  #accept(segment: Segment, bytes: Buffer, { offset, header }: FoundRecord): void {
    const { index, term, length } = header;
    const position = segment.number * this.#bounds.segmentBytes + offset;
    if (index > this.#places.lastIndex + 1 || term < 1 || entryAt(bytes, offset, header) === undefined) {
      this.#damaged(`the entry ${index} of term ${term} cannot follow the entry ${this.#places.lastIndex}`);
      return;
    }
    if (index >= this.#places.firstIndex) {
      this.#places.put(index, term, position);
      this.#lastTerm = term;
    }
    this.#lastRecord = position;
    this.#end = position + alignedLength(length);
  }

  #damaged(reason: string): void {
    const { segmentBytes } = this.#bounds;
    const number = Math.floor(this.#end / segmentBytes);
    const offset = this.#end % segmentBytes;
    const segment = this.#segments.find((each) => each.number === number);
    this.#damage = {
      segment,
      reason: `the record behind entry ${this.#places.lastIndex}, at byte ${offset}, is not complete, but ${reason}`,
    };
  }
}

/** The first intact record at or behind an offset. */
function nextRecord({ salt }: Segment, bytes: Buffer, from: number): FoundRecord | undefined {
  for (let offset = from; offset < bytes.length; offset += alignedLength(1)) {
    const header = headerAt(bytes, offset, { salt, offset });
    if (header !== undefined && isBodyIntact(bytes, offset, header, { salt, offset })) return { offset, header };
    if (offset === from && isZero(bytes, offset)) return undefined;
  }
  return undefined;
}

const zeros = Buffer.alloc(2 ** 16);

function isZero(bytes: Buffer, from: number): boolean {
  for (let at = from; at < bytes.length; at += zeros.length) {
    const part = bytes.subarray(at, at + zeros.length);
    if (!part.equals(zeros.subarray(0, part.length))) return false;
  }
  return true;
}
