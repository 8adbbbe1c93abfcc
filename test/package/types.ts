import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { found } from './found';

const strict = {
  strict: true,
  exactOptionalPropertyTypes: true,
  // Our own declarations are checked too.
  skipLibCheck: false,
  noEmit: true,
  target: 'ES2022',
  lib: ['ES2022'],
  types: ['node'],
};

/** One project for each way in which TypeScript finds a package. `type` decides what a `.ts` file is under node16. */
const projects = {
  'node16, from an ES module': { type: 'module', module: 'Node16', moduleResolution: 'Node16' },
  'node16, from CommonJS': { type: 'commonjs', module: 'Node16', moduleResolution: 'Node16' },
  bundler: { type: 'module', module: 'ESNext', moduleResolution: 'Bundler' },
  'node10, the default of CommonJS projects': {
    type: 'commonjs',
    module: 'CommonJS',
    moduleResolution: 'Node10',
    esModuleInterop: true,
  },
};

/** Compiles the compile-time tests of the public surface against the packed declarations. */
export function checkTypes(consumer: string): void {
  for (const [name, { type, ...options }] of Object.entries(projects)) {
    writeFileSync(join(consumer, 'types', 'package.json'), JSON.stringify({ type }));
    const config = { compilerOptions: { ...strict, ...options }, include: ['*.ts'] };
    writeFileSync(join(consumer, 'types', 'tsconfig.json'), JSON.stringify(config));
    const tsc = join(consumer, 'node_modules/typescript/bin/tsc');
    const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', 'types'], { cwd: consumer, encoding: 'utf8' });
    assert.equal(status, 0, `types under ${name}:\n${stdout}`);
    found(`types under ${name}`);
  }
}
