import { measureCallPaths } from './measure';

// Prints which source files one warm call runs: `npx tsx test/call-path/run.ts`, with `--files` for their names.
const paths = await measureCallPaths();
for (const [call, { files, functions }] of Object.entries(paths)) {
  console.log(`${call}: ${functions} functions in ${files.length} files`);
  if (process.argv.includes('--files')) for (const file of files) console.log(`  ${file}`);
}
