import type { Question } from './shared/question';
import { row } from './shared/row';
import { importFigures } from './shared/store';

/** The speed of filling an empty store. The other questions use the filled store. */
export const importing: Question = {
  name: 'import',
  asks: 'How many memories a second does rememberMany store in an empty store, and how long do the indexes need afterwards?',
  async run(setting) {
    const { memories, importMs, settleMs } = await importFigures(setting);
    return [
      row({ name: 'import', value: memories / (importMs / 1000), unit: 'writes/s' }),
      row({ name: 'import, until settled', value: settleMs / 1000, unit: 's' }),
    ];
  },
};
