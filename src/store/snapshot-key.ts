import { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { expected } from '../domain/parse/shapes';

/** The key of the host that encrypts snapshots: 32 random bytes, as bytes, as a secret KeyObject, in base64 or in 64 hexadecimal digits. */
export type SnapshotKey = Uint8Array | KeyObject | string;

const keyBytes = 32;
const hexForm = /^[0-9a-f]{64}$/i;
const base64Form = /^[A-Za-z0-9+/_-]{43}=?$/;

/** Accepts a key and converts it to its 32 bytes. An issue never contains a part of the key. */
export const snapshotKey = z.unknown().transform((value, ctx): Uint8Array => {
  const bytes = bytesOfKey(value);
  if (bytes?.length === keyBytes) return bytes;
  const message = expected('32 bytes: a Uint8Array, a secret KeyObject, base64 or 64 hexadecimal digits');
  ctx.issues.push({ code: 'custom', message: message({ input: value }), input: undefined });
  return z.NEVER;
});

function bytesOfKey(value: unknown): Uint8Array | undefined {
  if (value instanceof KeyObject) return value.type === 'secret' ? value.export() : undefined;
  // An instance of another realm, such as that of a test runner, is no `Uint8Array` of this one.
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  if (hexForm.test(text)) return Buffer.from(text, 'hex');
  return base64Form.test(text) ? Buffer.from(text, 'base64') : undefined;
}
