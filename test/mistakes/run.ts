/**
 * Plants mistakes in copies of the library, one at a time, and says what noticed each:
 * `tsx test/mistakes/run.ts --seed S [--only part of a name] [--from name] [--first]`. With `--first` the first notice is enough. With
 * `--from` it begins with the mistake of this name. Exits with 1 if nothing noticed a mistake, if the library does not run with it, or if
 * something complains about the library as it is.
 */
import { parseArgs } from 'node:util';
import { BrokenLibraries } from './broken-library';
import { mistakes } from './mistakes';
import { plant } from './plant';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    from: { type: 'string', default: '' },
    first: { type: 'boolean', default: false },
  },
});
const how = { seed: Number(values.seed), first: values.first };
const libraries = new BrokenLibraries();
const none = { name: 'none: the library as it is', edits: [] };
const start = mistakes.findIndex(({ name }) => name.includes(values.from));
if (start < 0) throw new Error(`No mistake has a name with '${values.from}'.`);
const planted = mistakes.slice(start).filter(({ name }) => name.includes(values.only));
let unnoticed = 0;
let broken = 0;

async function run(): Promise<void> {
  const complaints = await plant(libraries, none, how);
  for (const { by, message } of complaints) console.error(`Without a mistake, ${by} complains: ${message}`);
  console.log('| mistake | noticed by | for example |\n|---|---|---|');
  for (const mistake of planted) {
    const notices = await plant(libraries, mistake, how).catch((error: Error) => {
      broken++;
      console.log(`| ${mistake.name} | **does not run** | ${shown(error.message)} |`);
    });
    if (notices === undefined) continue;
    if (notices.length === 0) unnoticed++;
    const by = notices.length === 0 ? '**nobody**' : notices.map((notice) => notice.by).join(', ');
    console.log(`| ${mistake.name} | ${by} | ${shown(notices[0]?.message ?? '')} |`);
  }
  const failed = `${unnoticed} were not noticed, ${broken} did not run.`;
  console.log(`\n${planted.length} mistakes with seed ${how.seed}: ${failed}`);
  if (unnoticed + broken + complaints.length > 0) process.exitCode = 1;
}

function shown(message: string): string {
  return message.replaceAll('|', '\\|').replaceAll('\n', ' ').slice(0, 140);
}

run()
  .catch((error) => {
    console.error(error);
    process.exitCode = 1;
  })
  .finally(() => libraries.remove());
