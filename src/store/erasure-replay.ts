import type { ErasurePlan, ErasureSubject, ErasureTarget } from '../domain/erasure';
import { type Issue, invalidInput } from '../domain/errors';
import { type ErasureReceipt, isSealedBy, type UnsignedReceipt } from '../erasure/receipt';
import { findSubject, planErasure } from '../state/queries/erasure-plan';
import { storeIdOf } from './composition/open-files';
import {
  type ErasureDeps,
  type ErasureRunOptions,
  endErasure,
  eraseAll,
  joined,
  keepReceipt,
  pendingParts,
  physicalParts,
  receiptsIn,
  renewedReceipt,
  takeProbes,
} from './erasure-run';
import { inTurns } from './erasures';

/**
 * Erases again what a restored copy has brought back, according to receipts. What was written later stays. Erasures that this copy contains
 * change nothing.
 *
 * @param receipts Undefined if none were passed to `open`.
 * @throws INVALID_INPUT if a receipt is not one of this store, or was changed. Nothing was erased then.
 */
export async function replayErasures(
  engine: ErasureDeps,
  receipts: readonly ErasureReceipt[] | undefined,
  options: ErasureRunOptions,
): Promise<void> {
  if (receipts !== undefined) assertOwn(engine, receipts);
  warnOfMissing(engine, receipts);
  const inOrder = [...(receipts ?? [])].sort((a, b) => a.number - b.number || (a.issuedAt < b.issuedAt ? -1 : 1));
  await engine.erasing.run(async () => {
    const replayed: ReplayedErasure[] = [];
    for (const receipt of inOrder) replayed.push(...(await replay(engine, receipt, options)));
    if (replayed.length === 0) return;
    const parts = await physicalParts(engine, options);
    for (const each of replayed) await renewedReceipt(engine, { ...each, parts }, options);
  });
}

/** @throws INVALID_INPUT */
function assertOwn(engine: ErasureDeps, receipts: readonly ErasureReceipt[]): void {
  const store = storeIdOf(engine.storeKey);
  const issues = receipts.flatMap((receipt, i): Issue[] => {
    const path = ['erased', i];
    if (receipt.store !== store)
      return [{ path, message: 'expected a receipt of this store, got one of another store.' }];
    if (isSealedBy(receipt, engine.storeKey)) return [];
    return [{ path, message: 'expected a receipt as `erase` returned it, got one that was changed.' }];
  });
  if (issues.length > 0) throw invalidInput(issues, 'options');
}

/** Receipts are numbered, so that a lost one leaves a gap. Those after the last one cannot be known. */
function warnOfMissing(engine: ErasureDeps, receipts: readonly ErasureReceipt[] | undefined): void {
  const { logger } = engine.environment;
  const known = new Set([...receiptsIn(engine), ...(receipts ?? [])].map(({ number }) => number));
  const last = Math.max(0, ...known);
  const missing = Array.from({ length: last }, (_, i) => i + 1).filter((number) => !known.has(number));
  if (missing.length > 0) {
    const message =
      'Receipts of erasures are missing, so that this copy may contain what was erased. Pass all receipts to `open` as `erased`.';
    logger.warn(message, { missing });
  } else if (receipts === undefined) {
    const message =
      'This copy was restored and may contain what was erased after it was made. Pass the receipts to `open` as `erased`.';
    logger.warn(message, { erasures: last });
  }
}

interface ReplayedErasure {
  readonly receipt: UnsignedReceipt;
  readonly namesStay: string | undefined;
}

const cameBack = 'The subject came back after the receipt was made: its names belong to what was written later, too.';

/** @returns the erasure if something of it was left, to be settled */
async function replay(
  engine: ErasureDeps,
  receipt: ErasureReceipt,
  options: ErasureRunOptions,
): Promise<ReplayedErasure[]> {
  const { state } = engine;
  if (state.erasures.byId(receipt.id)?.finished !== undefined) return [];
  const wasReplayed = state.receipts.byErasure(receipt.id) !== undefined;
  const subject = subjectIn(receipt);
  const target = subject && (await inTurns(findSubject(state, engine.storeKey, subject), options.signal));
  const until = Date.parse(receipt.at);
  const keepAuthored = receipt.keepAuthored === true;
  const planned = (each: ErasureTarget, limit?: { until: number }) =>
    inTurns(planErasure(state, each, { keepAuthored, ...limit }), options.signal);
  const byId = await planned({ ids: receipt.ids });
  const plan = target === undefined ? byId : union(byId, await planned(target, { until }));
  const all = joined(receipt, { plan });
  const names =
    target === undefined
      ? []
      : 'userId' in target
        ? [target.userId]
        : 'namespace' in target
          ? target.namespace.slice(-1)
          : [];
  await takeProbes(engine, receipt.id, { plan, names }, options);
  if (!wasReplayed) await keepReceipt(engine, { ...all, parts: pendingParts(all) });
  const { reason } = receipt;
  const erased = await eraseAll(engine, { id: receipt.id, request: { subject, reason }, ids: all.ids }, options);
  // The names stay if the subject came back after the receipt was made: they belong to what was written later, too.
  const known = new Set(all.ids);
  const later = target === undefined ? [] : idsIn(await planned(target)).filter((id) => !known.has(id));
  if (later.length === 0) return [{ receipt: all, namesStay: await endErasure(engine, receipt.id) }];
  return wasReplayed && erased.length === 0 ? [] : [{ receipt: all, namesStay: cameBack }];
}

function subjectIn({ target, subject, depth = 0 }: ErasureReceipt): ErasureSubject | undefined {
  if (target === 'ids' || subject === undefined) return undefined;
  return { kind: target, hash: subject, depth };
}

function idsIn({ about, by, derived }: ErasurePlan): string[] {
  return [...about, ...by, ...derived];
}

function union(a: ErasurePlan, b: ErasurePlan): ErasurePlan {
  const known = new Set(idsIn(a));
  const added = (ids: readonly string[]) => ids.filter((id) => !known.has(id));
  return {
    about: [...a.about, ...added(b.about)],
    by: [...a.by, ...added(b.by)],
    derived: [...a.derived, ...added(b.derived)],
    held: [...new Set([...a.held, ...b.held])],
    mentions: [],
    related: [],
  };
}
