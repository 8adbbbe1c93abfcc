import { measureCallPaths } from './measure';

// Prints which source files one warm call runs: `npx tsx test/call-path/run.ts`, with `--files` for their names, or all of it with
// `--json`.
const paths = await measureCallPaths();
if (process.argv.includes('--json')) {
  console.log(JSON.stringify(paths));
  process.exit();
}
for (const [call, { files, functions }] of Object.entries(paths)) {
  console.log(`${call}: ${functions} functions in ${files.length} files`);
  if (process.argv.includes('--files')) for (const file of files) console.log(`  ${file}`);
}
