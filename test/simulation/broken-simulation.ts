import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { editedFiles, replacing } from '../mistakes/broken-library';
import type { Mistake } from '../mistakes/mistake';
import type { scenarioOf } from './scenario';
import type { runScenario } from './simulation';

/** The simulator with a mistake in the core or in its own host. */
export interface BrokenSimulation {
  readonly scenarioOf: typeof scenarioOf;
  readonly runScenario: typeof runScenario;
}

/** The first seed that finds a mistake, and what it says. */
export interface Finding {
  readonly seed: number;
  readonly message: string;
}

const here = fileURLToPath(new URL('.', import.meta.url));
const cache = fileURLToPath(new URL('../../node_modules/.cache', import.meta.url));

/** Builds the simulator with a mistake in it. */
export async function loadBroken({ edits }: Pick<Mistake, 'edits'>): Promise<BrokenSimulation> {
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'simulation-'));
  const outfile = join(folder, 'simulation.mjs');
  try {
    await build({
      stdin: {
        contents: `export { scenarioOf } from './scenario'; export { runScenario } from './simulation';`,
        resolveDir: here,
        loader: 'ts',
      },
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      plugins: [replacing(editedFiles(edits))],
      logLevel: 'silent',
    });
    return (await import(pathToFileURL(outfile).href)) as BrokenSimulation;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

// A program that does not even run is noticed by anybody.
const noFindings = ['TypeError', 'ReferenceError', 'RangeError', 'SyntaxError'];

/** Plays seeds until one finds the mistake. Undefined if none does. */
export function firstFinding(broken: BrokenSimulation, seeds: { from: number; count: number }): Finding | undefined {
  for (let seed = seeds.from; seed < seeds.from + seeds.count; seed += 1) {
    const { violation } = broken.runScenario(broken.scenarioOf(seed));
    if (violation === undefined) continue;
    if (noFindings.includes(violation.name)) throw violation;
    return { seed, message: violation.message };
  }
  return undefined;
}
