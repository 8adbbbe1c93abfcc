import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { entries } from '../../tsup.config';
import { repository } from './sources';

test('the API reference has every entry that users import', () => {
  const { entryPoints } = JSON.parse(readFileSync(join(repository, 'typedoc.json'), 'utf8')) as {
    entryPoints: string[];
  };
  expect([...entryPoints].sort()).toEqual(Object.values(entries).sort());
});
