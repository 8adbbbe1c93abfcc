import { type Entry, firstEntries, payloadBytes } from '../core/entry';
import { EntryCache } from './entry-cache';
import type { EntryPlaces } from './entry-places';
import type { ScannedLog } from './log-scan';
import {
  alignedLength,
  bodyOf,
  entryAt,
  headerAt,
  headerBytes,
  isBodyIntact,
  type RecordHeader,
  writeRecord,
} from './record-codec';
import { createSegment, openSegment, type Segment, segmentHeaderBytes, segmentName, segmentNumber } from './segment';
import { damagedFile, isFull } from './storage-errors';
import type { StorageFolder } from './storage-files';

export interface SegmentLogOptions {
  readonly folder: StorageFolder;
  readonly segmentBytes: number;
  readonly cacheBytes: number;
  readonly randomBytes: (length: number) => Uint8Array;
}

/** A part of an append that goes into one segment. */
interface Portion {
  readonly number: number;
  readonly offset: number;
  readonly records: { readonly entry: Entry; readonly body: Uint8Array; readonly offset: number }[];
  end: number;
}

/** What was read of a segment, from a position on. */
interface Window {
  readonly position: number;
  readonly bytes: Buffer;
}

// How much is read at once from entries that are not in the cache.
const readBytes = 2 ** 18;

/** Opens all segments of a folder, in order. */
export function openSegments(folder: StorageFolder, segmentBytes: number): readonly Segment[] {
  const opened: Segment[] = [];
  try {
    for (const name of folder.names()) {
      const number = segmentNumber(name);
      if (number !== undefined) opened.push(openSegment(folder, number, segmentBytes));
    }
  } catch (error) {
    for (const { file } of opened) file.close();
    throw error;
  }
  return opened;
}

/**
 * The entries of a log in segment files. Entries are only ever added at the end: an append at an index that exists takes the place of the
 * entries from there on, whose records stay where they are. So no write touches what was confirmed.
 */
export class SegmentLog {
  readonly #options: SegmentLogOptions;
  readonly #segments: Map<number, Segment>;
  readonly #places: EntryPlaces;
  readonly #cache: EntryCache;
  readonly #unsynced = new Set<Segment>();
  /** The segments that other threads use, with what they do. A file must not be closed meanwhile. */
  readonly #inUse = new Map<Segment, Promise<unknown>>();
  #end: number;
  #lastRecord: number;
  #creating: Promise<void> | undefined;
  /** A write that found no room, on a file system where overwriting needs some. A part of it may be there. */
  #leftover: { readonly segment: Segment; readonly offset: number; readonly length: number } | undefined;
  /** The number of the last segment that was prepared. */
  #prepared = 0;

  constructor(options: SegmentLogOptions, segments: readonly Segment[], scanned: ScannedLog) {
    this.#options = options;
    this.#segments = new Map(segments.map((segment) => [segment.number, segment]));
    this.#places = scanned.places;
    this.#cache = new EntryCache(options.cacheBytes);
    this.#end = scanned.end;
    this.#lastRecord = scanned.lastRecord;
  }

  get places(): EntryPlaces {
    return this.#places;
  }

  /** The position behind the last record. */
  get end(): number {
    return this.#end;
  }

  /** The position of the last record; 0 if there was none. */
  get lastRecord(): number {
    return this.#lastRecord;
  }

  /** The longest data that an entry can have. */
  get maxBodyBytes(): number {
    return this.#options.segmentBytes - segmentHeaderBytes - alignedLength(headerBytes + 1);
  }

  /** Whether each entry fits in a segment. */
  canHold(entries: readonly Entry[]): boolean {
    return entries.every((entry) => bodyOf(entry).length <= this.maxBodyBytes);
  }

  /** Whether there is room for entries without another segment. */
  hasRoomFor(entries: readonly Entry[]): boolean {
    if (entries.length === 0) return true;
    return this.#leftover === undefined && this.#segments.has(this.#portions(entries).at(-1)?.number ?? 0);
  }

