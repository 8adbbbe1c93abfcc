import type { StoredEntry, StoredSegment } from './chain';
import { type ChainEntry, decodeEntry } from './chain-entry';
import { entryHash, Frontier, noHash, segmentLength } from './merkle';

/** The entries and segments of a chain. */
export interface ChainSource {
  /** Returns the complete segments, in ascending order. */
  segments(): readonly StoredSegment[];
  /** Returns the entries after a number, in ascending order. */
  after(seq: number, limit: number): readonly StoredEntry[];
}

/** Records that the store was restored from a backup. The chain in the backup had this size and this root. */
export interface AuditEpoch {
  /** The number of the entry that records the restore. */
  seq: number;
  size: number;
  /** In Base64. */
  root: string;
}

/** A contradiction between the entries of a chain. It can be found without a head. */
export interface Inconsistency {
  /** The number of the entry where the contradiction was found. Earlier entries may be bad too, unless a head covers them. */
  readonly seq: number;
  /** 'entry': an entry contradicts the one before it. 'segment': a stored root differs from the entries. 'end': entries are missing. */
  readonly kind: 'entry' | 'segment' | 'end';
  readonly message: string;
}

/** What `walkChain` computed from the entries of a chain. */
export interface ChainWalk {
  readonly size: number;
  /** The number of the last entry before the first one that still exists; 0 if entry 1 exists. */
  readonly start: number;
  /** The number of the last entry that retention dropped, as the 'retain' entries say. */
  readonly droppedUpTo: number;
  /** How often the store had been restored before the first entry that still exists was written. */
  readonly firstRestoreCount: number;
  /** The first inconsistency. */
  readonly inconsistency: Inconsistency | undefined;
  readonly epochs: readonly AuditEpoch[];
  /** The roots at the requested sizes. A root that cannot be computed is absent. */
  readonly roots: ReadonlyMap<number, Uint8Array>;
}

export interface WalkOptions {
  /** The sizes at which roots are needed. */
  readonly sizes: ReadonlySet<number>;
  /** Called between batches with the number of the last entry. Waits for a later turn of the event loop; rejects to end the walk. */
  betweenBatches(done: number): Promise<void>;
}

const entriesPerBatch = 512;

/** Computes the hashes and roots of a chain from the bodies of its entries, and compares them with the stored ones. */
export async function walkChain(source: ChainSource, { sizes, betweenBatches }: WalkOptions): Promise<ChainWalk> {
  const walker = new ChainWalker(source.segments(), sizes);
  let last = 0;
  for (;;) {
    const batch = source.after(last, entriesPerBatch);
    for (const stored of batch) walker.take(stored);
    last = batch.at(-1)?.seq ?? last;
    await betweenBatches(last);
    if (batch.length < entriesPerBatch) return walker.end();
  }
}

class ChainWalker {
  readonly #segments: readonly StoredSegment[];
  readonly #sizes: ReadonlySet<number>;
  readonly #roots = new Map<number, Uint8Array>();
  readonly #epochs: AuditEpoch[] = [];
  // Undefined once the hash of an entry is unknown: all later roots are unknown too.
  #frontier: Frontier | undefined = new Frontier();
  #start: number | undefined;
  #size = 0;
  // The hash of the last entry. If that entry is bad: every hash that it may have had when it was written.
  #lastHashes: readonly Uint8Array[] = [noHash];
  #droppedUpTo = 0;
  #firstRestoreCount = 0;
  #inconsistency: Inconsistency | undefined;

  constructor(segments: readonly StoredSegment[], sizes: ReadonlySet<number>) {
    this.#segments = segments;
    this.#sizes = sizes;
    this.#keepRoot();
  }

  take(stored: StoredEntry): void {
    const { seq, body } = stored;
    const entry = decodeEntry(body.toString());
    if (this.#start === undefined) {
      this.#begin(seq - 1);
      this.#firstRestoreCount = (entry?.restoreCount ?? 0) - (entry?.action === 'epoch' ? 1 : 0);
    }
    if (entry?.action === 'retain' && entry.head !== null) {
      this.#droppedUpTo = Math.max(this.#droppedUpTo, entry.head.size);
    }
    if (seq !== this.#size + 1) {
      this.#report(this.#size + 1, `Entry ${this.#size + 1} is missing.`);
      this.#addLeaf(this.#lastHashes.length === 1 ? this.#lastHashes[0] : undefined);
      this.#frontier = undefined;
      this.#lastHashes = [];
    }
    this.#checkHash(stored);
    if (entry === undefined) this.#report(seq, `Entry ${seq} is not a valid entry.`);
    else if (entry.seq !== seq) this.#report(seq, `Entry ${seq} was written as entry ${entry.seq}.`);
    else if (entry.action === 'epoch') this.#takeEpoch(entry);
    this.#size = seq;
  }

