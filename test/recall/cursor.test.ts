import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Json } from '../../src/domain/json';
import { CursorSigner } from '../../src/recall/cursor';

const key = Uint8Array.from({ length: 32 }, (_, i) => i);
const json = fc.jsonValue() as fc.Arbitrary<Json>;

describe('a sealed cursor', () => {
  test('gives back what was sealed, for what it was sealed for', () => {
    fc.assert(
      fc.property(json, json, (item, binding) => {
        const seal = new CursorSigner(key);
        const cursor = seal.sign(item, binding);
        expect(cursor).toMatch(/^[A-Za-z0-9_-]+$/);
        expect(JSON.stringify(new CursorSigner(key).open(cursor, binding))).toBe(JSON.stringify(item));
      }),
    );
  });

  test('opens for nothing else: another binding, another key, or anything altered', () => {
    fc.assert(
      fc.property(json, json, json, fc.nat(), fc.integer({ min: 1, max: 255 }), (item, binding, other, at, flip) => {
        const seal = new CursorSigner(key);
        const cursor = seal.sign(item, binding);
        if (JSON.stringify(other) !== JSON.stringify(binding)) expect(() => seal.open(cursor, other)).toThrow();
        expect(() => new CursorSigner(Uint8Array.from(key).reverse()).open(cursor, binding)).toThrow();
        const bytes = Buffer.from(cursor, 'base64url');
        const place = at % bytes.length;
        bytes[place] = (bytes[place] as number) ^ flip;
        expect(() => seal.open(bytes.toString('base64url'), binding)).toThrow();
        expect(() => seal.open(cursor.slice(0, place), binding)).toThrow();
      }),
    );
  });

  test('refuses what is no cursor at all with INVALID_CURSOR, and nothing else', () => {
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
