/** What to do if a file of the package is missing because a bundler moved the code away from it. */
export const bundleAdvice =
  'If a bundler put this code into another file, keep multi-agent-memory out of the bundle and installed beside it: ' +
  'external: ["multi-agent-memory"] in esbuild, externals in webpack, serverExternalPackages in Next.js (see docs/bundlers.md).';