  end(): ChainWalk {
    if (this.#start === undefined) this.#begin(this.#segments.length * segmentLength);
    this.#addLeaf(this.#lastHashes[0]);
    const size = this.#size;
    if (this.#segments.some(({ segment }) => (segment + 1) * segmentLength > size)) {
      this.#report(
        size + 1,
        `Entries after ${size} are missing. They existed, because the root hash of their segment (1,024 entries) is stored.`,
        'end',
      );
    }
    return {
      size,
      start: this.#start ?? 0,
      droppedUpTo: this.#droppedUpTo,
      firstRestoreCount: this.#firstRestoreCount,
      inconsistency: this.#inconsistency,
      epochs: this.#epochs,
      roots: this.#roots,
    };
  }

  /** Starts the walk after the dropped entries, with the stored roots of their segments. */
  #begin(start: number): void {
    this.#start = start;
    this.#size = start;
    const dropped = this.#segments.filter(({ segment }) => (segment + 1) * segmentLength <= start);
    const isWhole = dropped.length * segmentLength === start && dropped.every(({ segment }, i) => segment === i);
    if (!isWhole || !dropped.every(({ root, hash }) => Buffer.isBuffer(root) && Buffer.isBuffer(hash))) {
      this.#report(start, `Entries up to ${start} are missing, and so are roots of their segments.`);
      this.#frontier = undefined;
      this.#lastHashes = [];
      return;
    }
    for (const { root } of dropped) {
      this.#frontier?.pushSegment(root);
      this.#keepRoot();
    }
    const lastHash = dropped.at(-1)?.hash;
    if (lastHash !== undefined) this.#lastHashes = [lastHash];
  }

  #checkHash({ seq, hash, body }: StoredEntry): void {
    // Looks for the hash that the entry before this one had when this one was written.
    const previous = this.#lastHashes.find((each) => Buffer.isBuffer(hash) && entryHash(each, body).equals(hash));
    const isFirst = this.#size === this.#start;
    if (!isFirst) this.#addLeaf(previous ?? (this.#lastHashes.length === 1 ? this.#lastHashes[0] : undefined));
    if (previous !== undefined) {
      this.#lastHashes = [hash];
      return;
    }
    this.#report(seq, `The hash of entry ${seq} does not match its body and the entry before it.`);
    const stored = Buffer.isBuffer(hash) ? [hash] : [];
    this.#lastHashes = [...stored, ...this.#lastHashes.map((each) => entryHash(each, body))];
  }

  /** Adds the last entry to the tree. Pass undefined if its hash is unknown. */
  #addLeaf(hash: Uint8Array | undefined): void {
    // Dropped entries are in the tree already.
    if (this.#size === (this.#start ?? 0)) return;
    if (hash === undefined) this.#frontier = undefined;
    this.#frontier?.push(hash as Uint8Array);
    this.#keepRoot();
    if (this.#size % segmentLength === 0 && hash !== undefined) this.#checkSegment(hash);
  }

  #takeEpoch({ seq, head }: ChainEntry): void {
    const hadHead = head !== null && head.size === seq - 1 && this.#frontier?.root().equals(head.root) === true;
    if (head === null || (!hadHead && this.#frontier !== undefined)) {
      this.#report(seq, `Entry ${seq} records a head that the chain never had.`);
    } else this.#epochs.push({ seq, size: head.size, root: Buffer.from(head.root).toString('base64') });
  }

  #checkSegment(hash: Uint8Array): void {
    const end = this.#size;
    if (this.#frontier?.size !== end) return;
    const stored = this.#segments.find(({ segment }) => (segment + 1) * segmentLength === end);
    const isSame =
      stored !== undefined &&
      Buffer.isBuffer(stored.root) &&
      Buffer.isBuffer(stored.hash) &&
      stored.root.equals(this.#frontier.segmentRoot()) &&
      stored.hash.equals(hash);
    const message = `Entries ${end - segmentLength + 1} to ${end} do not have the root that is stored for their segment.`;
    if (!isSame) this.#report(end, message, 'segment');
  }

  #report(seq: number, message: string, kind: Inconsistency['kind'] = 'entry'): void {
    this.#inconsistency ??= { seq, kind, message };
  }

  #keepRoot(): void {
    if (this.#frontier === undefined) return;
    const { size } = this.#frontier;
    if (this.#sizes.has(size)) this.#roots.set(size, this.#frontier.root());
  }
}
