import { invalidInput } from '../../domain/errors';
import type { Json, Metadata } from '../../domain/json';
import { type ByteReader, damagedEntry } from './byte-reader';
import type { ByteWriter } from './byte-writer';
import type { Codec } from './fields';

const tags = { null: 0, false: 1, true: 2, number: 3, text: 4, list: 5, object: 6 } as const;

/** More than the levels of nesting that a memory may have, so that hostile bytes cannot exhaust the stack. */
const maxDepth = 128;

/**
 * The metadata of a memory. Not written as JSON, because JSON has no -0 and allows several texts for one value. The order of keys stays
 * as it is.
 */
export const metadata: Codec<Metadata> = {
  write: (to, value) => writeObject(to, value, 0),
  read: (from) => readObject(from, 0),
};

function write(to: ByteWriter, value: Json, depth: number): void {
  if (depth > maxDepth) throw nestedTooDeeply();
  if (value === null) to.byte(tags.null);
  else if (typeof value === 'boolean') to.byte(value ? tags.true : tags.false);
  else if (typeof value === 'number') {
    to.byte(tags.number);
    to.number(value);
  } else if (typeof value === 'string') {
    to.byte(tags.text);
    to.text(value);
  } else if (Array.isArray(value)) {
    to.byte(tags.list);
    to.count(value.length);
    for (const each of value) write(to, each, depth + 1);
  } else {
    to.byte(tags.object);
    writeObject(to, value as Metadata, depth + 1);
  }
}

function writeObject(to: ByteWriter, value: Metadata, depth: number): void {
  const keys = Object.keys(value);
  to.count(keys.length);
  for (const key of keys) {
    to.text(key);
    write(to, value[key] as Json, depth);
  }
}

function read(from: ByteReader, depth: number): Json {
  const tag = from.byte();
  switch (tag) {
    case tags.null:
      return null;
    case tags.false:
      return false;
    case tags.true:
      return true;
    case tags.number:
      return from.number();
    case tags.text:
      return from.text();
    case tags.list: {
      const length = from.length();
      const values: Json[] = [];
      for (let i = 0; i < length; i++) values.push(read(from, deeper(depth)));
      return values;
    }
    case tags.object:
      return readObject(from, deeper(depth));
    default:
      throw damagedEntry('a number stands for no kind of value');
  }
}

function readObject(from: ByteReader, depth: number): Metadata {
  const length = from.length();
  const keys: string[] = [];
  const object: Record<string, Json> = {};
  for (let i = 0; i < length; i++) {
    const key = from.text();
    const value = read(from, depth);
    keys.push(key);
    // An assignment would change the prototype instead.
    if (key === '__proto__') Object.defineProperty(object, key, { ...ownField, value });
    else object[key] = value;
  }
  // JavaScript drops repeated keys, and moves keys that look like integers to the beginning.
  const kept = Object.keys(object);
  if (kept.length !== keys.length || kept.some((key, i) => key !== keys[i]))
    throw damagedEntry('keys are repeated, or not in their order');
  return object;
}

const ownField = { configurable: true, enumerable: true, writable: true };

function deeper(depth: number): number {
  if (depth >= maxDepth) throw damagedEntry('values are nested too deeply');
  return depth + 1;
}

function nestedTooDeeply() {
  const message = `expected at most ${maxDepth} levels of nesting, got more.`;
  return invalidInput([{ path: [], message }], 'metadata');
}
