import type { Question } from './shared/question';
import { row } from './shared/row';
import { importFigures } from './shared/store';

/** How fast a store fills: what the other questions wait for. */
export const importing: Question = {
  name: 'import',
  asks: 'How many memories a second does rememberMany take into an empty store, and how long do the indexes need then?',
  async run(setting) {
    const { memories, importMs, settleMs } = await importFigures(setting);
    return [
      row({ name: 'import', value: memories / (importMs / 1000), unit: 'writes/s' }),
      row({ name: 'import, until settled', value: settleMs / 1000, unit: 's' }),
    ];
  },
};
