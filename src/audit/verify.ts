import type { StoredEntry, StoredSegment } from './chain';
import { type ChainEntry, type ChainHead, decodeEntry } from './chain-entry';
import { entryHash, Frontier, noHash, segmentLength } from './merkle';

/** Where the entries of a chain come from. */
export interface ChainSource {
  /** In order, from the first. */
  segments(): readonly StoredSegment[];
  /** Entries after a number, in order. */
  after(seq: number, limit: number): readonly StoredEntry[];
}

/** The chain was restored from a backup that had this head. */
export interface AuditEpoch {
  /** The number of the entry that says so. */
  seq: number;
  size: number;
  /** Base64. */
  root: string;
}

/** Something that is wrong by itself, whatever the heads say. */
export interface ChainFault {
  /** The first place where it shows: what is wrong may have begun before it, unless a head vouches for what lies before. */
  readonly seq: number;
  readonly part: 'entry' | 'segment' | 'end';
  readonly message: string;
}

/** What a walk over a chain has computed anew. */
export interface Walked {
  readonly size: number;
  /** The number before the first entry that is there, and up to which one a 'retain' entry says that they were dropped. */
  readonly start: number;
  readonly droppedUpTo: number;
  /** In which life the entry before the first one that is there was written. */
  readonly firstLife: number;
  /** The first. */
  readonly fault: ChainFault | undefined;
  readonly epochs: readonly AuditEpoch[];
  /** At each size that was asked for, where it can be known. */
  readonly roots: ReadonlyMap<number, Uint8Array>;
}

export interface WalkOptions {
  /** The sizes whose roots are wanted. */
  readonly sizes: ReadonlySet<number>;
  /** Awaited between parts: a later turn of the event loop. Throws where the walk should end. */
  betweenParts(done: number): Promise<void>;
}

const entriesPerPart = 512;

/** Computes a chain anew from its bodies, and compares it with its stored hashes and segments. */
export async function walkChain(source: ChainSource, { sizes, betweenParts }: WalkOptions): Promise<Walked> {
  const steps = new Steps(source.segments(), sizes);
  let last = 0;
  for (;;) {
    const part = source.after(last, entriesPerPart);
    for (const stored of part) steps.take(stored);
    last = part.at(-1)?.seq ?? last;
    await betweenParts(last);
    if (part.length < entriesPerPart) return steps.end();
  }
}

class Steps {
  readonly #segments: readonly StoredSegment[];
  readonly #sizes: ReadonlySet<number>;
  readonly #roots = new Map<number, Uint8Array>();
  readonly #epochs: AuditEpoch[] = [];
  // Undefined once the hash of an entry cannot be known: no root beyond it can.
  #frontier: Frontier | undefined = new Frontier();
  #start: number | undefined;
  #size = 0;
  // The hash of the last entry; of one with a fault, those that it may have had when it was written.
  #last: readonly Uint8Array[] = [noHash];
  #droppedUpTo = 0;
  #firstLife = 0;
  #fault: ChainFault | undefined;

  constructor(segments: readonly StoredSegment[], sizes: ReadonlySet<number>) {
    this.#segments = segments;
    this.#sizes = sizes;
    this.#note();
  }

  take(stored: StoredEntry): void {
    const { seq, body } = stored;
    const entry = decodeEntry(body.toString());
    if (this.#start === undefined) {
      this.#begin(seq - 1);
      this.#firstLife = (entry?.life ?? 0) - (entry?.action === 'epoch' ? 1 : 0);
    }
    if (entry?.action === 'retain' && entry.head !== null) {
      this.#droppedUpTo = Math.max(this.#droppedUpTo, entry.head.size);
    }
    if (seq !== this.#size + 1) {
      this.#find(this.#size + 1, `Entry ${this.#size + 1} is missing.`);
      this.#settle(this.#last.length === 1 ? this.#last[0] : undefined);
      this.#frontier = undefined;
      this.#last = [];
    }
    this.#follow(stored);
    if (entry === undefined) this.#find(seq, `Entry ${seq} cannot be read.`);
    else if (entry.seq !== seq) this.#find(seq, `Entry ${seq} was entry ${entry.seq}.`);
    else if (entry.action === 'epoch') this.#takeEpoch(entry);
    this.#size = seq;
  }

