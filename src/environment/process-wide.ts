/**
 * Returns a value that all copies of this library in one process share. Such copies are its ESM and its CommonJS build, and a module
 * that a development server loads again. Worker threads and the contexts of test runners each have another `globalThis`, so they do
 * not share the value.
 *
 * @param name Identifies the value and its form. If the form changes between releases, the name contains the version.
 */
export function processWide<T>(name: string, make: () => T): T {
  const key = Symbol.for(`multi-agent-memory: ${name}`);
  const host = globalThis as { readonly [key: symbol]: unknown };
  // The property is not enumerable, so programs that list their globals do not see it.
  if (!Object.hasOwn(host, key)) Object.defineProperty(host, key, { value: make() });
  return host[key] as T;
}
