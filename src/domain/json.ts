/** A value that JSON can represent. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Additional data that an application stores with a memory: a JSON object. */
export type Metadata = { readonly [key: string]: Json };

/** Makes a deep copy, and replaces each half of a surrogate pair in strings and keys with U+FFFD. It ignores `toJSON` methods. */
export function wellFormedCopy<T extends Json>(value: T): T {
  if (typeof value === 'string') return value.toWellFormed() as T;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((each: Json) => wellFormedCopy(each)) as unknown as T;
  const entries = Object.entries(value).map(([key, each]) => [key.toWellFormed(), wellFormedCopy(each)]);
  return Object.fromEntries(entries) as T;
}

/** Parses stored JSON. It replaces halves of surrogate pairs, because earlier releases stored them (as JSON escapes). */
export function parseStoredJson(json: string): Json {
  const value = JSON.parse(json) as Json;
  return json.includes('\\ud') ? wellFormedCopy(value) : value;
}
