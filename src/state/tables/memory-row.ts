import type { MemoryLabels } from '../../access/authorise';
import type { Content } from '../../domain/command';
import { MemoryError } from '../../domain/errors';
import type { Json, Metadata } from '../../domain/json';
import type { Memory, MemoryKind, MemorySource } from '../../domain/memory';
import { wellFormedCopy } from '../../domain/parse/shapes';
import { principalOf } from '../../domain/principal';
import type { ScopedFields } from '../../domain/scope';
import { type TrustLevel, trustOfLevel } from '../../domain/trust';
import type { Checksum } from './checksum';
import type { ReadonlyInterning } from './interning';
import type { MemoriesTable } from './schema';

/** A row from `memories` with its text. It holds everything that is stored about a memory except its vectors. */
export type MemoryRow = MemoriesTable & { text: string };
/** The same row as SQLite holds it. The text is null for a forgotten memory. */
export type StoredMemoryRow = MemoriesTable & { text: string | Buffer | null };

/** Converts a text to its stored form. UTF-8 cannot encode a lone surrogate, so a text that contains one is stored as UTF-16. */
export function storedText(text: string): string | Buffer {
  return text.isWellFormed() ? text : Buffer.from(text, 'utf16le');
}

/**
 * Decodes a stored text. A forgotten memory has none. The text of a damaged record may have any type, and is then read as empty, so that
 * its checksum does not match: an error would stop reads of other records too.
 */
export function textOf(stored: string | Buffer | null): string {
  if (typeof stored === 'string') return stored;
  return Buffer.isBuffer(stored) ? stored.toString('utf16le') : '';
}

/** The columns of `memories` in the order of a `RecordList`. */
export const recordColumns = [
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
  'priority',
  'tags',
  'metadata',
  'source_channel',
  'source_ref',
  'created_at',
  'updated_at',
  'valid_from',
  'valid_to',
  'expires_at',
  'supersedes',
  'superseded_by',
  'space',
  'chunks',
  'length',
  'first_change_seq',
  'change_seq',
  'checksum',
  'trust',
  'pinned',
] as const;

/**
 * A stored row as a list of its values: those of `recordColumns`, then its text. SQLite's driver makes a list of so many columns in two thirds
 * of the time of an object.
 */
export type RecordList = readonly [...ValuesOf<typeof recordColumns>, text: StoredMemoryRow['text']];

type ValuesOf<Columns extends readonly (keyof MemoriesTable)[]> = {
  -readonly [I in keyof Columns]: MemoriesTable[Columns[I]];
};

export function storedRowOf(list: RecordList): StoredMemoryRow {
  return {
    row: list[0],
    id: list[1],
    revision: list[2],
    state: list[3],
    label_set: list[4],
    owner: list[5],
    author: list[6],
    kind: list[7],
    user_id: list[8],
    session_id: list[9],
    key: list[10],
    priority: list[11],
    tags: list[12],
    metadata: list[13],
    source_channel: list[14],
    source_ref: list[15],
    created_at: list[16],
    updated_at: list[17],
    valid_from: list[18],
    valid_to: list[19],
    expires_at: list[20],
    supersedes: list[21],
    superseded_by: list[22],
    space: list[23],
    chunks: list[24],
    length: list[25],
    first_change_seq: list[26],
    change_seq: list[27],
    checksum: list[28],
    trust: list[29],
    pinned: list[30],
    text: list[31],
  };
}

/** Checks whether two rows have the same values, whatever their checksums. */
export function isSameRow(a: MemoryRow, b: MemoryRow): boolean {
  return a.text === b.text && recordColumns.every((column) => column === 'checksum' || a[column] === b[column]);
}

/** Decodes the text of a stored row. Does not check its checksum. */
export function memoryRowOf(stored: StoredMemoryRow): MemoryRow {
  return { ...stored, text: textOf(stored.text) };
}

/** Makes the RECORD_DAMAGED error for a memory that does not match its checksum. */
export function damaged(id: string, cause?: unknown): MemoryError {
  const message = `Memory ${id} is damaged: its record does not match its checksum. Restore it from a backup, or forget it; verify() lists all damaged records.`;
  return new MemoryError('RECORD_DAMAGED', message, { cause });
}

