// Compiles assembly/int8.ts to WebAssembly and writes it as base64 to int8-kernel.generated.ts. With --check it writes nothing, and
// fails if the file is out of date.
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const generated = here('int8-kernel.generated.ts');

async function compile() {
  const source = await readFile(here('assembly/int8.ts'), 'utf8');
  let wasm;
  const { error, stderr } = await asc.main(
    [
      'int8.ts',
      '--outFile',
      'int8.wasm',
      '-O3',
      '--noAssert',
      '--runtime',
      'stub',
      '--enable',
      'simd',
      '--importMemory',
    ],
    {
      readFile: (name) => (name === 'int8.ts' ? source : null),
      writeFile: (name, bytes) => {
        if (name === 'int8.wasm') wasm = bytes;
      },
      listFiles: () => [],
    },
  );
  if (error) throw new Error(`The kernel does not compile. ${stderr.toString()}`, { cause: error });
  return `// Made by build.mjs from assembly/int8.ts. Do not edit: npm run build:kernel\nexport const int8Kernel =\n  '${Buffer.from(wasm).toString('base64')}';\n`;
}

const text = await compile();
if (!process.argv.includes('--check')) await writeFile(generated, text);
else if ((await readFile(generated, 'utf8')) !== text) {
  process.stderr.write('int8-kernel.generated.ts is not what assembly/int8.ts compiles to: npm run build:kernel\n');
  process.exitCode = 1;
}