  /**
   * Creates the segments that entries need.
   *
   * @throws DISK_FULL, FILE_FAILED
   */
  async makeRoomFor(entries: readonly Entry[]): Promise<void> {
    await this.#eraseLeftover();
    while (!this.hasRoomFor(entries)) {
      // One that was begun in advance may fail; the next one then belongs to this call.
      if (this.#creating !== undefined) await this.#creating.catch(() => undefined);
      else await this.#create();
    }
  }

  /**
   * Creates the next segment if there is none, so that no append has to wait for it. Tries once for each segment: on a full disk the append that
   * needs it tries again.
   */
  async prepareNext(): Promise<void> {
    const number = this.#numberAt(this.#end) + 1;
    if (this.#creating !== undefined || this.#prepared >= number) return;
    this.#prepared = number;
    if (!this.#segments.has(number)) await this.#create();
  }

  /** Resolves when no other thread uses a file of the log. */
  async settled(): Promise<void> {
    await this.#creating?.catch(() => undefined);
    while (this.#inUse.size > 0) await Promise.all(this.#inUse.values());
  }

  /**
   * Writes entries at the end, without a sync. There must be room for them.
   *
   * @param durableEnd The position up to which the log is durable.
   */
  append(entries: readonly Entry[], durableEnd: number): void {
    for (const portion of this.#portions(entries)) this.#write(portion, durableEnd);
  }

  /** Syncs what was written since the last call. */
  async sync(): Promise<void> {
    const segments = [...this.#unsynced];
    this.#unsynced.clear();
    await Promise.all(segments.map((segment) => this.#syncSegment(segment)));
  }

  /** See `LogStorage.entries`. `low` must be an index of the log. */
  entries(low: number, high: number, maxBytes: number): readonly Entry[] {
    const cachedFrom = this.#cache.firstIndex ?? high;
    if (low >= cachedFrom) return firstEntries(this.#cache.slice(low, high), maxBytes);
    const read = this.#readEntries(low, Math.min(high, cachedFrom), maxBytes);
    const isWhole = read.length === Math.min(high, cachedFrom) - low;
    if (!isWhole || high <= cachedFrom) return firstEntries(read, maxBytes);
    return firstEntries([...read, ...this.#cache.slice(cachedFrom, high)], maxBytes);
  }

  /** The position of the first record that is needed when the entries up to an index are dropped, and that of the record before it. */
  startBehind(index: number): { readonly logStart: number; readonly logPrevious: number } {
    const position = this.#places.position(index + 1);
    if (position === undefined) return { logStart: this.#end, logPrevious: this.#lastRecord };
    const { previous } = this.#headerIn(this.#readWindow(position, headerBytes), index + 1, position);
    return { logStart: position, logPrevious: previous };
  }

  dropUpTo(index: number): void {
    this.#places.dropUpTo(index);
    this.#cache.dropUpTo(index);
  }

  /** Drops all entries. The next one has the index `firstIndex`. */
  clear(firstIndex: number): void {
    this.#places.clear(firstIndex);
    this.#cache.clear();
  }

  /** Removes the segments before a position. */
  removeBefore(position: number): void {
    const number = this.#numberAt(position);
    for (const segment of [...this.#segments.values()]) {
      if (segment.number >= number) continue;
      this.#segments.delete(segment.number);
      this.#unsynced.delete(segment);
      if (!this.#inUse.has(segment)) segment.file.close();
      this.#options.folder.remove(segmentName(segment.number));
    }
  }

  /**
   * Puts zeros in the place of purged records that share a segment with others. They hold what may be forgotten since then, and it could take long
   * until the segment is full. The hard state must not lead to them any more.
   */
  async eraseBefore(position: number): Promise<void> {
    const segment = this.#segments.get(this.#numberAt(position));
    const end = position % this.#options.segmentBytes;
    if (segment === undefined || end <= segmentHeaderBytes) return;
    await this.#using(segment, async () => {
      await segment.file.fill(segmentHeaderBytes, end);
      await segment.file.sync();
    });
  }

  close(): void {
    for (const { file } of this.#segments.values()) file.close();
    this.#segments.clear();
  }

  #numberAt(position: number): number {
    return Math.floor(position / this.#options.segmentBytes);
  }

  #syncSegment(segment: Segment): Promise<void> {
    return this.#using(segment, () => segment.file.sync());
  }

  async #using(segment: Segment, act: () => Promise<void>): Promise<void> {
    const acting = act();
    const uses = Promise.allSettled([this.#inUse.get(segment), acting]);
    this.#inUse.set(segment, uses);
    try {
      await acting;
    } finally {
      void uses.then(() => this.#release(segment, uses));
    }
  }

  #release(segment: Segment, uses: Promise<unknown>): void {
    if (this.#inUse.get(segment) !== uses) return;
    this.#inUse.delete(segment);
    // It was removed meanwhile.
    if (this.#segments.get(segment.number) !== segment) segment.file.close();
  }

  async #create(): Promise<void> {
    const { folder, segmentBytes, randomBytes } = this.#options;
    const number = Math.max(...this.#segments.keys()) + 1;
    this.#creating = createSegment(folder, number, segmentBytes, randomBytes).then((segment) => {
      this.#segments.set(number, segment);
    });
    try {
      await this.#creating;
    } finally {
      this.#creating = undefined;
    }
  }

  /** Divides entries among the segments. No record reaches the end of a segment, because that position is in the next one. */
  #portions(entries: readonly Entry[]): readonly Portion[] {
    const { segmentBytes } = this.#options;
    const [number, offset] = [this.#numberAt(this.#end), this.#end % segmentBytes];
    let portion: Portion = { number, offset, records: [], end: offset };
    const portions = [portion];
    for (const entry of entries) {
      const body = bodyOf(entry);
      const length = alignedLength(headerBytes + body.length);
      if (portion.end + length >= segmentBytes) {
        const next = portion.number + 1;
        portion = { number: next, offset: segmentHeaderBytes, records: [], end: segmentHeaderBytes };
        portions.push(portion);
      }
      portion.records.push({ entry, body, offset: portion.end });
      portion.end += length;
    }
    return portions;
  }

  #write({ number, offset, records, end }: Portion, durableEnd: number): void {
    if (records.length === 0) return;
    const { segmentBytes } = this.#options;
    const segment = this.#segments.get(number) as Segment;
    const bytes = Buffer.alloc(end - offset);
    let previous = this.#lastRecord;
    for (const record of records) {
      const place = { salt: segment.salt, offset: record.offset };
      writeRecord(bytes.subarray(record.offset - offset), record.entry, record.body, { durableEnd, previous }, place);
      previous = number * segmentBytes + record.offset;
    }
    this.#unsynced.add(segment);
    try {
      segment.file.write(bytes, offset);
    } catch (error) {
      // A part of the records may be there.
      if (isFull((error as Error).cause)) this.#leftover = { segment, offset, length: bytes.length };
      throw error;
    }
    for (const record of records) {
      const { entry } = record;
      this.#places.put(entry.index, entry.term, number * segmentBytes + record.offset);
      this.#cache.put(entry);
    }
    this.#lastRecord = previous;
    this.#end = number * segmentBytes + end;
  }

  /** Removes what is left of a write that found no room. Without it, its records could follow one that is written next. */
  async #eraseLeftover(): Promise<void> {
    if (this.#leftover === undefined) return;
    const { segment, offset, length } = this.#leftover;
    segment.file.write(Buffer.alloc(length), offset);
    // It must not reach the disk after the records that are written there next.
    await this.#syncSegment(segment);
    this.#leftover = undefined;
  }

  #readEntries(low: number, high: number, maxBytes: number): readonly Entry[] {
    const entries: Entry[] = [];
    let bytes = 0;
    let window: Window | undefined;
    for (let index = low; index < high && (bytes <= maxBytes || index === low); index++) {
      const position = this.#places.position(index) as number;
      if (!isInWindow(window, position, headerBytes)) window = this.#readWindow(position, readBytes);
      const { length } = this.#headerIn(window, index, position);
      if (!isInWindow(window, position, length)) window = this.#readWindow(position, Math.max(readBytes, length));
      const entry = this.#entryIn(window, index, position);
      entries.push(entry);
      bytes += payloadBytes(entry);
    }
    return entries;
  }

  #readWindow(position: number, length: number): Window {
    const { segmentBytes } = this.#options;
    const offset = position % segmentBytes;
    const bytes = Buffer.alloc(Math.min(length, segmentBytes - offset));
    return { position, bytes: bytes.subarray(0, this.#segmentAt(position).file.readInto(bytes, offset)) };
  }

  #headerIn(window: Window, index: number, position: number): RecordHeader {
    const { salt, file } = this.#segmentAt(position);
    const offset = position % this.#options.segmentBytes;
    const header = headerAt(window.bytes, position - window.position, { salt, offset });
    if (header?.index === index && header.term === this.#places.term(index)) return header;
    throw damagedFile(file.path, `the record of entry ${index}, at byte ${offset}, is not what was written`);
  }

  #entryIn(window: Window, index: number, position: number): Entry {
    const { salt, file } = this.#segmentAt(position);
    const offset = position % this.#options.segmentBytes;
    const at = position - window.position;
    const header = this.#headerIn(window, index, position);
    const entry = isBodyIntact(window.bytes, at, header, { salt, offset }) && entryAt(window.bytes, at, header);
    if (entry) return entry;
    throw damagedFile(file.path, `the entry ${index}, at byte ${offset}, is not what was written`);
  }

  #segmentAt(position: number): Segment {
    return this.#segments.get(this.#numberAt(position)) as Segment;
  }
}

function isInWindow(window: Window | undefined, position: number, length: number): window is Window {
  if (window === undefined || position < window.position) return false;
  return position + length <= window.position + window.bytes.length;
}
