import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { invalidInput } from '../domain/errors';
import { type AuditChainName, auditChainNames, type RestoredChainHead } from './chain-entry';

/**
 * The size and the Merkle root of a chain at one time. If it is kept outside the folder of the store, `verify` can later prove that
 * the entries up to this size were not changed. `note` contains all other fields, in the format of transparency logs (C2SP
 * tlog-checkpoint).
 */
export interface Checkpoint {
  chain: AuditChainName;
  /** The name of the store and the chain. */
  origin: string;
  /** How many entries it covers. */
  size: number;
  /** The root of the Merkle tree over the entries (RFC 6962), in Base64. */
  root: string;
  /** How often the store had been restored from a backup when the checkpoint was made. */
  restoreCount: number;
  /** A signed note (C2SP signed-note) if the store has a signing key. Otherwise the same text without a signature. */
  note: string;
}

/**
 * Returns whether a name can be the origin of checkpoints. The origin is also the key name of signed notes, which has no white space
 * and no plus sign.
 */
export function isOrigin(origin: string): boolean {
  return /^[^\s+]{1,200}$/u.test(origin) && origin.isWellFormed();
}

/** Makes a checkpoint, and signs it if there is a key. */
export function checkpointOf(
  chain: AuditChainName,
  { size, root, restoreCount }: RestoredChainHead,
  signer: { readonly origin: string; readonly key: KeyObject | undefined },
): Checkpoint {
  const origin = `${signer.origin}/${chain}`;
  const base64 = Buffer.from(root).toString('base64');
  const text = `${origin}\n${size}\n${base64}\n${restoreCount === 0 ? '' : `life ${restoreCount}\n`}`;
  const note = signer.key === undefined ? text : `${text}\n${signature(text, origin, signer.key)}\n`;
  return { chain, origin, size, root: base64, restoreCount, note };
}

/** Parses the note of a checkpoint. Returns undefined if it is not a note that a store can have made. */
export function parseNote(note: string): Checkpoint | undefined {
  const [, text = ''] = /^((?:[^\n]+\n){3,4})(?:\n(?:— [^\n]+\n)+)?$/u.exec(note) ?? [];
  const [origin = '', size = '', root = '', extension = ''] = text.split('\n');
  const chain = auditChainNames.find((each) => origin.endsWith(`/${each}`));
  const restoreCount = extension === '' ? 0 : Number(/^life ([1-9]\d{0,14})$/.exec(extension)?.[1]);
  const isSize = /^(0|[1-9]\d{0,14})$/.test(size);
  const isRoot = Buffer.from(root, 'base64').length === 32 && Buffer.from(root, 'base64').toString('base64') === root;
  if (chain === undefined || !isSize || !isRoot || Number.isNaN(restoreCount)) return undefined;
  return { chain, origin, size: Number(size), root, restoreCount, note };
}

/** Returns whether the note has a valid signature of the key. */
export function isSignedBy(note: string, publicKey: KeyObject): boolean {
  const end = note.indexOf('\n\n');
  if (end < 0) return false;
  const text = note.slice(0, end + 1);
  const origin = text.slice(0, text.indexOf('\n'));
  const lines = note.slice(end + 2).split('\n');
  return lines.some((line) => {
    const [dash, name, encoded = ''] = line.split(' ');
    const bytes = Buffer.from(encoded, 'base64');
    if (dash !== '—' || name !== origin || !bytes.subarray(0, 4).equals(keyId(origin, publicKey))) return false;
    return verify(null, Buffer.from(text), publicKey, bytes.subarray(4));
  });
}

/** A checkpoint that this release or an earlier one made. Releases before 0.2 had `life` in place of `restoreCount`. */
type KeptCheckpoint = Omit<Checkpoint, 'restoreCount'> & { restoreCount?: number; life?: number };

/**
 * Checks a checkpoint that a caller has kept, and returns the head in it.
 *
 * @throws INVALID_INPUT if the fields differ from the note, or if the note is not signed with the key
 */
export function headOfCheckpoint(kept: KeptCheckpoint, publicKey: KeyObject | undefined): RestoredChainHead {
  const noted = parseNote(kept.note);
  const isSame =
    noted !== undefined &&
    noted.chain === kept.chain &&
    noted.origin === kept.origin &&
    noted.size === kept.size &&
    noted.root === kept.root &&
    noted.restoreCount === (kept.restoreCount ?? kept.life ?? 0);
  const issue = (message: string) => invalidInput([{ path: ['head'], message }], 'checkpoint');
  if (!isSame)
    throw issue('the fields of the checkpoint differ from its note. Pass the checkpoint as the store returned it.');
  if (publicKey !== undefined && !isSignedBy(kept.note, publicKey)) {
    throw issue(
      'the note of the checkpoint is not signed with this key. Pass the public key that belongs to the signing key.',
    );
  }
  return { size: noted.size, root: Buffer.from(noted.root, 'base64'), restoreCount: noted.restoreCount };
}

/**
 * Parses an Ed25519 private key: a KeyObject, or its PEM.
 *
 * @throws INVALID_INPUT
 */
export function signingKeyOf(key: KeyObject | string): KeyObject {
  return ed25519(() => (typeof key === 'string' ? createPrivateKey(key) : key), 'private', 'signingKey');
}

/**
 * Parses an Ed25519 public key: a KeyObject, or its PEM.
 *
 * @throws INVALID_INPUT
 */
export function publicKeyOf(key: KeyObject | string): KeyObject {
  return ed25519(() => (typeof key === 'string' ? createPublicKey(key) : key), 'public', 'publicKey');
}

function ed25519(read: () => KeyObject, type: 'private' | 'public', path: string): KeyObject {
  const message = `expected an Ed25519 ${type} key, as a KeyObject or PEM.`;
  try {
    const key = read();
    if (key.type === type && key.asymmetricKeyType === 'ed25519') return key;
  } catch (cause) {
    throw Object.assign(invalidInput([{ path: [path], message }], 'key'), { cause });
  }
  throw invalidInput([{ path: [path], message }], 'key');
}

function signature(text: string, origin: string, key: KeyObject): string {
  const signed = sign(null, Buffer.from(text), key);
  return `— ${origin} ${Buffer.concat([keyId(origin, createPublicKey(key)), signed]).toString('base64')}`;
}

// C2SP signed-note: the first four bytes of SHA-256(name || 0x0A || 0x01 || public key).
function keyId(origin: string, publicKey: KeyObject): Buffer {
  const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x as string, 'base64url');
  const hash = createHash('sha256').update(origin).update(Uint8Array.of(0x0a, 0x01)).update(raw);
  return hash.digest().subarray(0, 4);
}
