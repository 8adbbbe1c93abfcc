import { createHmac, createPublicKey, type KeyObject, sign, timingSafeEqual, verify } from 'node:crypto';
import type { EntryProof } from '../audit/entry-proof';
import type { Json } from '../domain/json';

/**
 * What an erasure has removed, and what is left to do. It is plain JSON, so that it can be kept in a file, outside the store. It names
 * nobody: keep it as long as backups from before the erasure exist, and pass it to `open` as `erased` when one of them is restored.
 */
export interface ErasureReceipt {
  /** The version of the format. */
  format: 1;
  /** The id of the erasure. */
  id: string;
  /** A name of the store that reveals nothing about it. */
  store: string;
  /** How many erasures the store has begun, with this one. A number that is missing among kept receipts is a lost receipt. */
  number: number;
  /** What was asked: a user, all memories of a namespace, or some memories. */
  target: 'user' | 'namespace' | 'ids';
  /** HMAC-SHA-256 of the user id, or of the labels of the namespace, with the secret of the store. Absent for some memories. */
  subject?: string;
  /** The number of labels of the namespace. Absent for a user and for some memories. */
  depth?: number;
  /** Absent unless what the user wrote about others was kept. */
  keepAuthored?: true;
  reason?: string;
  /** When the erasure began, as ISO 8601. What was written later is not part of it. */
  at: string;
  /** When the receipt was made. */
  issuedAt: string;
  /** The number of memories of each kind that the erasure was about. */
  counts: { about: number; by: number; derived: number };
  /** The memories of the erasure. Their ids are random and stay in the store. */
  ids: string[];
  /** The memories that a legal hold still keeps. They are erased when the hold ends. */
  withheld: { id: string; reason: 'legal-hold' }[];
  /** Other memories that contain one of the words in `mentions`. They stay: a person has to decide about them. */
  mentions: string[];
  parts: ErasedPart[];
  /** What a search of every byte of the folder has found. Absent for a store in memory, and while no search was made. */
  scan?: ErasureScan;
  /** The members of the cluster. Empty for a store that is alone. */
  members: ErasedMember[];
  /** Proves that the erasure is recorded in the audit. Absent if the audit cannot prove it any more. */
  audit?: ErasureProof;
  /** True if nothing is pending, withheld or found. */
  complete: boolean;
  /** HMAC-SHA-256 of the receipt with the secret of the store. With it, the store recognises its own receipts. */
  seal: string;
  /** The Ed25519 signature of the receipt with the signing key of the audit, in Base64. Absent if the store has no key. */
  signature?: string;
}

/**
 * A place where erased memories were.
 *
 * - 'memories' Records, texts, earlier revisions, words and vectors in the database.
 * - 'names' The subject as an author, in rules and groups, in the audit, and the labels of a namespace.
 * - 'database' Unused parts of the database and its write-ahead log.
 * - 'index' The approximate vector index.
 * - 'copies' Backups, snapshots and exports outside the folder. The store does not know them.
 */
export interface ErasedPart {
  part: 'memories' | 'names' | 'database' | 'index' | 'copies';
  /** 'unsupported': the library cannot erase it. See `reason` for what to do. */
  state: 'gone' | 'pending' | 'unsupported';
  /** Absent if it is gone. */
  reason?: string;
}

/** A search of every byte of every file in the folder. */
export interface ErasureScan {
  files: number;
  bytes: number;
  /** The number of byte strings that were searched for: pieces of the erased texts, words, vectors and names, in several encodings. */
  probes: number;
  /** The number of these that memories which stay contain as well, so that they prove nothing. */
  shared: number;
  /**
   * What the probes were taken from. 'content': from all that was erased. 'partial': the process that erased had ended, and with it the
   * probes, which are kept in memory only. They are then taken from the name of the subject and from what was left.
   */
  basis: 'content' | 'partial';
  /** Where something was found. */
  found: { file: string; offset: number; field: string }[];
}

/**
 * A member of a cluster. 'gone': it has applied the erasure, and its log contains nothing of it any more. Each member writes its own files again;
 * the scan is that of the folder of the node that erased.
 */
export interface ErasedMember {
  id: number;
  state: 'gone' | 'pending';
  reason?: string;
}

/** The entries of the audit that record an erasure, and the checkpoint that covers them. */
export interface ErasureProof {
  /** The note of a checkpoint of the chain of changes. It is signed if the store has a key. */
  checkpoint: string;
  entries: EntryProof[];
}

/** A receipt before it is signed. */
export type UnsignedReceipt = Omit<ErasureReceipt, 'complete' | 'seal' | 'signature'>;

/** Whether nothing is left to do. */
export function isComplete({
  parts,
  withheld,
  scan,
  members,
}: Pick<ErasureReceipt, 'parts' | 'withheld' | 'scan' | 'members'>): boolean {
  return (
    withheld.length === 0 &&
    (scan?.found.length ?? 0) === 0 &&
    [...parts, ...members].every(({ state }) => state !== 'pending')
  );
}

/** Seals a receipt with the secret of its store, and signs it if there is a key. */
export function signedReceipt(
  receipt: UnsignedReceipt,
  { storeKey, key }: { readonly storeKey: Uint8Array; readonly key: KeyObject | undefined },
): ErasureReceipt {
  const unsealed = { ...receipt, complete: isComplete(receipt) };
  const sealed = { ...unsealed, seal: sealOf(unsealed, storeKey) };
  if (key === undefined) return sealed;
  return { ...sealed, signature: sign(null, Buffer.from(canonical(sealed)), key).toString('base64') };
}

/** Whether the store with this secret has made the receipt, and nobody has changed it. */
export function isSealedBy({ seal, signature: _, ...unsealed }: ErasureReceipt, storeKey: Uint8Array): boolean {
  const expected = Buffer.from(sealOf(unsealed, storeKey));
  const given = Buffer.from(seal);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** Whether the receipt has a valid signature of the key. */
export function isReceiptSignedBy({ signature, ...sealed }: ErasureReceipt, publicKey: KeyObject): boolean {
  const key = publicKey.type === 'public' ? publicKey : createPublicKey(publicKey);
  return signature !== undefined && verify(null, Buffer.from(canonical(sealed)), key, Buffer.from(signature, 'base64'));
}

function sealOf(unsealed: object, storeKey: Uint8Array): string {
  return createHmac('sha256', storeKey).update('erasure receipt ').update(canonical(unsealed)).digest('base64url');
}

/** The same text for the same receipt, in whatever order a program has written its fields. */
function canonical(value: unknown): string {
  return JSON.stringify(sorted(value as Json));
}

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const keys = Object.keys(value).sort();
  return Object.fromEntries(keys.map((key) => [key, sorted((value as Record<string, Json>)[key] as Json)]));
}
