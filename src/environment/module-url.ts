import { pathToFileURL } from 'node:url';

/**
 * Returns where a module is, from its `import.meta.url`. esbuild leaves that empty when it turns ES modules into CommonJS; the
 * program that was started is then the bundle.
 */
export function moduleUrlOf(importMetaUrl: string | undefined): string {
  return importMetaUrl || pathToFileURL(process.argv[1] ?? 'bundle.js').href;
}
