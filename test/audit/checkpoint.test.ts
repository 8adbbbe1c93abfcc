import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  checkpointOf,
  headOfCheckpoint,
  isOrigin,
  isSignedBy,
  parseNote,
  publicKeyOf,
  signingKeyOf,
} from '../../src/audit/checkpoint';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const other = generateKeyPairSync('ed25519').publicKey;
const root = new Uint8Array(32).fill(5);
const head = { size: 2_048, root, restoreCount: 0 };
const origin = 'example.org/memory';

describe('a checkpoint', () => {
  test('has a note of three lines, or of four lines after a restore', () => {
    const signer = { origin, key: undefined };
    expect(checkpointOf('changes', head, signer).note).toBe(
      'example.org/memory/changes\n2048\nBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU=\n',
    );
    expect(checkpointOf('access', { ...head, restoreCount: 2 }, signer).note).toMatch(
      /^example.org\/memory\/access\n.*\nlife 2\n$/s,
    );
  });

  test.each([0, 3])('is the same after it was written as a note and parsed, after %i restores', (restoreCount) => {
    for (const key of [undefined, privateKey]) {
      const checkpoint = checkpointOf('access', { ...head, restoreCount }, { origin, key });
      expect(parseNote(checkpoint.note)).toEqual(checkpoint);
    }
  });

  test('is signed with the key of the store as a signed note', () => {
    const { note } = checkpointOf('changes', head, { origin, key: privateKey });
    expect(note).toMatch(/\n\n— example.org\/memory\/changes [A-Za-z0-9+/]{90,}=*\n$/);
    expect(isSignedBy(note, publicKey)).toBe(true);
    expect(isSignedBy(note, other)).toBe(false);
    expect(isSignedBy(note.replace('2048', '2047'), publicKey)).toBe(false);
    expect(isSignedBy(checkpointOf('changes', head, { origin, key: undefined }).note, publicKey)).toBe(false);
  });

  test('is accepted by `verify` only if it is unchanged and signed with the key of the store', () => {
    const kept = checkpointOf('changes', head, { origin, key: privateKey });
    expect(headOfCheckpoint(kept, publicKey)).toEqual({ size: 2_048, root: Buffer.from(root), restoreCount: 0 });
    for (const wrong of [
      { ...kept, size: 5 },
      { ...kept, chain: 'access' as const },
      { ...kept, note: 'x' },
    ])
      expect(() => headOfCheckpoint(wrong, publicKey)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
    expect(() => headOfCheckpoint(kept, other)).toThrow('not signed with this key');
  });

  test('is accepted if a release before 0.2 made it, with `life` in place of `restoreCount`', () => {
    const { restoreCount, ...others } = checkpointOf(
      'changes',
      { ...head, restoreCount: 2 },
      { origin, key: privateKey },
    );
    const kept = { ...others, life: restoreCount };
    expect(headOfCheckpoint(kept, publicKey)).toEqual({ ...head, root: Buffer.from(root), restoreCount });
    expect(() => headOfCheckpoint({ ...kept, life: 1 }, publicKey)).toThrow('differ from its note');
  });

  test.each(['', 'x\n1\n', 'a/changes\n01\nAAAA\n', 'a/other\n1\nBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU=\n'])(
    'is not read from the invalid note %j',
    (note) => {
      expect(parseNote(note)).toBeUndefined();
    },
  );
});

test('keys must be Ed25519 keys or the PEM text of such keys', () => {
  expect(signingKeyOf(privateKey.export({ type: 'pkcs8', format: 'pem' }) as string).equals(privateKey)).toBe(true);
  expect(publicKeyOf(publicKey.export({ type: 'spki', format: 'pem' }) as string).equals(publicKey)).toBe(true);
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  for (const key of ['nonsense', rsa.privateKey, publicKey])
    expect(() => signingKeyOf(key)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
  expect(() => publicKeyOf('nonsense')).toThrow('expected an Ed25519 public key');
});

test('an origin must not contain white space or a plus sign', () => {
  expect(['example.org/memory', 'ward-7'].every(isOrigin)).toBe(true);
  expect(['', 'two words', 'a+b', 'line\n'].some(isOrigin)).toBe(false);
});
