import { type ByteReader, damagedEntry } from './byte-reader';
import type { ByteWriter } from './byte-writer';

/** Writes a value as bytes and reads it again. Equal values give equal bytes, and no other bytes give the value. */
export interface Codec<T> {
  write(to: ByteWriter, value: T): void;
  read(from: ByteReader): T;
}

export const text: Codec<string> = { write: (to, value) => to.text(value), read: (from) => from.text() };

export const number: Codec<number> = { write: (to, value) => to.number(value), read: (from) => from.number() };

export const flag: Codec<boolean> = {
  write: (to, value) => to.byte(value ? 1 : 0),
  read: (from) => {
    const byte = from.byte();
    if (byte > 1) throw damagedEntry('a flag is neither true nor false');
    return byte === 1;
  },
};

export const bytes: Codec<Uint8Array> = {
  write: (to, value) => {
    to.count(value.length);
    to.raw(value);
  },
  read: (from) => from.raw(from.length()),
};

/** The numbers of a vector as 32-bit floats, little-endian: as they are in the memory of every machine that the library runs on. */
export const vector: Codec<Float32Array> = {
  write: (to, value) => {
    to.count(value.length);
    to.raw(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  },
  read: (from) => new Float32Array(from.raw(from.length() * 4).buffer),
};

/** A value or null. */
export function nullable<T>(codec: Codec<T>): Codec<T | null> {
  return {
    write: (to, value) => {
      flag.write(to, value !== null);
      if (value !== null) codec.write(to, value);
    },
    read: (from) => (flag.read(from) ? codec.read(from) : null),
  };
}

export function list<T>(codec: Codec<T>): Codec<readonly T[]> {
  return {
    write: (to, values) => {
      to.count(values.length);
      for (const value of values) codec.write(to, value);
    },
    read: (from) => {
      const length = from.length();
      const values: T[] = [];
      for (let i = 0; i < length; i++) values.push(codec.read(from));
      return values;
    },
  };
}

/** One of several words. Each has a number that never changes. */
export function word<T extends string>(numbers: Readonly<Record<T, number>>): Codec<T> {
  const words = new Map(Object.entries<number>(numbers).map(([each, code]) => [code, each as T]));
  return {
    write: (to, value) => to.byte(numbers[value]),
    read: (from) => words.get(from.byte()) ?? unknownWord(),
  };
}

function unknownWord(): never {
  throw damagedEntry('a number stands for no word');
}

/** One kind of the values of a union. */
export interface Variant<T> {
  /** The number that says in the bytes which kind follows. It never changes. */
  readonly code: number;
  is(value: T): boolean;
  readonly codec: Codec<T>;
}

/** Makes a variant of a union. */
export function variant<T, V extends T>(code: number, is: (value: T) => value is V, codec: Codec<V>): Variant<T> {
  return { code, is, codec: codec as unknown as Codec<T> };
}

/** A value of several kinds, such as a rule or a role. The first variant that fits is used. */
export function union<T>(...variants: readonly Variant<T>[]): Codec<T> {
  return {
    write: (to, value) => {
      const found = variants.find(({ is }) => is(value));
      if (found === undefined) throw new TypeError('A command contains a value of no known kind.');
      to.byte(found.code);
      found.codec.write(to, value);
    },
    read: (from) => {
      const code = from.byte();
      const found = variants.find((each) => each.code === code);
      if (found === undefined) throw damagedEntry('a number stands for no kind of value');
      return found.codec.read(from);
    },
  };
}

/** A value that has only one form. It takes no bytes. */
export function constant<T>(value: T): Codec<T> {
  return { write: () => undefined, read: () => value };
}

/** A field that may be absent. */
export interface OptionalField<T> {
  readonly optional: Codec<T>;
}

export function optional<T>(codec: Codec<T>): OptionalField<T> {
  return { optional: codec };
}

/** One codec for each field of an object: the compiler reports a missing one, and one that is optional by mistake. */
export type Fields<T> = {
  readonly [K in keyof T]-?: Partial<Pick<T, K>> extends Pick<T, K>
    ? OptionalField<Exclude<T[K], undefined>>
    : Codec<T[K]>;
};

type AnyObject = Record<string, unknown>;

/**
 * An object with known fields. Their order in `fields` is their order in the bytes, so it never changes. First comes a number with one bit
 * for each optional field, which says whether the field is there. A field that is undefined is absent.
 */
export function struct<T extends object>(fields: Fields<T>): Codec<T> {
  const named = Object.entries(fields as Readonly<Record<string, Codec<unknown> | OptionalField<unknown>>>);
  const required = named.flatMap(([name, field]) => ('optional' in field ? [] : [{ name, codec: field }]));
  const optionals = named.flatMap(([name, field]) => ('optional' in field ? [{ name, codec: field.optional }] : []));
  const unknownBits = 2 ** optionals.length;
  return {
    write: (to, value) => {
      const object = value as AnyObject;
      if (optionals.length > 0) to.count(presenceOf(object, optionals));
      for (const { name, codec } of required) codec.write(to, object[name]);
      for (const { name, codec } of optionals) if (object[name] !== undefined) codec.write(to, object[name]);
    },
    read: (from) => {
      const presence = optionals.length > 0 ? from.count() : 0;
      if (presence >= unknownBits) throw damagedEntry('an object has a field that is not known');
      const object: AnyObject = {};
      for (const { name, codec } of required) object[name] = codec.read(from);
      for (let i = 0; i < optionals.length; i++) {
        if ((presence & (1 << i)) === 0) continue;
        const { name, codec } = optionals[i] as (typeof optionals)[number];
        object[name] = codec.read(from);
      }
      return object as T;
    },
  };
}

function presenceOf(object: AnyObject, optionals: readonly { readonly name: string }[]): number {
  let presence = 0;
  for (let i = 0; i < optionals.length; i++)
    if (object[(optionals[i] as { name: string }).name] !== undefined) presence |= 1 << i;
  return presence;
}
