import { crc32c } from '../../domain/crc32c';
import type { LogPlace } from '../core/entry';
import type { HardState } from '../core/messages';
import { damagedFile, newerFile } from './storage-errors';
import type { StorageFile, StorageFolder } from './storage-files';

/** What a node stores besides entries and snapshots. */
export interface StoredState extends HardState {
  /** The id of the node. Another one in `identity.json` means that the files belong to two nodes. */
  readonly node: number;
  /** See `NodeIdentity`. 0 until the first start. */
  readonly start: number;
  /** The place before the first entry. */
  readonly purged: LogPlace;
  /** The position of the first record, or where it will be. Everything before it is dropped. */
  readonly logStart: number;
  /** The position of the record before that one; 0 if there was none. */
  readonly logPrevious: number;
  /**
   * A position up to which the log was durable. It is not synced by itself, so it may be too low after a power cut. If the process was
   * killed or closed the storage it is exact, and everything before it must be in the log.
   */
  readonly durableEnd: number;
  /** The size of a segment of this log. */
  readonly segmentBytes: number;
}

/** What was found in the file, for `inspect`. */
export interface HardStateReport {
  readonly state: StoredState;
  /** How many of the four copies are damaged, or are what is left of a write that a power cut interrupted. */
  readonly damagedCopies: number;
}

export const hardStateName = 'hard-state';
const magic = 'mamstat1';
const slotBytes = 128;
const checkedBytes = 112;
// Each copy has a page of its own, so that no write of one touches a sector of another.
const copyDistance = 4096;
const copiesPerSlot = 2;
const slotCount = 2;

/**
 * The hard state in a file of its own. It has two slots that are written in turn, so that the state before is there until the new one is
 * durable, and each slot has two copies. A torn write leaves the other slot. Damage leaves the other copy: with one copy it could not be told
 * from a torn write, and the slot before has an older vote. If both copies of a slot are bad, the node halts.
 *
 * The file never grows, so a vote can be stored on a full disk, unless its file system needs room to overwrite a file.
 */
export class HardStateFile {
  readonly #file: StorageFile;
  #state: StoredState;
  #sequence: number;
  /** The slot that holds the last state that was synced. It is never written before another one is. */
  #durableSlot: number;
  /** The last sync, or one that runs, and the one after it. */
  #sync: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  #isSyncing = false;
  #isNoted = false;
  readonly #written = Buffer.alloc(copyDistance + slotBytes);

  private constructor(file: StorageFile, { state, sequence, slot }: FoundState) {
    this.#file = file;
    this.#state = state;
    this.#sequence = sequence;
    this.#durableSlot = slot;
  }

  /** Creates the file, whole or not at all. */
  static create(folder: StorageFolder, state: StoredState): void {
    const bytes = Buffer.alloc(copyDistance * slotCount * copiesPerSlot);
    for (let slot = 0; slot < slotCount; slot++)
      for (let copy = 0; copy < copiesPerSlot; copy++)
        bytes.set(encodeState(state, slot), copyDistance * (slot * copiesPerSlot + copy));
    folder.replaceNow(hardStateName, bytes);
  }

  /** Opens the file, repairs copies that are damaged, and stores a changed state. Holds the thread. */
  static open(folder: StorageFolder, change: (state: StoredState) => StoredState): HardStateFile {
    const file = folder.openFile(hardStateName);
    try {
      const found = foundState(file);
      const opened = new HardStateFile(file, found);
      opened.#state = change(found.state);
      // What was found may be in the cache of the system only, and the slots that the disk has are about to be written.
      file.syncNow();
      // First the slot that may be damaged, because the other one holds the state.
      for (let slot = 0; slot < slotCount; slot++) {
        opened.#write();
        file.syncNow();
        opened.#durableSlot = 1 - opened.#durableSlot;
      }
      return opened;
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /**
   * Reads the file and changes nothing.
   *
   * @throws RECORD_DAMAGED, STORE_NEWER, FILE_FAILED
   */
  static read(folder: StorageFolder): HardStateReport {
    const file = folder.openFile(hardStateName);
    try {
      const { state, damagedCopies } = foundState(file);
      return { state, damagedCopies };
    } finally {
      file.close();
    }
  }

  get path(): string {
    return this.#file.path;
  }

  get state(): StoredState {
    return this.#state;
  }

  /** Stores a state. It is durable when the promise resolves. Calls that arrive while a sync runs share the next one. */
  save(state: StoredState): Promise<void> {
    this.#state = state;
    if (!this.#isSyncing && this.#next === undefined) {
      this.#sync = this.#writeAndSync();
      return this.#sync;
    }
    this.#next ??= this.#sync.then(() => {
      this.#next = undefined;
      this.#sync = this.#writeAndSync();
      return this.#sync;
    });
    return this.#next;
  }