const parsedAhead = new WeakMap<MemoryRow, Metadata>();

/** Parses the metadata of a row before `memoryOf` converts it, for a row that is converted once. */
export function parseMetadataAhead(record: MemoryRow): void {
  parsedAhead.set(record, parseStoredJson(record.metadata) as Metadata);
}

/** Converts a row to the form that users of the library get. `trust` is its effective trust. */
export function memoryOf(record: MemoryRow, interning: ReadonlyInterning, trust: TrustLevel): Memory {
  const { namespace, accessTags } = interning.labelSet(record.label_set);
  const author = principalOf(interning.actor(record.author));
  const source: MemorySource = { channel: record.source_channel as MemorySource['channel'] };
  if (record.source_ref !== null) source.ref = record.source_ref;
  const writer = {
    ...('agentId' in author ? { agentId: author.agentId } : {}),
    ...(author.onBehalfOf === undefined ? {} : { onBehalfOf: author.onBehalfOf.userId }),
  };
  return {
    id: record.id,
    revision: record.revision,
    state: record.state as Memory['state'],
    namespace: [...namespace],
    visibility: record.owner === 0 ? 'shared' : 'private',
    accessTags: [...accessTags],
    ...(record.key === null ? {} : { key: record.key }),
    // Earlier releases stored halves of surrogate pairs unchanged.
    text: record.text.toWellFormed(),
    kind: record.kind as MemoryKind,
    ...writer,
    ...(record.user_id === null ? {} : { userId: record.user_id }),
    ...(record.session_id === null ? {} : { sessionId: record.session_id }),
    tags: JSON.parse(record.tags),
    priority: record.priority,
    ...(record.pinned === null ? {} : { pinned: true }),
    metadata: parsedAhead.get(record) ?? (parseStoredJson(record.metadata) as Metadata),
    source,
    origin: { ...writer, ...source },
    trust: trustOfLevel(trust),
    createdAt: new Date(record.created_at),
    updatedAt: new Date(record.updated_at),
    validFrom: new Date(record.valid_from),
    ...(record.valid_to === null ? {} : { validTo: new Date(record.valid_to) }),
    ...(record.expires_at === null ? {} : { expiresAt: new Date(record.expires_at) }),
    ...(record.supersedes === null ? {} : { supersedes: record.supersedes }),
    ...(record.superseded_by === null ? {} : { supersededBy: record.superseded_by }),
  };
}

/** Converts the content of a memory to columns. */
export function contentColumns(content: Content) {
  return {
    kind: content.kind,
    tags: JSON.stringify(content.tags),
    priority: content.priority,
    pinned: content.pinned === true ? (1 as const) : null,
    metadata: JSON.stringify(content.metadata),
    valid_from: content.validFrom,
    valid_to: content.validTo ?? null,
    expires_at: content.expiresAt ?? null,
    text: content.text,
  };
}

/** Reads the labels from a row. Access to its memory depends on them. */
export function memoryLabelsOf(
  { interning }: { readonly interning: ReadonlyInterning },
  { label_set, owner, author }: Pick<MemoryRow, 'label_set' | 'owner' | 'author'>,
): MemoryLabels {
  const { namespace, accessTags } = interning.labelSet(label_set);
  const labels = { namespace, accessTags, author: interning.actor(author) };
  return owner === 0 ? labels : { ...labels, privateTo: interning.actor(owner) };
}

/** Reads from a row the fields that determine whether the memory is inside a scope. */
export function scopedFieldsOfRow(
  { interning }: { readonly interning: ReadonlyInterning },
  row: Pick<MemoryRow, 'label_set' | 'author' | 'tags' | 'user_id' | 'session_id'>,
): ScopedFields {
  const { party } = interning.actor(row.author);
  return {
    namespace: interning.labelSet(row.label_set).namespace,
    tags: JSON.parse(row.tags),
    userId: row.user_id ?? undefined,
    sessionId: row.session_id ?? undefined,
    agentId: party !== 'root' && party.kind === 'agent' ? party.id : undefined,
  };
}

