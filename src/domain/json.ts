/** A value that JSON can represent. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Additional data that an application stores with a memory: a JSON object. */
export type Metadata = { readonly [key: string]: Json };

/** A deep copy in which half a surrogate pair is U+FFFD, in strings and in keys. It ignores `toJSON` methods. */
export function wellFormedCopy<T extends Json>(value: T): T {
  if (typeof value === 'string') return value.toWellFormed() as T;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((each: Json) => wellFormedCopy(each)) as unknown as T;
  const entries = Object.entries(value).map(([key, each]) => [key.toWellFormed(), wellFormedCopy(each)]);
  return Object.fromEntries(entries) as T;
}

/** JSON as it was stored. Earlier releases stored half a surrogate pair, which JSON writes as an escape. */
export function parseStoredJson(json: string): Json {
  const value = JSON.parse(json) as Json;
  return json.includes('\\ud') ? wellFormedCopy(value) : value;
}