  end(): Walked {
    if (this.#start === undefined) this.#begin(this.#segments.length * segmentLength);
    this.#settle(this.#last[0]);
    const size = this.#size;
    if (this.#segments.some(({ segment }) => (segment + 1) * segmentLength > size)) {
      this.#find(size + 1, `Entries after ${size} are missing: the root of a segment of them is still there.`, 'end');
    }
    return {
      ...{ size, start: this.#start ?? 0, droppedUpTo: this.#droppedUpTo, firstLife: this.#firstLife },
      ...{ fault: this.#fault, epochs: this.#epochs, roots: this.#roots },
    };
  }

  /** Takes what was dropped by the roots that stayed. */
  #begin(start: number): void {
    this.#start = start;
    this.#size = start;
    const dropped = this.#segments.filter(({ segment }) => (segment + 1) * segmentLength <= start);
    const isWhole = dropped.length * segmentLength === start && dropped.every(({ segment }, i) => segment === i);
    if (!isWhole || !dropped.every(({ root, hash }) => Buffer.isBuffer(root) && Buffer.isBuffer(hash))) {
      this.#find(start, `Entries up to ${start} are missing, and roots of their segments too.`);
      this.#frontier = undefined;
      this.#last = [];
      return;
    }
    for (const { root } of dropped) {
      this.#frontier?.pushSegment(root);
      this.#note();
    }
    const last = dropped.at(-1)?.hash;
    if (last === undefined) return;
    // Its leaf is in the subtree already.
    this.#last = [last];
  }

  #follow({ seq, hash, body }: StoredEntry): void {
    // What follows from a hash shows which one it was.
    const previous = this.#last.find((each) => Buffer.isBuffer(hash) && entryHash(each, body).equals(hash));
    const isFirst = this.#size === this.#start;
    if (!isFirst) this.#settle(previous ?? (this.#last.length === 1 ? this.#last[0] : undefined));
    if (previous !== undefined) {
      this.#last = [hash];
      return;
    }
    this.#find(seq, `Entry ${seq} does not have the hash that follows from its body and the entry before it.`);
    const stored = Buffer.isBuffer(hash) ? [hash] : [];
    this.#last = [...stored, ...this.#last.map((each) => entryHash(each, body))];
  }

  /** The entry before had this hash, when it was written. */
  #settle(hash: Uint8Array | undefined): void {
    if (this.#size === (this.#start ?? 0)) return;
    if (hash === undefined) this.#frontier = undefined;
    this.#frontier?.push(hash as Uint8Array);
    this.#note();
    if (this.#size % segmentLength === 0 && hash !== undefined) this.#compareSegment(hash);
  }

  #takeEpoch({ seq, head }: ChainEntry): void {
    const isHere = head !== null && head.size === seq - 1 && this.#frontier?.root().equals(head.root) === true;
    if (head === null || (!isHere && this.#frontier !== undefined)) {
      this.#find(seq, `Entry ${seq} names an old head that this chain never had.`);
    } else this.#epochs.push({ seq, size: head.size, root: Buffer.from(head.root).toString('base64') });
  }

  #compareSegment(hash: Uint8Array): void {
    const end = this.#size;
    if (this.#frontier?.size !== end) return;
    const stored = this.#segments.find(({ segment }) => (segment + 1) * segmentLength === end);
    const isSame =
      stored !== undefined &&
      Buffer.isBuffer(stored.root) &&
      Buffer.isBuffer(stored.hash) &&
      stored.root.equals(this.#frontier.segmentRoot()) &&
      stored.hash.equals(hash);
    const message = `Entries ${end - segmentLength + 1} to ${end} do not have the root that is stored for them.`;
    if (!isSame) this.#find(end, message, 'segment');
  }

  #find(seq: number, message: string, part: ChainFault['part'] = 'entry'): void {
    this.#fault ??= { seq, part, message };
  }

  #note(): void {
    if (this.#frontier === undefined) return;
    const { size } = this.#frontier;
    if (this.#sizes.has(size)) this.#roots.set(size, this.#frontier.root());
  }
}

/** A root that the chain should have had at some size. */
export interface Anchor extends ChainHead {
  readonly life: number;
  /** 'given' by who verifies; 'signed', and stored beside the chain; 'stored' there without a signature that was checked. */
  readonly from: 'given' | 'signed' | 'stored';
}
