import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { invalidInput } from '../domain/errors';
import { type AuditChainName, auditChainNames, type ChainHead } from './chain-entry';

/**
 * How far a chain had come. Kept elsewhere, it proves later that nothing up to there was changed. `note` holds everything that
 * the other fields say, as a checkpoint of a transparency log (C2SP tlog-checkpoint).
 */
export interface Checkpoint {
  chain: AuditChainName;
  /** Names the store and the chain. */
  origin: string;
  /** How many entries it covers. */
  size: number;
  /** Of the Merkle tree over them (RFC 6962), in Base64. */
  root: string;
  /** How often the store had been restored from a backup. */
  life: number;
  /** A signed note (C2SP signed-note) where the store has a key, else its text alone. */
  note: string;
}

/** A name for what signs: as a key name of a signed note it holds no white space and no plus sign. */
export function isOrigin(origin: string): boolean {
  return /^[^\s+]{1,200}$/u.test(origin) && origin.isWellFormed();
}

/** Makes a checkpoint, signed where there is a key. */
export function checkpointOf(
  chain: AuditChainName,
  { size, root, life }: ChainHead & { readonly life: number },
  signer: { readonly origin: string; readonly key: KeyObject | undefined },
): Checkpoint {
  const origin = `${signer.origin}/${chain}`;
  const base64 = Buffer.from(root).toString('base64');
  const text = `${origin}\n${size}\n${base64}\n${life === 0 ? '' : `life ${life}\n`}`;
  const note = signer.key === undefined ? text : `${text}\n${signature(text, origin, signer.key)}\n`;
  return { chain, origin, size, root: base64, life, note };
}

/** What a note says; undefined where it is no checkpoint of a store. */
export function parseNote(note: string): Checkpoint | undefined {
  const [, text = ''] = /^((?:[^\n]+\n){3,4})(?:\n(?:— [^\n]+\n)+)?$/u.exec(note) ?? [];
  const [origin = '', size = '', root = '', extension = ''] = text.split('\n');
  const chain = auditChainNames.find((each) => origin.endsWith(`/${each}`));
  const life = extension === '' ? 0 : Number(/^life ([1-9]\d{0,14})$/.exec(extension)?.[1]);
  const isSize = /^(0|[1-9]\d{0,14})$/.test(size);
  const isRoot = Buffer.from(root, 'base64').length === 32 && Buffer.from(root, 'base64').toString('base64') === root;
  if (chain === undefined || !isSize || !isRoot || Number.isNaN(life)) return undefined;
  return { chain, origin, size: Number(size), root, life, note };
}

/** Whether the note is signed with the key. */
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

/**
 * A checkpoint that was kept, as it can be compared with a chain.
 *
 * @throws INVALID_INPUT where its note says something else than its fields, or is not signed with the key.
 */
export function trusted(kept: Checkpoint, publicKey: KeyObject | undefined): ChainHead & { readonly life: number } {
  const said = parseNote(kept.note);
  const isSame =
    said !== undefined &&
    said.chain === kept.chain &&
    said.origin === kept.origin &&
    said.size === kept.size &&
    said.root === kept.root &&
    said.life === (kept.life ?? 0);
  const issue = (message: string) => invalidInput([{ path: ['head'], message }], 'The checkpoint');
  if (!isSame) throw issue('its note does not say what its fields say: give it as it was handed out.');
  if (publicKey !== undefined && !isSignedBy(kept.note, publicKey))
    throw issue('its note is not signed with this key.');
  return { size: said.size, root: Buffer.from(said.root, 'base64'), life: said.life };
}

/**
 * An Ed25519 private key, or its PEM.
 *
 * @throws INVALID_INPUT
 */
export function signingKeyOf(key: KeyObject | string): KeyObject {
  return ed25519(() => (typeof key === 'string' ? createPrivateKey(key) : key), 'private', 'signingKey');
}

/**
 * An Ed25519 public key, or its PEM.
 *
 * @throws INVALID_INPUT
 */
export function publicKeyOf(key: KeyObject | string): KeyObject {
  return ed25519(() => (typeof key === 'string' ? createPublicKey(key) : key), 'public', 'publicKey');
}

function ed25519(read: () => KeyObject, type: 'private' | 'public', path: string): KeyObject {
  const message = `must be an Ed25519 ${type} key: a KeyObject, or a PEM.`;
  try {
    const key = read();
    if (key.type === type && key.asymmetricKeyType === 'ed25519') return key;
  } catch (cause) {
    throw Object.assign(invalidInput([{ path: [path], message }], 'The key'), { cause });
  }
  throw invalidInput([{ path: [path], message }], 'The key');
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
