/**
 * Plants mistakes in copies of the library, one at a time, and tells who noticed each:
 * `tsx test/mistakes/run.ts --seed S [--only part of a name] [--first]`; with `--first` a mistake is let go as soon as somebody
 * has noticed it. Ends with 1 where nobody noticed one, or somebody complains
 * about the library as it is.
 */
import { parseArgs } from 'node:util';
import { BrokenLibraries } from './broken-library';
import { mistakes } from './mistakes';
import { plant } from './plant';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    first: { type: 'boolean', default: false },
  },
});
const how = { seed: Number(values.seed), first: values.first };
const libraries = new BrokenLibraries();
const none = { name: 'none: the library as it is', edits: [] };
const planted = mistakes.filter(({ name }) => name.includes(values.only));
let unnoticed = 0;

async function run(): Promise<void> {
  const complaints = await plant(libraries, none, how);
  for (const { by, message } of complaints) console.error(`Without a mistake, ${by} complains: ${message}`);
  console.log('| mistake | noticed by | for example |\n|---|---|---|');
  for (const mistake of planted) {
    const notices = await plant(libraries, mistake, how);
    if (notices.length === 0) unnoticed++;
    const by = notices.length === 0 ? '**nobody**' : notices.map((notice) => notice.by).join(', ');
    const example = (notices[0]?.message ?? '').replaceAll('|', '\\|').slice(0, 140);
    console.log(`| ${mistake.name} | ${by} | ${example} |`);
  }
  console.log(`\n${planted.length} mistakes with seed ${how.seed}: ${unnoticed} were not noticed.`);
  if (unnoticed + complaints.length > 0) process.exitCode = 1;
}

run()
  .catch((error) => {
    console.error(error);
    process.exitCode = 1;
  })
  .finally(() => libraries.remove());
