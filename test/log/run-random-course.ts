import { parseArgs } from 'node:util';
import { RandomCourse } from './random-course';

// Runs many random courses. Run: npx tsx test/log/run-random-course.ts --seeds 1000 [--from 1] [--trace]

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    from: { type: 'string', default: '1' },
    trace: { type: 'boolean', default: false },
  },
});
const from = Number(values.from);
const failed: number[] = [];
for (let seed = from; seed < from + Number(values.seeds); seed++) {
  const course = new RandomCourse(seed);
  try {
    await course.run();
  } catch (error) {
    failed.push(seed);
    console.log(`seed ${seed}: ${error instanceof Error ? error.message : error}`);
    if (values.trace) console.log(course.trace.join('\n'));
  }
}
console.log(`${values.seeds} courses, ${failed.length} failed${failed.length > 0 ? `: ${failed.join(', ')}` : ''}.`);
if (failed.length > 0) process.exitCode = 1;
