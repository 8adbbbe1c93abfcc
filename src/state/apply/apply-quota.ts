import { quotaExceeded } from '../../access/denials';
import type { Stamp } from '../../domain/command';
import { type Actor, isRoot, sameActor } from '../../domain/principal';
import { type QuotaKind, quotaOf } from '../../domain/quota';
import type { CountedLabels } from '../quota-usage';
import type { MemoryRow } from '../tables/memory-row';
import type { ApplyContext } from './apply-context';

/** What a command is about to write. */
interface Writing {
  readonly author: Actor;
  /** The labels of the memory before and after the command. `before` is absent for a new memory. */
  readonly before?: CountedLabels;
  readonly after: CountedLabels;
  /** The bytes of all revisions that the command makes. */
  readonly bytes: number;
}

/**
 * Checks that a write keeps within the quotas. It must be called before the first write of a command. A write that makes nothing larger
 * always passes, so that a principal can tidy up after its quota was lowered.
 *
 * A writer is bound by its own quota only. If the quota of an author bound others that change its memory, they could try which tags and
 * namespaces make it larger, and so learn which ones the author uses in memories that they may not read.
 *
 * @throws QUOTA_EXCEEDED
 */
export function assertWithinQuota(
  context: Pick<ApplyContext, 'interning' | 'countUsage'>,
  { by, quotas }: Pick<Stamp, 'by' | 'quotas'>,
  writing: Writing,
): void {
  if (quotas === undefined || isRoot(by)) return;
  const { interning } = context;
  const usage = context.countUsage();
  const { author, before, after, bytes } = writing;
  const quota = quotaOf(quotas, by);
  const writer = interning.findActor(by);
  const assertFits = (kind: Exclude<QuotaKind, 'watches'>, more: number) => {
    const limit = quota[kind];
    if (limit === undefined || more <= 0) return;
    const used = usage.used(writer, kind);
    if (used + more > limit) throw quotaExceeded({ kind, used, limit });
  };
  if (sameActor(author, by)) {
    const grown = usage.growth(writer, before, after);
    assertFits('memories', before === undefined ? 1 : 0);
    assertFits('namespaces', grown.namespaces);
    assertFits('tags', grown.tags);
  }
  assertFits('bytes', bytes);
}

/** The labels of a stored memory on which quotas depend. */
export function countedLabels({ interning }: ApplyContext, { label_set, tags }: MemoryRow): CountedLabels {
  return { namespaceId: interning.namespaceIdOf(label_set), tags: JSON.parse(tags) };
}
