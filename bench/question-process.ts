import { questions } from './questions';
import type { Setting } from './shared/question';

const [name, setting] = JSON.parse(process.argv[2] ?? '') as [string, Setting];
const question = questions.find((each) => each.name === name);
if (question === undefined) throw new Error(`There is no question ${name}.`);
process.send?.(await question.run(setting));
// Not waited for: threads of the native libraries.
process.disconnect?.();
