// Compiles the files in assembly/ to one WebAssembly module and writes it as base64 to scan-kernel.generated.ts. With --check it writes
// nothing, and fails if that file is out of date.
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const generated = here('scan-kernel.generated.ts');
const files = ['bytes.ts', 'signs.ts'];
const imported = ['boost.ts'];

async function compile() {
  const sources = new Map();
  for (const file of [...files, ...imported]) sources.set(file, await readFile(here(`assembly/${file}`), 'utf8'));
  let wasm;
  const { error, stderr } = await asc.main(
    [
      ...files,
      '--outFile',
      'scan.wasm',
      '-O3',
      '--noAssert',
      '--runtime',
      'stub',
      '--enable',
      'simd',
      '--importMemory',
    ],
    {
      readFile: (name) => sources.get(name) ?? null,
      writeFile: (name, bytes) => {
        if (name === 'scan.wasm') wasm = bytes;
      },
      listFiles: () => [],
    },
  );
  if (error) throw new Error(`The kernel does not compile. ${stderr.toString()}`, { cause: error });
  return `// Made by build.mjs from the files in assembly/. Do not edit: npm run build:kernel\nexport const scanKernel =\n  '${Buffer.from(wasm).toString('base64')}';\n`;
}

const text = await compile();
if (!process.argv.includes('--check')) await writeFile(generated, text);
else if ((await readFile(generated, 'utf8')) !== text) {
  process.stderr.write('scan-kernel.generated.ts is not what assembly/ compiles to: npm run build:kernel\n');
  process.exitCode = 1;
}
