import type { Labels } from '../access/authorise';
import type { Policy } from '../access/policy';
import type { Declared } from '../domain/declaration';
import type { ChangeType } from '../domain/memory';
import type { Namespace } from '../domain/namespace';
import type { Scoped } from '../domain/scope';
import type { EmbeddedTable } from './embedded';
import type { Interning } from './interning';
import type { Record } from './record';
import type { RecordQueries } from './record-queries';
import type { RecordSeal } from './record-seal';
import type { RowChange, RowLabels } from './row-change';
import type { Tables } from './schema';
import type { Writer } from './writer';

/** What the handlers of commands share inside one transaction. */
export interface ApplyContext {
  readonly policy: Policy;
  readonly interning: Interning;
  readonly records: RecordQueries;
  readonly writer: Writer;
  readonly seal: RecordSeal;
  readonly embedded: EmbeddedTable;
  /** Whether a declaration has, or ever had, that id. */
  isDeclared(id: string): boolean;
  /** Puts declarations in force and out of it. */
  changePolicy(added: readonly Declared[], ended: readonly Declared[], at: number): void;
  /** The latest line of the feed about a row: slow, for records that are damaged. */
  lastChange(row: number): Tables['changes'] | undefined;
  /** Idempotency keys, within one author. */
  findIdempotent(author: number, key: string): { digest: string; id: string; revision: number } | undefined;
  analyze(text: string): readonly string[];
  nextRow(): number;
  /** The number of a change. */
  nextEntry(): number;
  /** A number in the same order, of something that is no change. */
  nextNumber(): number;
  report(change: RowChange): void;
  /** The audit names a memory that the command was about, with the namespace that it is in. */
  touch(id: string, namespace: Namespace | undefined): void;
  /** A text was not what it was when its words were indexed: the words must be indexed anew, from all texts. */
  reportDamagedWords(): void;
}

export function labelsOf(
  { interning }: Pick<ApplyContext, 'interning'>,
  record: Pick<Record, 'scope' | 'owner' | 'author'>,
): Labels {
  const { namespace, accessTags } = interning.scope(record.scope);
  const author = interning.actor(record.author);
  return { namespace, accessTags, author, ...(record.owner === 0 ? {} : { privateTo: interning.actor(record.owner) }) };
}

/** What a scope looks at, of one record. */
export function scopedOf({ interning }: Pick<ApplyContext, 'interning'>, record: ScopedColumns): Scoped {
  const { party } = interning.actor(record.author);
  return {
    namespace: interning.scope(record.scope).namespace,
    tags: JSON.parse(record.tags),
    ...(record.user_id === null ? {} : { userId: record.user_id }),
    ...(record.session_id === null ? {} : { sessionId: record.session_id }),
    ...(party !== 'root' && party.kind === 'agent' ? { agentId: party.id } : {}),
  };
}

type ScopedColumns = Pick<Record, 'scope' | 'author' | 'tags' | 'user_id' | 'session_id'>;

export interface ChangeDetails {
  readonly type: ChangeType;
  readonly at: number;
  /** Number of the actor. */
  readonly by: number;
  readonly tokensBefore?: readonly string[];
  readonly tokens?: readonly string[];
  readonly reindex: boolean;
}

/** Gives the record its entry and its checksum, writes the line of the feed, and reports the change. */
export function stampChange(
  context: ApplyContext,
  record: Omit<Record, 'first_entry' | 'entry' | 'checksum'> & { readonly first_entry?: number },
  change: ChangeDetails,
): Record {
  const entry = context.nextEntry();
  const stamped = context.seal.seal({ ...record, first_entry: record.first_entry ?? entry, entry });
  const { row, id, revision, scope, owner } = stamped;
  const { type, at, by, tokensBefore, tokens, reindex } = change;
  context.writer.insertChange({ entry, row, revision, type, at, by, scope, owner });
  context.touch(id, context.interning.scope(scope).namespace);
  context.report({
    entry,
    row,
    id,
    type,
    reindex,
    ...(type === 'forgotten' ? {} : { labels: rowLabels({ ...stamped, parts: partsNow(context, stamped) }) }),
    ...(tokensBefore === undefined ? {} : { tokensBefore }),
    ...(tokens === undefined ? {} : { tokens }),
  });
  return stamped;
}

/** How many vectors a memory has in the store's space. */
function partsNow({ interning, embedded }: ApplyContext, { row, space, parts }: Record): number {
  const current = interning.currentSpace?.id;
  if (space === null || space === current) return parts;
  return embedded.ofRow(row).find((line) => line.space === current)?.parts ?? 0;
}

type LabelColumns = Pick<
  Record,
  'scope' | 'owner' | 'state' | 'parts' | 'length' | 'valid_from' | 'expires_at' | 'priority'
>;

export function rowLabels(record: LabelColumns): RowLabels {
  return {
    scope: record.scope,
    owner: record.owner,
    active: record.state === 'active',
    parts: record.parts,
    length: record.length,
    validFrom: record.valid_from,
    expiresAt: record.expires_at ?? Number.POSITIVE_INFINITY,
    priority: record.priority,
  };
}
