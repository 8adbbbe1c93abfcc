import { defaultCeiling, defaultChannelCeiling } from '../../access/policy';
import type { SourceChannel } from '../../domain/memory';
import { isRoot } from '../../domain/principal';
import type { TrustLevel } from '../../domain/trust';
import type { Contributors } from '../tables/contributors';
import type { Derivations } from '../tables/derivations';
import { countsAt, type Endorsements } from '../tables/endorsements';
import type { ReadonlyInterning } from '../tables/interning';
import type { MemoryRow } from '../tables/memory-row';
import type { CeilingLookup } from './ceiling-lookup';

export const untrusted: TrustLevel = 0;
const verified: TrustLevel = 3;

/** The columns on which the trust of a memory depends. */
export type TrustColumns = Pick<
  MemoryRow,
  'row' | 'revision' | 'state' | 'label_set' | 'author' | 'source_channel' | 'trust'
>;

/** What the trust of a memory depends on besides its columns. */
export interface TrustTables {
  readonly ceilings: Pick<CeilingLookup, 'ofActor' | 'ofChannel'>;
  readonly interning: Pick<ReadonlyInterning, 'actor' | 'actorCount' | 'labelSetCount'>;
  readonly derivations: Pick<Derivations, 'isEmpty' | 'ofRow'>;
  readonly contributors: Pick<Contributors, 'ofRow'>;
  readonly endorsements: Pick<Endorsements, 'ofRow'>;
  /** Reads a memory or its tombstone. */
  trustColumnsOf(row: number): TrustColumns | undefined;
}

/**
 * The trust of a memory now: the lowest of its stored trust, of the ceilings that its author, every contributor and its channel have at
 * this moment, and of the trust of everything that it was made from. An endorsement stands in the place of the stored trust and of these
 * ceilings, but never of what the memory was made from. The trust depends only on tables, so `apply` and reads get the same value. A
 * quarantined memory is untrusted.
 */
export function effectiveTrust(tables: TrustTables, record: TrustColumns): TrustLevel {
  let trust = ownTrust(tables, record);
  if (tables.derivations.isEmpty) return trust;
  // Several paths may lead to one source, and a new revision with a key can close a circle.
  const reached = new Set([record.row]);
  for (const row of reached) {
    if (trust === untrusted) return trust;
    for (const { source } of tables.derivations.ofRow(row)) {
      if (reached.has(source)) continue;
      reached.add(source);
      const columns = tables.trustColumnsOf(source);
      trust = lower(trust, columns === undefined ? untrusted : ownTrust(tables, columns));
    }
  }
  return trust;
}

/** The trust of a memory without regard to what it was made from. */
export function ownTrust(tables: TrustTables, record: TrustColumns): TrustLevel {
  const { ceilings, interning, contributors, endorsements } = tables;
  if (record.state === 'quarantined') return untrusted;
  const stored = storedTrust(interning, record);
  // A damaged record may have any number. It is reported when it is read.
  if (!isNumbered(record, interning)) return stored;
  const { label_set, author, source_channel } = record;
  let trust = lower(lower(stored, ceilings.ofChannel(source_channel, label_set)), ceilings.ofActor(author, label_set));
  for (const actor of contributors.ofRow(record.row)) trust = lower(trust, ceilings.ofActor(actor, label_set));
  for (const each of endorsements.ofRow(record.row)) {
    if (countsAt(each, record)) trust = higher(trust, lower(each.trust, ceilings.ofActor(each.actor, label_set)));
  }
  return trust;
}

/** The stored trust of a memory. One of an earlier release has none: then what its author and channel would have without ceilings. */
export function storedTrust(
  interning: TrustTables['interning'],
  { trust, author, source_channel }: Pick<TrustColumns, 'trust' | 'author' | 'source_channel'>,
): TrustLevel {
  if (trust !== null) return isLevel(trust) ? trust : verified;
  const isByRoot = author >= 1 && author <= interning.actorCount && isRoot(interning.actor(author));
  return lower(isByRoot ? verified : defaultCeiling, defaultChannelCeiling(source_channel as SourceChannel));
}

export function lower(a: TrustLevel, b: TrustLevel): TrustLevel {
  return a < b ? a : b;
}

export function higher(a: TrustLevel, b: TrustLevel): TrustLevel {
  return a > b ? a : b;
}

function isLevel(value: unknown): value is TrustLevel {
  return value === 0 || value === 1 || value === 2 || value === 3;
}

function isNumbered({ author, label_set }: TrustColumns, { actorCount, labelSetCount }: TrustTables['interning']) {
  return isUpTo(author, actorCount) && isUpTo(label_set, labelSetCount);
}

function isUpTo(value: unknown, last: number): boolean {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= last;
}
