import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { decodeEntry } from '../audit/chain-entry';
import { type Checkpoint, headOfCheckpoint, isSignedBy, parseNote, publicKeyOf } from '../audit/checkpoint';
import { isProven } from '../audit/entry-proof';
import { invalidInput } from '../domain/errors';
import { addIssue, expected } from '../domain/parse/shapes';
import { isPlainObject } from '../domain/realms';
import { type ErasureReceipt, isComplete, isReceiptSignedBy } from './receipt';

/** What `verifyReceipt` needs besides the receipt. */
export interface VerifyReceiptOptions {
  /** The Ed25519 public key that belongs to the signing key of the store's audit, as a KeyObject or in PEM format. */
  publicKey: KeyObject | string;
  /**
   * A checkpoint of the chain 'changes' that was kept outside the store. If it has the size of that in the receipt, their roots must be
   * equal.
   */
  checkpoint?: Checkpoint;
}

/** The result of `verifyReceipt`. */
export interface ReceiptVerification {
  /** True if there is no problem: the store with this key has made the receipt, and the audit records the erasure of each memory in it. */
  ok: boolean;
  /** True if the receipt says that nothing is pending, withheld or found. */
  complete: boolean;
  /** True if the checkpoint that was given covers the same entries as that in the receipt, and is equal. */
  anchored: boolean;
  /** One sentence for each problem. */
  problems: string[];
}

const state = z.enum(['gone', 'pending', 'unsupported']);
const count = z.int().min(0);
const text = z.string();

/** Unknown fields are kept, because the signature covers them. */
const receiptShape = z.looseObject({
  format: z.literal(1),
  id: text,
  store: text,
  number: z.int().min(1),
  target: z.enum(['user', 'namespace', 'ids']),
  subject: text.optional(),
  depth: count.optional(),
  keepAuthored: z.literal(true).optional(),
  reason: text.optional(),
  at: z.iso.datetime(),
  issuedAt: z.iso.datetime(),
  counts: z.looseObject({ about: count, by: count, derived: count }),
  ids: z.array(text),
  withheld: z.array(z.looseObject({ id: text, reason: z.literal('legal-hold') })),
  mentions: z.array(text),
  parts: z
    .array(
      z.looseObject({
        part: z.enum(['memories', 'names', 'database', 'index', 'copies']),
        state,
        reason: text.optional(),
      }),
    )
    .min(1),
  scan: z
    .looseObject({
      files: count,
      bytes: count,
      probes: count,
      shared: count,
      basis: z.enum(['content', 'partial']),
      found: z.array(z.looseObject({ file: text, offset: count, field: text })),
    })
    .optional(),
  members: z.array(z.looseObject({ id: count, state: z.enum(['gone', 'pending']), reason: text.optional() })),
  audit: z
    .looseObject({
      checkpoint: text,
      entries: z.array(z.looseObject({ seq: z.int().min(1), body: text, previous: text, path: z.array(text) })),
    })
    .optional(),
  complete: z.boolean(),
  seal: text,
  signature: text.optional(),
});

/**
 * Reads a receipt, without a check of its signature. A field that is missing or has the wrong type is a problem, in one sentence. Values of
 * the receipt stand in no problem.
 */
export function readReceipt(value: unknown): { receipt: ErasureReceipt } | { problems: string[] } {
  if (!isPlainObject(value)) return { problems: ['It is no receipt: a receipt is an object.'] };
  const parsed = receiptShape.safeParse(value);
  if (parsed.success) return { receipt: value as unknown as ErasureReceipt };
  const paths = parsed.error.issues.map(({ path }) => path.join('.'));
  return { problems: [...new Set(paths)].map((path) => `The field ${path} is missing or no field of a receipt.`) };
}

/**
 * Checks a receipt of an erasure. It needs neither the store nor a network: only the receipt, and the public key that belongs to the signing
 * key of the store's audit. All problems are listed at once.
 *
 * @param receipt As `erase` returned it, or as it was read from a JSON file.
 * @throws INVALID_INPUT if the key is no key, or the checkpoint is not one of this key
 * @example
 * ```ts
 * import { readFileSync } from 'node:fs';
 * import { verifyReceipt } from 'multi-agent-memory';
 * const receipt = JSON.parse(readFileSync('receipt.json', 'utf8'));
 * const { ok, complete, problems } = verifyReceipt(receipt, { publicKey: readFileSync('audit.pub', 'utf8') });
 * ```
 */
