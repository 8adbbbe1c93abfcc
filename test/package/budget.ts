import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/** What a package weighs, in bytes. */
export interface PackageSizes {
  /** What npm downloads. */
  readonly tarball: number;
  /** What lies in `node_modules` without the dependencies. */
  readonly unpacked: number;
  /** `import 'multi-agent-memory'` as one minified and compressed file, without the dependencies. */
  readonly entryGzip: number;
}

/**
 * The most that a package may weigh. Each is the size of today with about a tenth to spare. A change that needs more raises the
 * number here and gives the reason in its commit.
 */
export const budget: PackageSizes = {
  tarball: 5_000_000,
  unpacked: 9_000_000,
  entryGzip: 410_000,
};

/** The sizes over the budget, each as a sentence. */
export function budgetProblems(sizes: PackageSizes, limits: PackageSizes = budget): readonly string[] {
  const names = Object.keys(limits) as (keyof PackageSizes)[];
  return names
    .filter((name) => sizes[name] > limits[name])
    .map((name) => `${name} is ${kilobytes(sizes[name])}, over its budget of ${kilobytes(limits[name])}`);
}

/** The size of a module with everything of the package that it loads, minified and compressed. */
export async function gzippedSize(path: string): Promise<number> {
  const { outputFiles } = await build({
    entryPoints: [path],
    bundle: true,
    minify: true,
    write: false,
    outdir: 'unused',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    logLevel: 'error',
  });
  return outputFiles.reduce((sum, { contents }) => sum + gzipSync(contents, { level: 9 }).length, 0);
}

/** As npm counts: 1 kB is 1,000 bytes. */
export function kilobytes(bytes: number): string {
  return `${Math.ceil(bytes / 1000).toLocaleString('en-US')} kB`;
}
