import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { defineConfig, type Options } from 'tsup';

type Plugin = NonNullable<Options['plugins']>[number];

/**
 * Packages that exist as ES modules only. Node before 20.19 cannot `require` them, so they are built into our files, and
 * their licences go with them. Development dependencies, because users do not install them.
 */
export const builtIn = ['stemmer', 'uuid'];

/** What users import, by the name of its file. */
export const entries = {
  index: 'src/index.ts',
  testing: 'src/testing/index.ts',
  'ai-sdk': 'src/integrations/ai-sdk/index.ts',
  langchain: 'src/integrations/langchain/index.ts',
  langgraph: 'src/integrations/langgraph/index.ts',
  jetstream: 'src/jetstream/index.ts',
  mcp: 'src/integrations/mcp/index.ts',
};

/**
 * Turns each `import('name')` of the CommonJS build into `require`: the context in which Jest runs CommonJS has no `import()`. What
 * stays is `import(variable)`, for a package that exists as ES modules only.
 */
const requireInCommonJs: Plugin = {
  name: 'require-in-common-js',
  renderChunk(code) {
    if (this.format !== 'cjs') return undefined;
    return { code: code.replace(/\bimport\((["'][^"']+["'])\)/g, 'Promise.resolve().then(() => require($1))') };
  },
};

export default defineConfig({
  // The index builder is the program of a child process. It lies beside the files that start it.
  entry: { ...entries, cli: 'src/cli/main.ts', 'index-builder': 'src/vector-index/index-builder.ts' },
  format: ['esm', 'cjs'],
  // Nobody imports the two programs below. Their declarations would need more memory than Node.js takes by itself.
  dts: { entry: entries },
  // What both entries use is one file, so that each class exists once in each format.
  splitting: true,
  // Rollup then turns the shared files into CommonJS and leaves `import()` alone; tsup's other way makes `require()` of it.
  treeshake: true,
  plugins: [requireInCommonJs],
  external: ['@xenova/transformers'],
  noExternal: builtIn,
  // CommonJS has no `import.meta`. tsup's own stand-in breaks in folders with a `#` or a `%` in their name.
  banner: ({ format }) =>
    format === 'cjs' ? { js: `const moduleUrl = require('node:url').pathToFileURL(__filename).href;` } : {},
  esbuildOptions: (options, { format }) => {
    if (format === 'cjs') options.define = { ...options.define, 'import.meta.url': 'moduleUrl' };
  },
  removeNodeProtocol: false,
  clean: true,
  target: 'node20',
  onSuccess: async () => {
    await Promise.all([copyModel(), writeLicences()]);
  },
});

/** The built-in model, beside the files that read it, with the licences of what it was learned from. */
async function copyModel(): Promise<void> {
  const folder = 'src/embedding/built-in';
  await copyFile(`${folder}/built-in-model.bin`, 'dist/built-in-model.bin');
  await copyFile(`${folder}/LICENSE-model.md`, 'dist/LICENSE-model.md');
}

async function writeLicences(): Promise<void> {
  const texts = await Promise.all(builtIn.map(async (name) => `## ${name}\n\n${await licenceOf(name)}`));
  await writeFile('dist/LICENSES.txt', `Built into these files:\n\n${texts.join('\n')}`);
}

async function licenceOf(name: string): Promise<string> {
  const folder = `node_modules/${name}`;
  const file = (await readdir(folder)).find((file) => /^licen[cs]e/i.test(file));
  if (file === undefined) throw new Error(`${name} has no licence file: it cannot be built in.`);
  return readFile(`${folder}/${file}`, 'utf8');
}
