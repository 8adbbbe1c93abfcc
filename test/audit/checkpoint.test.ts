import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  checkpointOf,
  isOrigin,
  isSignedBy,
  parseNote,
  publicKeyOf,
  signingKeyOf,
  trusted,
} from '../../src/audit/checkpoint';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const other = generateKeyPairSync('ed25519').publicKey;
const root = new Uint8Array(32).fill(5);
const head = { size: 2_048, root, life: 0 };
const origin = 'example.org/memory';

describe('a checkpoint', () => {
  test('is a note of three lines, and one more after a restore', () => {
    const signer = { origin, key: undefined };
    expect(checkpointOf('changes', head, signer).note).toBe(
      'example.org/memory/changes\n2048\nBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU=\n',
    );
    expect(checkpointOf('access', { ...head, life: 2 }, signer).note).toMatch(
      /^example.org\/memory\/access\n.*\nlife 2\n$/s,
    );
  });

  test.each([0, 3])('is read back as it was written, in life %i', (life) => {
    for (const key of [undefined, privateKey]) {
      const checkpoint = checkpointOf('access', { ...head, life }, { origin, key });
      expect(parseNote(checkpoint.note)).toEqual(checkpoint);
    }
  });

  test('is signed with its key, in the form of a signed note', () => {
    const { note } = checkpointOf('changes', head, { origin, key: privateKey });
    expect(note).toMatch(/\n\n— example.org\/memory\/changes [A-Za-z0-9+/]{90,}=*\n$/);
    expect(isSignedBy(note, publicKey)).toBe(true);
    expect(isSignedBy(note, other)).toBe(false);
    expect(isSignedBy(note.replace('2048', '2047'), publicKey)).toBe(false);
    expect(isSignedBy(checkpointOf('changes', head, { origin, key: undefined }).note, publicKey)).toBe(false);
  });

  test('that was kept is taken as it was handed out, or not at all', () => {
    const kept = checkpointOf('changes', head, { origin, key: privateKey });
    expect(trusted(kept, publicKey)).toEqual({ size: 2_048, root: Buffer.from(root), life: 0 });
    for (const wrong of [
      { ...kept, size: 5 },
      { ...kept, chain: 'access' as const },
      { ...kept, note: 'x' },
    ])
      expect(() => trusted(wrong, publicKey)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
    expect(() => trusted(kept, other)).toThrow('not signed with this key');
  });

  test.each(['', 'x\n1\n', 'a/changes\n01\nAAAA\n', 'a/other\n1\nBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU=\n'])(
    'is not what %j says',
    (note) => {
      expect(parseNote(note)).toBeUndefined();
    },
  );
});

test('keys are Ed25519 keys, or their PEM', () => {
  expect(signingKeyOf(privateKey.export({ type: 'pkcs8', format: 'pem' }) as string).equals(privateKey)).toBe(true);
  expect(publicKeyOf(publicKey.export({ type: 'spki', format: 'pem' }) as string).equals(publicKey)).toBe(true);
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  for (const key of ['nonsense', rsa.privateKey, publicKey])
    expect(() => signingKeyOf(key)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
  expect(() => publicKeyOf('nonsense')).toThrow('must be an Ed25519 public key');
});

test('an origin is one word', () => {
  expect(['example.org/memory', 'ward-7'].every(isOrigin)).toBe(true);
  expect(['', 'two words', 'a+b', 'line\n'].some(isOrigin)).toBe(false);
});