/** The columns of `memories` that the checksum covers. Every stored checksum depends on their order, so never change it. */
export const memoryColumns = [
  ...(['row', 'id', 'revision', 'state', 'label_set', 'owner', 'author', 'kind', 'user_id', 'session_id'] as const),
  ...(['key', 'priority', 'tags', 'metadata', 'source_channel', 'source_ref', 'created_at', 'updated_at'] as const),
  ...(['valid_from', 'valid_to', 'expires_at', 'supersedes', 'superseded_by', 'space', 'chunks', 'length'] as const),
  ...(['first_change_seq', 'change_seq'] as const),
];

/** Columns that the checksum covers only where they are not null, so that the checksums of rows from earlier releases stay right. */
export const laterColumns = ['trust', 'pinned'] as const;

const checkedFields: readonly (keyof MemoryRow)[] = [...memoryColumns, 'text'];
const neededFields: readonly (keyof MemoryRow)[] = [...checkedFields, ...laterColumns];

/** Marks a checksum that covers the aliases of names. Those of earlier releases cover the names themselves, and have no mark. */
const aliasMark = '@';

/**
 * Computes and checks the checksum of a row. The checksum also covers the aliases of the namespace, access tags and actors that the row's
 * numbers stand for, and a row is intact only if these names match their own checksums (`NameChecksum`). Otherwise a flipped bit in the
 * name of a namespace or an author would show memories to the wrong readers.
 */
export class RowChecksum {
  readonly #checksum: Checksum;
  readonly #interning: ReadonlyInterning;
  /** Called when a record does not match its checksum, before a caller decides what follows. It may throw. */
  onDamage: ((id: string) => void) | undefined;

  constructor(checksum: Checksum, interning: ReadonlyInterning) {
    this.#checksum = checksum;
    this.#interning = interning;
  }

  /** Adds the checksum to this record, and returns it. */
  addChecksum(record: Omit<MemoryRow, 'checksum'>): MemoryRow {
    const checksum = this.#checksumOf(record, true);
    if (checksum === undefined) throw new Error(`Record ${record.id} has a number that stands for nothing.`);
    return Object.assign(record, { checksum });
  }

  isIntact(record: MemoryRow): boolean {
    // In JSON a missing field would look like a field that is null, so missing fields are checked first.
    const isComplete = neededFields.every((field) => record[field] !== undefined);
    if (isComplete && this.#interning.areIntact(record) && record.checksum === this.#expected(record)) return true;
    this.onDamage?.(record.id);
    return false;
  }

  /**
   * Decodes a stored row and checks it.
   *
   * @throws RECORD_DAMAGED if it does not match its checksum
   */
  checkedRow(stored: StoredMemoryRow): MemoryRow {
    return this.checked(memoryRowOf(stored));
  }

  /**
   * Checks a row and returns it.
   *
   * @throws RECORD_DAMAGED if it does not match its checksum
   */
  checked(record: MemoryRow): MemoryRow {
    if (!this.isIntact(record)) throw damaged(record.id);
    return record;
  }

  #expected(record: MemoryRow): string | undefined {
    const { checksum } = record;
    return this.#checksumOf(record, typeof checksum === 'string' && checksum.startsWith(aliasMark));
  }

  #checksumOf(record: Omit<MemoryRow, 'checksum'>, hasAliases: boolean): string | undefined {
    const labels = hasAliases ? this.#interning.aliasesOf(record) : this.#interning.describe(record);
    if (labels === undefined) return undefined;
    const values: unknown[] = [];
    for (const field of checkedFields) values.push(record[field as keyof Omit<MemoryRow, 'checksum'>]);
    for (const column of laterColumns) if (record[column] !== null) values.push(column, record[column]);
    const checksum = this.#checksum.ofText(`${JSON.stringify(values)}${labels}`);
    return hasAliases ? aliasMark + checksum : checksum;
  }
}

/** Parses stored JSON. It replaces halves of surrogate pairs, because earlier releases stored them (as JSON escapes). */
export function parseStoredJson(json: string): Json {
  const value = JSON.parse(json) as Json;
  return json.includes('\\ud') ? wellFormedCopy(value) : value;
}
