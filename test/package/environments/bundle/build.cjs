const { join } = require('node:path');

// Bundles app.mjs. Arguments: the bundler, the output folder, and the packages that stay outside, separated by commas.
const [bundler, outdir, outside = ''] = process.argv.slice(2);
const external = outside.split(',').filter((name) => name !== '');
const entry = join(__dirname, 'app.mjs');

if (bundler === 'esbuild') {
  const options = { entryPoints: [entry], bundle: true, platform: 'node', target: 'node20', logLevel: 'error' };
  require('esbuild').buildSync({ ...options, format: 'cjs', outfile: join(outdir, 'app.cjs'), external });
} else {
  const config = {
    mode: 'production',
    target: 'node20',
    entry,
    output: { path: outdir, filename: 'app.cjs' },
    externals: Object.fromEntries(external.map((name) => [name, `commonjs ${name}`])),
  };
  require('webpack')(config, (error, stats) => {
    if (error !== null) throw error;
    if (!stats.hasErrors()) return;
    console.error(stats.toString({ all: false, errors: true }));
    process.exitCode = 1;
  });
}
