import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Json } from '../../src/domain/json';
import { CursorSigner } from '../../src/recall/cursor';

const key = Uint8Array.from({ length: 32 }, (_, i) => i);
const json = fc.jsonValue() as fc.Arbitrary<Json>;

describe('a signed cursor', () => {
  test('opens to the item that was signed, with the same key and binding', () => {
    fc.assert(
      fc.property(json, json, (item, binding) => {
        const signer = new CursorSigner(key);
        const cursor = signer.sign(item, binding);
        expect(cursor).toMatch(/^[A-Za-z0-9_-]+$/);
        expect(JSON.stringify(new CursorSigner(key).open(cursor, binding))).toBe(JSON.stringify(item));
      }),
    );
  });

  test('does not open with another binding or key, or after any alteration', () => {
    fc.assert(
      fc.property(json, json, json, fc.nat(), fc.integer({ min: 1, max: 255 }), (item, binding, other, at, flip) => {
        const signer = new CursorSigner(key);
        const cursor = signer.sign(item, binding);
        if (JSON.stringify(other) !== JSON.stringify(binding)) expect(() => signer.open(cursor, other)).toThrow();
        expect(() => new CursorSigner(Uint8Array.from(key).reverse()).open(cursor, binding)).toThrow();
        const bytes = Buffer.from(cursor, 'base64url');
        const place = at % bytes.length;
        bytes[place] = (bytes[place] as number) ^ flip;
        expect(() => signer.open(bytes.toString('base64url'), binding)).toThrow();
        expect(() => signer.open(cursor.slice(0, place), binding)).toThrow();
      }),
    );
  });

  test('throws INVALID_CURSOR for any text that is not a cursor', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), fc.base64String({ maxLength: 60 }), fc.constant('')),
        (text) => {
          let code: unknown;
          try {
            new CursorSigner(key).open(text, null);
          } catch (error) {
            code = (error as { code?: unknown }).code;
          }
          expect(code).toBe('INVALID_CURSOR');
        },
      ),
    );
  });
});