export function verifyReceipt(receipt: unknown, options: VerifyReceiptOptions): ReceiptVerification {
  const { publicKey: given, checkpoint } = Object(options) as VerifyReceiptOptions;
  const publicKey = publicKeyOf(given);
  if (checkpoint !== undefined && checkpoint.chain !== 'changes') {
    const message = 'expected a checkpoint of the chain "changes", because it records erasures.';
    throw invalidInput([{ path: ['checkpoint'], message }], 'options');
  }
  const anchor = checkpoint === undefined ? undefined : headOfCheckpoint(checkpoint, publicKey);
  const read = readReceipt(receipt);
  if ('problems' in read) return { ok: false, complete: false, anchored: false, problems: read.problems };
  const problems = [...signatureProblems(read.receipt, publicKey), ...contentProblems(read.receipt)];
  const { problems: found, head, origin } = proofProblems(read.receipt, publicKey);
  problems.push(...found);
  let anchored = false;
  if (checkpoint !== undefined && anchor !== undefined && head !== undefined) {
    if (checkpoint.origin !== origin) problems.push('The checkpoint is that of another store.');
    else if (anchor.restoreCount === head.restoreCount && anchor.size === head.size) {
      anchored = Buffer.from(anchor.root).equals(head.root);
      if (!anchored) problems.push('The checkpoint has another root than that in the receipt: the audit was changed.');
    }
  }
  return { ok: problems.length === 0, complete: read.receipt.complete, anchored, problems };
}

function signatureProblems(receipt: ErasureReceipt, publicKey: KeyObject): string[] {
  if (receipt.signature === undefined) {
    return ['It is not signed: the store that made it has no `audit.signingKey`.'];
  }
  return isReceiptSignedBy(receipt, publicKey)
    ? []
    : ['The signature is not one of this key, or the receipt was changed.'];
}

/** What a receipt says that cannot be true. */
function contentProblems(receipt: ErasureReceipt): string[] {
  const problems: string[] = [];
  const { ids, withheld, counts, complete, target, subject } = receipt;
  if (complete !== isComplete(receipt)) {
    problems.push(`It says that it is ${complete ? '' : 'not '}complete, and its parts say the opposite.`);
  }
  const known = new Set(ids);
  if (withheld.some(({ id }) => !known.has(id))) problems.push('A withheld memory is none of its memories.');
  if (known.size !== ids.length) problems.push('It names a memory twice.');
  if (counts.about + counts.by + counts.derived < ids.length) {
    problems.push('It names more memories than it counts.');
  }
  if ((target === 'ids') !== (subject === undefined)) problems.push('Its target and its subject do not fit.');
  return problems;
}

/** Whether the audit records the erasure of each memory, in entries that the checkpoint covers. */
function proofProblems(
  { audit, ids }: ErasureReceipt,
  publicKey: KeyObject,
): {
  problems: string[];
  head?: { size: number; root: Uint8Array; restoreCount: number };
  origin?: string;
} {
  if (audit === undefined) return { problems: ['It has no proof that the audit records the erasure.'] };
  const noted = parseNote(audit.checkpoint);
  if (noted?.chain !== 'changes') return { problems: ['Its checkpoint is none of the chain of changes.'] };
  const problems: string[] = [];
  if (!isSignedBy(audit.checkpoint, publicKey)) problems.push('Its checkpoint is not signed with this key.');
  const head = { size: noted.size, root: Buffer.from(noted.root, 'base64'), restoreCount: noted.restoreCount };
  const recorded = new Set<string>();
  for (const each of audit.entries) {
    const entry = decodeEntry(each.body);
    if (entry?.seq !== each.seq || !isProven(each, head)) {
      problems.push(`The proof of the audit entry ${each.seq} is wrong.`);
      continue;
    }
    const isErasure = erasingActions.has(entry.action) && entry.decision === 'allowed';
    if (!isErasure) problems.push(`The audit entry ${each.seq} records no erasure.`);
    else for (const [, touched] of entry.touched) for (const id of touched) recorded.add(id);
  }
  const missing = ids.filter((id) => !recorded.has(id)).length;
  if (missing > 0) problems.push(`The audit entries do not record the erasure of ${missing} of its memories.`);
  return { problems, head, origin: noted.origin };
}

const erasingActions: ReadonlySet<string> = new Set(['erase', 'finish-erasure', 'release-hold']);

/** Accepts an array of receipts. Whether the store has made them is checked later, because it needs the secret of the store. */
export const receiptsShape = z.unknown().transform((value, ctx): ErasureReceipt[] => {
  if (!Array.isArray(value)) {
    addIssue(ctx, expected('an array of receipts')({ input: value }), value);
    return z.NEVER;
  }
  return value.flatMap((each, i) => {
    const read = readReceipt(each);
    if ('receipt' in read) return [read.receipt];
    for (const problem of read.problems) addIssue(ctx, problem, each, [i]);
    return [];
  });
});
