import { defined } from '../domain/defined';
import { analyze } from '../keyword-index/analyzer';
import { type StoredContent, stringsIn } from '../state/queries/stored-content';

/** What of a memory a byte string was taken from. */
export type ProbedField = 'text' | 'word' | 'vector' | 'name' | 'metadata';

/** A byte string of which no file may contain a copy after an erasure. */
export interface Probe {
  readonly field: ProbedField;
  readonly bytes: Uint8Array;
  /** What the bytes encode. Absent for a piece of a vector. */
  readonly text?: string;
}

/** A shorter string is found by chance, or because another one contains it. */
const minBytes = 8;
const sliceBytes = 28;
const slicesPerText = 3;
const wordsPerText = 3;
const vectorSliceBytes = 24;
const namesPerMemory = 6;
const metadataPerMemory = 3;
/** More probes would slow the search down, because their beginnings would be everywhere. */
const maxProbes = 12_000;

/**
 * Collects byte strings of what will be erased: pieces of texts, words as the keyword index has them, pieces of vectors, and names, in UTF-8 and
 * UTF-16. They are kept in memory only. Of very many memories, only some are probed.
 */
export class Probes {
  readonly #byBytes = new Map<string, Probe>();
  /** The number of memories that are probed. */
  readonly #stride: number;
  #memories = 0;

  readonly basis: 'content' | 'partial';

  /**
   * @param memories The number of memories that will be added.
   * @param basis 'partial' if there were more, of which nothing is left to take probes from.
   */
  constructor(memories: number, basis: 'content' | 'partial' = 'content') {
    this.basis = basis;
    const perMemory = 24;
    this.#stride = Math.max(1, Math.ceil((memories * perMemory) / maxProbes));
  }

  get all(): readonly Probe[] {
    return [...this.#byBytes.values()];
  }

  get size(): number {
    return this.#byBytes.size;
  }

  /** Adds probes of a memory, or of each n-th one if there are very many. */
  addMemory({ texts, names, metadata, vectors }: StoredContent): void {
    if (this.#memories++ % this.#stride !== 0) return;
    // The first and the last revision. Those between them are stored in the same place.
    for (const text of new Set([texts[0], texts.at(-1)])) if (text !== undefined) this.#addText(text);
    for (const name of names.slice(0, namesPerMemory)) this.addName(name);
    for (const value of metadata.flatMap(stringsIn).filter(isLong).slice(0, metadataPerMemory))
      this.#addEncoded('metadata', cut(value));
    for (const vector of vectors.slice(0, 2)) this.#add('vector', sliceOfVector(vector));
  }

  /** Adds a name, such as that of the user. */
  addName(name: string): void {
    this.#addEncoded('name', name);
  }

  #addText(text: string): void {
    const slices = slicesOf(text);
    for (const slice of slices) this.#addEncoded('text', slice);
    for (const word of wordsOf(text)) this.#addEncoded('word', word, false);
  }

  #addEncoded(field: ProbedField, text: string, isWide = true): void {
    this.#add(field, Buffer.from(text), text);
    if (isWide) this.#add(field, Buffer.from(text, 'utf16le'), text);
  }

  #add(field: ProbedField, bytes: Uint8Array | undefined, text?: string): void {
    if (bytes === undefined || bytes.length < minBytes) return;
    const key = Buffer.from(bytes).toString('latin1');
    if (!this.#byBytes.has(key)) this.#byBytes.set(key, { field, bytes, ...defined({ text }) });
  }
}

function isLong(text: string): boolean {
  return Buffer.byteLength(text) >= minBytes;
}

/** Pieces of the beginning, the middle and the end of a text. */
function slicesOf(text: string): string[] {
  const last = text.length - sliceBytes;
  if (last <= 0) return [text.trim()];
  const starts = Array.from({ length: slicesPerText }, (_, i) => Math.floor((last * i) / (slicesPerText - 1)));
  return starts.map((start) => whole(text.slice(start, start + sliceBytes)).trim());
}

/** The text without halves of surrogate pairs at its ends, which no encoding would contain. */
function whole(text: string): string {
  return text.replace(/^[\udc00-\udfff]|[\ud800-\udbff]$/g, '');
}

function cut(text: string): string {
  return whole(text.slice(0, sliceBytes)).trim();
}

/**
 * Long words that the keyword index has as they are. Its pages share the beginnings of neighbouring words, so that the ends are searched
 * for, too.
 */
function wordsOf(text: string): string[] {
  const words = new Set<string>();
  for (const [word] of text.toLowerCase().matchAll(/[\p{L}\p{N}]{8,40}/gu)) {
    // In languages other than English, the stem of the word follows.
    if (analyze(word)[0] === word) words.add(word);
  }
  const longest = [...words].sort((a, b) => b.length - a.length).slice(0, wordsPerText);
  return longest.flatMap((word) => (word.length >= 12 ? [word, word.slice(3)] : [word]));
}

/** A piece of a vector that has no run of equal bytes. */
function sliceOfVector(vector: Uint8Array): Uint8Array | undefined {
  const start = Math.floor((vector.length - vectorSliceBytes) / 8) * 4;
  if (start < 0) return undefined;
  for (let at = start; at + vectorSliceBytes <= vector.length; at += 4) {
    const slice = Uint8Array.from(vector.subarray(at, at + vectorSliceBytes));
    if (new Set(slice).size >= vectorSliceBytes / 2) return slice;
  }
  return undefined;
}
