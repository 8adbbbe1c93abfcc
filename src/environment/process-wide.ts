/**
 * Returns a value that every copy of this library in this process shares: its ESM and its CommonJS build, and a module that a
 * development server evaluates again. Worker threads and the contexts of test runners have a `globalThis` of their own and share
 * nothing.
 *
 * @param name Names the value and its form. A form that changes with a release contains the version.
 */
export function processWide<T>(name: string, make: () => T): T {
  const key = Symbol.for(`multi-agent-memory: ${name}`);
  const host = globalThis as { readonly [key: symbol]: unknown };
  // Not enumerable, so that no program which lists its globals sees it.
  if (!Object.hasOwn(host, key)) Object.defineProperty(host, key, { value: make() });
  return host[key] as T;
}