  /** Writes a state that need not be durable: its term, its vote and its place before the first entry must be those of the last `save`. */
  note(state: StoredState): void {
    this.#state = state;
    // The slot that is being synced must not change before its sync has ended: the write could tear it afterwards.
    if (this.#isSyncing) this.#isNoted = true;
    else this.#write();
  }

  /** Resolves when no sync runs. */
  async settled(): Promise<void> {
    while (this.#isSyncing || this.#next !== undefined) {
      const waiting = this.#next ?? this.#sync;
      await waiting.catch(() => undefined);
      if (waiting === this.#next) return;
    }
  }

  /** Closes the file. No sync may run. */
  close(): void {
    this.#file.close();
  }

  async #writeAndSync(): Promise<void> {
    this.#write();
    this.#isSyncing = true;
    try {
      await this.#file.sync();
      this.#durableSlot = 1 - this.#durableSlot;
    } finally {
      this.#isSyncing = false;
    }
    if (this.#isNoted && this.#next === undefined) this.#write();
    this.#isNoted = false;
  }

  /** Writes both copies of the slot that is not the last durable one. */
  #write(): void {
    const slot = 1 - this.#durableSlot;
    this.#sequence++;
    const encoded = encodeState(this.#state, this.#sequence);
    this.#written.set(encoded, 0);
    this.#written.set(encoded, copyDistance);
    this.#file.write(this.#written, slot * copiesPerSlot * copyDistance);
  }
}

interface FoundState extends HardStateReport {
  readonly sequence: number;
  readonly slot: number;
}

function foundState(file: StorageFile): FoundState {
  const bytes = file.readAll();
  const copies = Array.from({ length: slotCount * copiesPerSlot }, (_, at) => decodeState(bytes, at * copyDistance));
  if (copies.includes('newer')) throw newerFile(file.path);
  const intact = copies.flatMap((copy, at) => {
    return typeof copy === 'object' ? [{ ...copy, slot: Math.floor(at / copiesPerSlot) }] : [];
  });
  for (let slot = 0; slot < slotCount; slot++)
    if (!intact.some((copy) => copy.slot === slot))
      throw damagedFile(file.path, `both copies of slot ${slot + 1} are damaged, so the last vote may be lost`);
  const newest = intact.reduce((best, copy) => (copy.sequence > best.sequence ? copy : best));
  return { ...newest, damagedCopies: copies.length - intact.length };
}

function encodeState(state: StoredState, sequence: number): Buffer {
  const bytes = Buffer.alloc(slotBytes);
  bytes.write(magic, 'latin1');
  const { node, start, term, vote, commit, purged, logStart, logPrevious, durableEnd, segmentBytes } = state;
  const numbers = [sequence, node, start, term, vote, commit, purged.index, purged.term];
  numbers.push(logStart, logPrevious, durableEnd, segmentBytes);
  for (const [at, number] of numbers.entries()) bytes.writeDoubleLE(number, 8 + at * 8);
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, checkedBytes)), checkedBytes);
  return bytes;
}

function decodeState(
  bytes: Buffer,
  at: number,
): { readonly state: StoredState; readonly sequence: number } | 'newer' | undefined {
  const copy = bytes.subarray(at, at + slotBytes);
  if (copy.length < slotBytes || crc32c(copy.subarray(0, checkedBytes)) !== copy.readUInt32LE(checkedBytes))
    return undefined;
  if (copy.toString('latin1', 0, 8) !== magic) return 'newer';
  const number = (place: number) => copy.readDoubleLE(8 + place * 8);
  const state = {
    node: number(1),
    start: number(2),
    term: number(3),
    vote: number(4),
    commit: number(5),
    purged: { index: number(6), term: number(7) },
    logStart: number(8),
    logPrevious: number(9),
    durableEnd: number(10),
    segmentBytes: number(11),
  };
  return { state, sequence: number(0) };
}
